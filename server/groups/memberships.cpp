// What a room hands to the buckets of its members.

#include <optional>
#include <utility>

#include "protocol/base/log.hpp"
#include "protocol/base/text.hpp"
#include "server/groups/groups.hpp"
#include "server/groups/place.hpp"
#include "server/shard/bucket.hpp"
#include "server/store/record.hpp"

namespace beckon::server::groups {

namespace {

constexpr std::string_view membership_prefix = "in:";
/// Before what the queue of another shard had no place for is handed over again.
constexpr Duration told_again = 1s;
/// Where no messages are stored, one of a room is kept for a moment, as it is delivered from the store.
constexpr Duration kept_least = 60s;

}  // namespace

std::string membership_key(std::string_view room) {
  return std::string(membership_prefix) + std::string(room);
}

std::string_view room_of_key(std::string_view key) {
  return key.starts_with(membership_prefix) ? key.substr(membership_prefix.size()) : std::string_view();
}

std::string encode(const Membership& membership) {
  store::RecordWriter writer;
  writer.number(static_cast<std::uint64_t>(membership.role))
      .number(membership.mark)
      .flag(membership.is_invited);
  return std::move(writer).finish();
}

std::optional<Membership> decode_membership(std::string_view value) {
  store::RecordReader reader(value);
  const auto role = reader.number_as<std::uint8_t>();
  Membership membership{.role = static_cast<Role>(role), .mark = reader.number()};
  membership.is_invited = reader.flag();
  if (!reader.ok() || role >= static_cast<std::uint8_t>(Role::gone)) return std::nullopt;
  return membership;
}

/// A member's bucket notes what the user is in a room, and stores a message of it, in one commit.
class Groups::Receive final : public store::Step {
 public:
  Receive(Groups& groups, Entry& user, Handed handed)
      : groups_(groups), user_(user), handed_(std::move(handed)) {}

  bool prepare(store::Batch& batch, Now now) override {
    batch.durable = true;
    drop_addition();
    const Place* place = user_.find(groups_.slot_);
    known_.reset();
    if (place) {
      const auto found = place->rooms.find(handed_.room);
      if (found != place->rooms.end()) known_ = found->second;
    }
    const bool is_gone = handed_.role == Role::gone;
    // The membership ends after the last message: where there is none the user has them all.
    const bool is_as_told =
        known_ && known_->role == handed_.role && known_->is_invited == handed_.is_invited;
    const bool has_all = known_ && known_->mark >= handed_.number && (handed_.text || is_as_told);
    if (is_gone ? !known_ || (handed_.text && has_all) : has_all) {
      groups_.taken(user_, handed_, Taken::Outcome::done);
      return false;
    }
    if (is_end()) {
      batch.erase(store::Kind::room, membership_key(handed_.room));
      return true;
    }
    if (!known_ && place && place->rooms.size() >= groups_.services_.settings().rooms.memberships_per_user) {
      groups_.taken(user_, handed_, Taken::Outcome::unknown);
      return false;
    }
    const bool is_new = handed_.text && (!known_ || known_->mark < handed_.number);
    if (is_new && !groups_.is_refused(user_, handed_.author) && !groups_.is_refused(user_, handed_.room))
      add_message(batch, now);
    next_ = {.role = is_gone ? known_->role : handed_.role,
             .mark = std::max(handed_.number, known_ ? known_->mark : 0),
             .is_invited = handed_.is_invited};
    batch.put(store::Kind::room, membership_key(handed_.room), [&] { return encode(next_); });
    return true;
  }
  void apply(Now now) override {
    Place& place = user_.get(groups_.slot_, groups_.services_.timers());
    if (is_end())
      place.rooms.erase(handed_.room);
    else
      place.rooms.insert_or_assign(handed_.room, next_);
    if (addition_) addition_->apply(now);
  }
  void announce(Now now) override {
    const EntryPtr kept = user_.ptr();
    if (addition_) {
      groups_.note(user_, stored_, handed_.author);
      addition_->announce(now, Time::min());
    }
    groups_.taken(user_, handed_, Taken::Outcome::done);
    groups_.drop_if_empty(user_);
  }
  void refuse(ErrorCode why, Now) override {
    log::debug("groups", "{} gets what is new in {} later: {}", user_.aor(), handed_.room, why.message());
    drop_addition();
    groups_.taken(user_, handed_, outcome_of(why));
  }

 private:
  /// The end of a membership is noted though the user is gone: its record ends with it.
  Taken::Outcome outcome_of(ErrorCode why) const {
    if (why == store::Errc::overload) return Taken::Outcome::busy;
    const bool has_left = why == store::Errc::user_gone && handed_.role != Role::gone;
    return has_left ? Taken::Outcome::unknown : Taken::Outcome::later;
  }
  /// Of the membership.
  bool is_end() const { return handed_.role == Role::gone && !handed_.text; }

