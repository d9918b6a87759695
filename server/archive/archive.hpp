#pragma once

#include <boost/intrusive/list.hpp>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "protocol/documents/message_archive.hpp"
#include "server/shard/gruu.hpp"
#include "server/shard/services.hpp"
#include "server/store/store.hpp"

/// What users sent and received: copies for their other devices, and a history.
namespace beckon::server::archive {

using documents::ArchivedMessage;
using documents::MessageArchive;
using documents::MessageDirection;
using documents::MessageErasure;
using documents::MessageState;

/// Octets of texts in one answer, about; a reader asks for the rest.
inline constexpr std::size_t page_octets = 512 * 1024;

/// A message for one user's archive.
struct Note {
  std::string user{};         ///< Whose archive: a canonical AOR.
  ArchivedMessage message{};  ///< Without `number` and `change`.
};

/// Where a message is, between whom, and since when.
struct Passage {
  Bucket at = 0;            ///< Of this shard.
  std::string sender{};     ///< Canonical AOR; empty: of nobody who has an archive.
  std::string recipient{};  ///< Canonical AOR.
  WallTime time{};
  std::string author{};  ///< AOR of who wrote it, where From is a room; else empty.
};

/// How far a message has come, for the archive of one side.
struct Mark {
  std::string user{};  ///< Whose archive: a canonical AOR.
  std::string with{};
  std::string id{};
  MessageDirection direction = MessageDirection::sent;
  MessageState state = MessageState::delivered;
};

/// Which messages of an archive are meant; what is empty or 0 excludes none.
struct Selection {
  std::string with{};        ///< A canonical AOR.
  std::uint64_t number = 0;  ///< This one.
  std::uint64_t before = 0;  ///< Smaller numbers.
  std::optional<WallTime> since{};
  bool has(const ArchivedMessage& message) const;
};

struct Box;
struct Plan;

/// The archives of one shard's users, a part of each entry. A message is noted as a fact of the entry's
/// sequence: its relay does not wait for the store, and a crash before the store has it forgets it. What the
/// user asks for (erasing, say) is answered once it is stored. Each message and each change of one has a
/// number; numbers rise, over restarts too, as they begin with the milliseconds of the wall clock.
class Archive final : public Room, public Keeper {
 public:
  /// All outlive it. `gruus` says whom a temporary GRUU that a sender used stands for.
  Archive(Environment& environment, Peers& peers, const Gruus& gruus);
  ~Archive() override;

  // For the rooms that see messages pass, at any bucket. What the inbox of another shard has no place for is
  // not noted.

  /// A MESSAGE was accepted: noted for its sender and its recipient, as far as they are users of ours. What
  /// is no text is not kept; a disposition notification (RFC 5438) marks the message that it is about
  /// instead.
  void note(const Request& request, MessageState state);
  /// The same of a request that is no transaction any more, or never was.
  void note(const sip::Message& request, const Passage& passage, MessageState state);
  /// A message that was noted has come so far, for both sides. Both AORs are canonical; `from` is a bucket of
  /// this shard.
  void mark(Bucket from, const std::string& sender, const std::string& recipient, const std::string& id,
            MessageState state);
  /// The same of the request that was noted: each side knows the other by the address that it was shown.
  void mark(const sip::Message& request, const Passage& passage, MessageState state);
  void on(Note note, Bucket at, Now now);
  void on(const Mark& mark, Bucket at, Now now);

  // For the user, at the bucket of the user's entry.

  /// 200: the store has it; else 503 or 500, and nothing has changed.
  using Done = std::function<void(int status)>;
  /// The user has seen those selected that were received.
  void set_displayed(Entry& user, Selection selection, Done done);
  /// One message, those with one AOR, or all: `before` and `since` do not count.
  void erase(Entry& user, Selection selection, Done done);
  /// False: from now on nothing is noted for the user; what there is stays.
  void set_kept(Entry& user, bool is_kept, Done done);

  /// The newest `limit` of those selected, or as many as are not too long for an answer.
  MessageArchive page(const Entry& user, const Selection& selection, std::size_t limit) const;
  /// What changed after `from`: of the oldest changes as many as have about so many octets, at least one.
  MessageArchive changes(const Entry& user, std::uint64_t from, std::size_t octets) const;
  /// The number of the newest change; 0 where nothing is kept.
  std::uint64_t newest(const Entry& user) const;
  bool is_kept(const Entry& user) const;

  /// A user's archive changed. Once.
  using OnChange = std::function<void(Entry& user, Now now)>;
  void observe(OnChange on_change) { on_change_ = std::move(on_change); }

  /// A user has read a message of `with`, which the archive need not have: a device said so in a notification
  /// to the sender, or a reading mark did. Once.
  using OnRead = std::function<void(Entry& user, const std::string& with, const std::string& id)>;
  void observe_reading(OnRead on_read) { on_read_ = std::move(on_read); }

  // Room, Keeper
  /// The archive of a removed user ends; what others have of the user's messages is theirs.
  void on_user_gone(std::string_view aor, bool removed, Now now) override;
  void restore(const store::Record& record, Now now) override;
  void restored(Now now) override;
  void reload(Entry& entry, const store::Held& held, Now now) override;
  std::vector<Table> tables(Now now) const override;

  /// Octets in memory of all archives of this shard, about.
  std::size_t octets() const { return octets_; }

 private:
  class Work;
  using Planner = std::function<Plan(const Box* box, Now now)>;
  /// What waits for its turn in the sequence of a user.
  struct Waiting {
    unsigned notes = 0;
    bool is_told = false;  ///< Of notes that are lost, since none waited.
  };
  using Boxes = boost::intrusive::list<Box, boost::intrusive::constant_time_size<false>>;

  bool is_ours(std::string_view aor) const;
  template <class T>
  void hand(Bucket from, T value);
  void fact(Entry& entry, Planner plan);
  void note_fact(Entry& entry, Planner plan);
  void on_note_begun(const Entry& entry);
  void ask(Entry& entry, Planner plan, Done done);
  Plan plan_note(const Box* box, const ArchivedMessage& message, Now now) const;
  void add_surplus(Plan& plan, const Box& box, std::size_t more, Now now) const;

  Box& box_of(Entry& entry);
  void put(Box& box, ArchivedMessage message);
  void apply(Entry& entry, Plan& plan, Now now);
  void drop(Entry& entry);
  void arm(Box& box, Now now);
  void make_room();
  static std::string shown(const sip::Uri& from, const Passage& passage);
  std::string user_of(const std::string& address) const;
  const ArchivedMessage* find_marked(const Box& box, const Mark& mark) const;

  Environment& environment_;
  Peers& peers_;
  const Gruus& gruus_;
  Slot<Box> slot_;
  std::unique_ptr<Boxes> by_news_;  ///< Those whose last news is the oldest first.
  OnChange on_change_;
  OnRead on_read_;
  std::unordered_map<const Entry*, Waiting> waiting_;  ///< Of users of whom notes wait.
  std::size_t octets_ = 0;
  Timer room_;  ///< Set while archives are past their bound.
};

}  // namespace beckon::server::archive
