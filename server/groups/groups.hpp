#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "server/archive/archive.hpp"
#include "server/groups/group.hpp"
#include "server/message/messages.hpp"
#include "server/registrar/registrar.hpp"
#include "server/shard/rate_limit.hpp"
#include "server/shard/rounds.hpp"
#include "server/shard/services.hpp"

namespace beckon::server::groups {

/// What a user asks of a room. `who` and `member` are canonical addresses-of-record.
struct Command {
  enum class Verb : std::uint8_t { make, show, history, add, remove, change, end, erase };
  Verb verb = Verb::show;
  std::string room{};
  std::string who{};     ///< Empty: the administrator.
  std::string member{};  ///< Of `make` the owner, where the administrator asks; of `add` and `remove`.
  Role role = Role::member;
  Wishes wishes{};                 ///< Of `make` and `change`.
  archive::Selection selection{};  ///< Of `history` and `erase`,
  std::size_t limit = 50;          ///< messages, of `history`.
};
/// HTTP's status and a body: of `show` JSON, of `history` a `documents::MessageArchive`.
struct Answer {
  int status = 200;
  std::string body{};
};

/// What a refusal means, for people.
std::string_view reason_of(int status);

/// The rooms of one shard's addresses, and what the shard's users are members of. What changes a room is a
/// step of the sequence of its address; a MESSAGE to it is answered 202 once the store has it, and then goes
/// to the bucket of each member, which stores it as any message for a user (`message::Boxes`). Each member's
/// bucket gets what is for the member one after the other, and notes in the commit of a message which was the
/// last one, so that what is handed over again (after a restart, a full queue) is stored once.
class Groups final : public Room, public Keeper, private registrar::BindingsObserver {
 public:
  /// All of this shard, and outliving it.
  struct Parts {
    Services& services;
    Peers& peers;
    store::DurableStore& users;
    registrar::Registrar& registrar;
    archive::Archive& archive;
  };
  explicit Groups(Parts parts);
  ~Groups() override;
  /// What a member gets is stored and delivered there. Once, before the first message; it outlives it.
  void deliver_by(message::Messages& messages);

  /// Whoever blocks an author, or a room, gets nothing of them, and is added by nobody whom the user blocks.
  using Refuses = std::function<bool(const Entry& user, std::string_view sender)>;
  void refuse_first(Refuses refuses) { refuses_ = std::move(refuses); }

  /// Null: the address is no room.
  const Group* find(const Entry& room) const;
  bool is_member(const Entry& room, std::string_view aor) const;
  /// Addresses of the rooms, in no order.
  std::vector<std::string> all() const;
  /// Rooms that the user is a member of.
  std::vector<std::string> rooms_of(const Entry& user) const;

  /// At the bucket of `asker`, the user who asks or the user's room: any of this shard. `done` is called
  /// later.
  using Done = std::function<void(Answer)>;
  void ask(Bucket asker, Command command, Done done);

  /// What has changed of a room.
  struct News {
    bool has_profile = false;
    std::vector<std::string> members{};  ///< Came, left, have another role, are here or away.
  };
  using OnChange = std::function<void(Entry& room, const News& news, Now now)>;
  void observe(OnChange on_change) { observers_.push_back(std::move(on_change)); }

  // Room
  Serves serves() const override;
  bool takes(const Request& request) const override;
  void on_request(const RequestPtr& request) override;
  void on_user_gone(std::string_view aor, bool removed, Now now) override;
  void on_domains_gone(Now now) override;
  void restore(const store::Record& record, Now now) override;
  void restored(Now now) override;
  void reload(Entry& entry, const store::Held& held, Now now) override;
  std::vector<Table> tables(Now now) const override;

  // From other buckets