  /// A member whose inbox is full does not get it: it is in the history of the room.
  void add_message(store::Batch& batch, Now now) {
    stored_ = groups_.messages_->draft({.user = user_.aor(),
                                        .from = handed_.room,
                                        .type = std::string(documents::cpim_type),
                                        .body = std::string(*handed_.text)},
                                       user_.bucket(), now);
    if (stored_.granted == Duration::zero()) {
      stored_.granted = kept_least;
      stored_.ends = now.mono + kept_least;
    }
    addition_.emplace(groups_.messages_->boxes(), user_, stored_);
    using Fit = message::Boxes::Addition::Room;
    const Fit fit = addition_->prepare(batch, now);
    if (fit == Fit::enough) return;
    if (fit != Fit::has_it)
      log::info("groups", "a message in {} does not reach {}, whose inbox is full", handed_.room,
                user_.aor());
    drop_addition();
  }

  /// Of a step that is prepared again, too.
  void drop_addition() {
    if (addition_) addition_->drop();
    addition_.reset();
  }

  Groups& groups_;
  Entry& user_;
  Handed handed_;
  std::optional<Membership> known_;
  Membership next_;
  message::Stored stored_;
  std::optional<message::Boxes::Addition> addition_;
};

void Groups::on(const Handed& handed, Bucket, Now) {
  const EntryPtr user = services_.directory().get(handed.member);
  const auto take = [this, user, handed](bool is_user) {
    if (!is_user) return taken(*user, handed, Taken::Outcome::unknown);
    user->add(std::make_unique<Receive>(*this, *user, handed));
  };
  const bool is_asked_for = handed.role != Role::gone || handed.text;
  if (!is_asked_for || !is_ours(handed.member) || services_.settings().authentication == Authentication::none)
    return take(true);
  users_.find_user(handed.member, [this, user, handed, take](const Result<store::UserPtr>& found) {
    found ? take(*found != nullptr) : taken(*user, handed, Taken::Outcome::later);
  });
}

void Groups::taken(Entry& user, const Handed& handed, Taken::Outcome outcome) {
  const bool is_here = !registrar_.targets(user.aor(), services_.clock().now()).empty();
  if (Place* place = user.find(slot_); place && std::exchange(place->is_here, is_here) != is_here)
    tell_here(user);
  peers_.post_back<Groups>(bucket_of(handed.room), Taken{.room = handed.room,
                                                         .member = user.aor(),
                                                         .role = handed.role,
                                                         .is_invited = handed.is_invited,
                                                         .number = handed.number,
                                                         .is_message = bool(handed.text),
                                                         .outcome = outcome,
                                                         .is_here = is_here});
}

void Groups::note(const Entry& user, const message::Stored& stored, const std::string& author) {
  const auto request = message::request_of(stored);
  if (!request) return;
  const archive::Passage passage{
      .at = user.bucket(), .sender = {}, .recipient = user.aor(), .time = stored.arrived, .author = author};
  archive_.note(*request, passage, archive::MessageState::stored);
}

void Groups::deliver_by(message::Messages& messages) {
  messages_ = &messages;
  messages.observe_unwanted([this](const Entry& user, const std::string& sender) {
    const Place* place = user.find(slot_);
    if (place && place->rooms.contains(sender)) tell_gone(sender, user.aor());
  });
}

/// The caller calls it again later: a queue between shards may be full.
void Groups::tell_gone(const std::string& room, const std::string& member) {
  if (!peers_.post<Groups>(bucket_of(room), Gone{room, member}))
    log::debug("groups", "{} leaves {} later: too much waits", member, room);
}

std::vector<std::string> Groups::rooms_of(const Entry& user) const {
  std::vector<std::string> all;
  if (const Place* place = user.find(slot_))
    for (const auto& [room, membership] : place->rooms) all.push_back(room);
  return all;
}

// Who is here

void Groups::on_bindings_changed(Entry& user, registrar::BindingEvent, const registrar::Binding&,
                                 const std::vector<registrar::Binding>&, Now now) {
  Place* place = user.find(slot_);
  if (!place || place->rooms.empty()) return;
  const bool is_here = !registrar_.targets(user.aor(), now).empty();
  if (std::exchange(place->is_here, is_here) != is_here) tell_here(user);
}

void Groups::tell_here(Entry& user) {
  Place& place = *user.find(slot_);
  bool all_told = true;
  for (const auto& [room, membership] : place.rooms)
    all_told = peers_.post<Groups>(bucket_of(room), Here{room, user.aor(), place.is_here}) && all_told;
  if (all_told) return;
  place.retry.set(services_.clock().now().mono + told_again, [this, &user](Time) { tell_here(user); });
}

/// Ends the memberships of a removed user; a disabled user may come back. The shard calls it again later.
void Groups::on_user_gone(std::string_view aor, bool removed, Now) {
  const EntryPtr user = removed ? services_.directory().find(aor) : nullptr;
  if (!user) return;
  for (const std::string& room : rooms_of(*user)) tell_gone(room, user->aor());
}

}  // namespace beckon::server::groups
