#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/result.hpp"
#include "protocol/base/time.hpp"
#include "server/store/error.hpp"
#include "server/store/time_scale.hpp"
#include "server/users/user.hpp"

/// Where the server's state outlives its process: asynchronous, per AOR, versioned.
namespace beckon::store {

/// Which room's record it is. Values are stable: they stand in the file. 4 was another kind once.
enum class Kind : std::uint8_t {
  binding = 1,       ///< registrar; key: contact
  publication = 2,   ///< publication; key: entity-tag lineage
  subscription = 3,  ///< subscription; key: local tag
  document = 5,      ///< XCAP; key: document path below the user's tree
  message = 6,       ///< stored MESSAGEs
  counter = 7,       ///< numbers reserved in blocks; key: what they count
  archive = 8,       ///< what users sent and received; key: number of the message
  room = 9,          ///< rooms, their members and messages; what users are members of
};

/// Null: no kind of this version. A file of another version may hold such records.
const char* to_string(Kind kind);

/// Does the kind belong in the durable store? The rest is soft state, which its owners refresh.
constexpr bool is_durable(Kind kind) {
  return kind == Kind::document || kind == Kind::message || kind == Kind::archive || kind == Kind::room;
}

/// One fact about one AOR. `value` is an encoding of the owning room (record.hpp); secrets and grants of
/// direct sessions never stand in it (DIRECT_SESSIONS 3.3).
struct Record {
  Kind kind = Kind::binding;
  std::string aor;
  std::string key;  ///< Unique within (kind, aor).
  std::string value;
  bool operator==(const Record&) const = default;
};

struct Change {
  Record record;       ///< Without value where `erase`.
  bool erase = false;  ///< Else it is added, or replaces the one of the same (kind, aor, key).
  /// Neither the store nor a batch on its way there has a record of that key yet: a fact that erases it
  /// before the store has it leaves nothing to do.
  bool is_new = false;
};

/// The answer given to a request, so that a crash between commit and answer does not do the work twice:
/// a retransmission that arrives after a restart gets it again.
struct Answer {
  std::string request;   ///< Identity of the request: Call-ID, CSeq, From-tag and branch.
  std::string aor;       ///< Whose bucket answers it.
  std::string response;  ///< Status, To-tag and the headers that matter; a text of the owning room.
  WallTime until;        ///< Answered at + 64*T1, by the store's TimeScale.
};

/// Random octets that the processes which use a store have in common.
using Secret = std::array<std::uint8_t, 32>;

/// Rises with every commit of an AOR, over restarts too; gaps are normal.
using Version = std::uint64_t;

/// Changes that become true together.
struct Batch {
  std::string aor;  ///< Whose version rises. Every change is about this AOR.
  std::vector<Change> changes{};
  std::optional<Answer> answer{};
  Time deadline = Time::max();  ///< Timer F of the client that waits; later, the batch is not begun.
  /// The version the AOR must have, else Errc::conflict. Absent: its records are written by their owner
  /// alone, and the AOR's version does not rise. Stores that are not shared need not look.
  std::optional<Version> expected{};
  /// For the durable store. Kinds of the two stores never stand in one batch.
  bool durable = false;
  /// False where the store keeps no records: `put` then does not call its encoder.
  bool is_kept = true;
  std::uint16_t kinds = 0;  ///< Bit 1 << kind for each kind changed by `put` and `erase`.

  /// `encode()` makes the value.
  template <class Encode>
  void put(Kind kind, std::string_view key, Encode encode) {
    kinds |= bit(kind);
    if (is_kept) changes.push_back({.record = {kind, aor, std::string(key), encode()}});
  }
  /// The same of a record whose key was never used before.
  template <class Encode>
  void put_new(Kind kind, std::string_view key, Encode encode) {
    put(kind, key, std::move(encode));
    if (is_kept) changes.back().is_new = true;
  }
  void erase(Kind kind, std::string_view key) {
    kinds |= bit(kind);
    if (is_kept) changes.push_back({.record = {kind, aor, std::string(key), {}}, .erase = true});
  }
  static constexpr std::uint16_t bit(Kind kind) {
    return static_cast<std::uint16_t>(1U << static_cast<unsigned>(kind));
  }
};

/// All records of one AOR that one of the two stores keeps, and its version there.
struct Held {
  Version version = 0;
  std::vector<Record> records;
  bool durable = false;  ///< Of the durable store; set by the sequence.
};

/// Keeps records: asynchronous, per AOR, versioned. One per shard; calls and callbacks are on that shard's
/// thread.
class RecordStore {
 public:
  using Done = std::function<void(Result<Version>)>;
  using Loaded = std::function<void(Result<Held>)>;

  virtual ~RecordStore() = default;
  /// False: nothing would read them, and nobody needs to commit.
  virtual bool keeps_records() const { return true; }
  /// Other nodes write it, too: commits say which version they expect.
  virtual bool is_shared() const { return false; }
  /// Makes the batch durable, then calls `done`; never from inside `commit`. Batches of one AOR are
  /// committed, and called back, in order.
  virtual void commit(Batch batch, Done done) = 0;
  /// Reads what is kept of an AOR; never calls back from inside `load`.
  virtual void load(const std::string& aor, Loaded loaded) = 0;
};

/// Soft state (DESIGN 1.4, 1.5): what its owners refresh.
class StateStore : public RecordStore {
 public:
  /// By which the times in its records and answers stand.
  virtual TimeScale scale() const { return {}; }
  /// As old as its records: what was made with it is worth something as long as they are there. Absent where
  /// none are kept.
  virtual std::optional<Secret> secret() const { return std::nullopt; }
};

/// Takes in what a store held when it was opened.
class Loader {
 public:
  virtual ~Loader() = default;
  virtual void on_record(Record record) = 0;
  virtual void on_answer(Answer answer) = 0;
};

/// Null: no such user. Shared with the store's memory, so that a search copies nothing.
using UserPtr = std::shared_ptr<const users::User>;

/// Durable data (DESIGN 1.5): documents and messages as records, and the users.
class DurableStore : public RecordStore {
 public:
  using FoundUser = std::function<void(Result<UserPtr>)>;

  /// `aor` is canonical. Calls `found` with null for an unknown user; never from inside `find_user`.
  virtual void find_user(std::string_view aor, FoundUser found) = 0;
  /// The user one of whose `users::name_hashes` this is (lower case).
  virtual void find_user_by_hash(std::string_view hash, FoundUser found) = 0;
};

/// Reports to rooms what was committed: of which kind and AOR, and the version it has since. Events come
/// later, never from inside `publish`, in the order of the calls; the sequence of the AOR publishes them.
class EventBus {
 public:
  using Handler = std::function<void(const std::string& aor, Version version)>;

  virtual ~EventBus() = default;
  virtual void publish(Kind kind, const std::string& aor, Version version) = 0;
  virtual void subscribe(Kind kind, Handler handler) = 0;
};

}  // namespace beckon::store