  /// A command, for the bucket of its room; of `add` first for that of the member.
  struct Asked {
    std::uint64_t ticket = 0;
    Bucket asker = 0;
    Command command{};
    bool is_known = false;  ///< The member's bucket has been asked.
  };
  struct Answered {
    std::uint64_t ticket = 0;
    Answer answer{};
  };
  /// For the member's bucket: what the member is in the room, or a message.
  struct Handed {
    std::string room{}, member{};
    Role role = Role::member;
    bool is_invited = false;
    std::uint64_t number = 0;  ///< Of the message, or since when the member is one.
    std::string author{};      ///< Of the message.
    SharedText text{};         ///< Null: no message.
  };
  struct Taken {
    /// `busy`: too many requests about the user wait.
    enum class Outcome : std::uint8_t { done, later, busy, unknown };
    std::string room{}, member{};
    Role role = Role::member;
    bool is_invited = false;
    std::uint64_t number = 0;
    bool is_message = false;
    Outcome outcome = Outcome::done;
    bool is_here = false;
  };
  /// A member's first device has registered, or the last one is gone.
  struct Here {
    std::string room{}, member{};
    bool is_here = false;
  };
  /// The user was removed, or is of another domain and wants nothing of the room.
  struct Gone {
    std::string room{}, member{};
  };
  void on(Asked asked, Bucket at, Now now);
  void on(Answered answered, Bucket at, Now now);
  void on(const Handed& handed, Bucket at, Now now);
  void on(const Taken& taken, Bucket at, Now now);
  void on(const Here& here, Bucket at, Now now);
  void on(const Gone& gone, Bucket at, Now now);

 private:
  struct Place;
  class Change;
  class Spread;
  class Receive;
  class Completion;
  using Planner = std::function<Plan(const Group* group, Now now)>;

  // Commands
  void run(Entry& room, const Asked& asked);
  void answer(const Asked& asked, int status, std::string body = {});
  void make(Entry& room, const Asked& asked);
  void look_for_member(const Asked& asked);
  bool is_ours(std::string_view aor) const;
  bool may_be_outside(std::string_view aor) const;
  std::size_t rooms_owned_by(const Entry& user, bool with_invitations) const;

  // Rooms
  Group* group_of(Entry& room);
  Group& make_group(Entry& room);
  Member* known_member(const EntryPtr& room, std::string_view aor);
  void forget(Entry& room);
  std::size_t rooms_in(std::string_view domain) const;
  void change(Entry& room, Planner planner, std::function<void(int status)> done);
  void leave(Entry& room, const std::string& member);
  void apply(Entry& room, const Plan& plan, Now now);
  void changed(Entry& room, const Plan& plan, Now now);
  void announce(Entry& room, const News& news, Now now);
  void complete(Entry& room, std::vector<std::uint64_t> numbers, std::string left = {});
  void begin(Entry& entry);
  bool take_token(Member& member, Now now) const;
  bool take_token_of(const std::string& sender, Now now);
  void show_here(Entry& room, const std::string& aor, Member& member, bool is_here, Now now);
  bool serve_all(Entry& room, Slice& slice, Now now);
  bool serve(Entry& room, const std::string& aor, Member& member);
  void retry(Entry& room);

  // Members
  void taken(Entry& user, const Handed& handed, Taken::Outcome outcome);
  void note(const Entry& user, const message::Stored& stored, const std::string& author);
  void note_again(const Entry& room, const Group& group);
  bool is_refused(const Entry& user, std::string_view sender) const {
    return refuses_ && refuses_(user, sender);
  }
  void tell_gone(const std::string& room, const std::string& member);
  void tell_here(Entry& user);
  void drop_if_empty(Entry& entry);

  // registrar::BindingsObserver
  void on_bindings_changed(Entry& user, registrar::BindingEvent event, const registrar::Binding& changed,
                           const std::vector<registrar::Binding>& all, Now now) override;

  Services& services_;
  Peers& peers_;
  store::DurableStore& users_;
  registrar::Registrar& registrar_;
  message::Messages* messages_ = nullptr;
  archive::Archive& archive_;
  Slot<Place> slot_;
  ResourceRounds rounds_;
  Refuses refuses_;
  std::vector<OnChange> observers_;
  RateLimit senders_;  ///< Messages of one user to all rooms of this shard.
  std::map<std::string, std::size_t, std::less<>> rooms_;  ///< Of this shard, by domain.
  std::unordered_map<std::uint64_t, Done> waiting_;
  std::uint64_t last_ticket_ = 0;
};

}  // namespace beckon::server::groups
