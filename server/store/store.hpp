#pragma once

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
#include "server/users/user.hpp"

/// Where the server's state outlives its process: asynchronous, per AOR, versioned.
namespace beckon::store {

/// Whose record it is. Values are stable: they stand in the file.
enum class Kind : std::uint8_t {
  binding = 1,       ///< registrar; key: contact
  publication = 2,   ///< presence; key: entity-tag lineage
  subscription = 3,  ///< presence; key: dialog
  winfo_subscription = 4,
  document = 5,  ///< XCAP; key: document path below the user's tree
  message = 6,   ///< stored MESSAGEs
  counter = 7,   ///< numbers reserved in blocks; key: what they count
};

/// One fact about one AOR. `value` is a text of the owning room; secrets and grants of direct sessions
/// never stand in it (DIRECT_SESSIONS 3.3).
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
};

/// The answer given to a request, so that a crash between commit and answer does not do the work twice:
/// a retransmission that arrives after a restart gets it again.
struct Answer {
  std::string request;   ///< Identity of the request: Call-ID, CSeq, From-tag and branch.
  std::string aor;       ///< Whose bucket answers it.
  std::string response;  ///< Status, To-tag and the headers that matter; a text of the owning room.
  WallTime until;        ///< Answered at + 64*T1.
};

/// How often a store deletes answers nobody may ask for any more: to look for them at each commit would cost
/// all of them each time.
constexpr Duration prune_interval = 30s;

/// Changes that become true together.
struct Batch {
  std::string aor;  ///< Whose version rises. Every change is about this AOR.
  std::vector<Change> changes{};
  std::optional<Answer> answer{};
  Time deadline = Time::max();  ///< Timer F of the client that waits; later, the batch is not begun.
};

/// Rises with every commit of an AOR, over restarts too; gaps are normal.
using Version = std::uint64_t;

/// Soft state (DESIGN 1.4, 1.5). One per shard; calls and callbacks are on that shard's thread.
class StateStore {
 public:
  using Done = std::function<void(Result<Version>)>;

  virtual ~StateStore() = default;
  /// Makes the batch durable, then calls `done`; never from inside `commit`. Batches of one AOR are
  /// committed, and called back, in order.
  virtual void commit(Batch batch, Done done) = 0;
};

/// Takes in what a store held when it was opened.
class Loader {
 public:
  virtual ~Loader() = default;
  virtual void on_record(Record record) = 0;
  virtual void on_answer(Answer answer) = 0;
};

/// Null: no such user. Shared with the store's memory, so that finding copies nothing.
using UserPtr = std::shared_ptr<const users::User>;

/// Durable data: the users (DESIGN 1.5). One per shard, same thread rule.
class DurableStore {
 public:
  using FoundUser = std::function<void(Result<UserPtr>)>;

  virtual ~DurableStore() = default;
  /// `aor` is canonical. Calls `found` with null for an unknown user; never from inside `find_user`.
  virtual void find_user(std::string_view aor, FoundUser found) = 0;
  /// The user one of whose `users::name_hashes` this is (lower case).
  virtual void find_user_by_hash(std::string_view hash, FoundUser found) = 0;
};

/// Tells rooms of one AOR's changes after they were committed: who serves presence hears that a
/// document changed. In process the publisher's call returns after every handler has run.
class EventBus {
 public:
  using Handler = std::function<void(const std::string& aor, Version version)>;

  virtual ~EventBus() = default;
  virtual void publish(Kind kind, const std::string& aor, Version version) = 0;
  virtual void subscribe(Kind kind, Handler handler) = 0;
};

}  // namespace beckon::store
