// What users ask of rooms.

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <utility>

#include "protocol/base/text.hpp"
#include "server/groups/groups.hpp"
#include "server/groups/place.hpp"
#include "server/shard/bucket.hpp"

namespace beckon::server::groups {

using Verb = Command::Verb;

namespace {

/// Octets of a room's address.
constexpr std::size_t name_max = 255;

std::string show(const Group& group, const std::string& room) {
  boost::json::array members;
  for (const auto& [aor, member] : group.members)
    if (member.role != Role::gone)
      members.push_back({{"user", aor}, {"role", to_string(member.role)}, {"here", member.shows_here()}});
  const boost::json::object shown{{"room", room},
                                  {"topic", group.profile.topic},
                                  {"open", group.profile.is_open},
                                  {"invites", group.profile.may_invite},
                                  {"members", std::move(members)}};
  return boost::json::serialize(shown);
}

/// The administrator may what an owner may.
std::string name_of_asker(const Command& command, const Group* group) {
  if (!command.who.empty() || !group) return command.who;
  for (const auto& [aor, member] : group->members)
    if (member.role == Role::owner) return aor;
  return {};
}

}  // namespace

std::string_view reason_of(int status) {
  switch (status) {
    case 400:
      return "that is no name for a room";
    case 403:
      return "that is not allowed, or there are too many";
    case 404:
      return "there is no such room or user";
    case 409:
      return "the name is taken, or the room is full";
    default:
      return "the server cannot do that now";
  }
}

void Groups::ask(Bucket asker, Command command, Done done) {
  const std::string who = command.verb == Verb::make ? command.who : std::string();
  if (!who.empty()) {
    const EntryPtr user = services_.directory().get(who);
    Place& place = user->get(slot_, services_.timers());
    // Rooms that others give a user count once the user has accepted: nobody fills the quota of another.
    const std::size_t owned = rooms_owned_by(*user, /*with_invitations=*/false) + place.making;
    if (owned >= services_.settings().rooms.per_user) {
      drop_if_empty(*user);
      return done({403});
    }
    ++place.making;
    done = [this, user, done = std::move(done)](Answer answer) {
      --user->find(slot_)->making;
      drop_if_empty(*user);
      done(std::move(answer));
    };
  }
  // Whether there is such a user is known at the user's bucket; whoever asks is one.
  const bool names_another = command.verb == Verb::add || (command.verb == Verb::make && command.who.empty());
  const bool is_known = !names_another || command.member == command.who;
  const Bucket at = bucket_of(is_known ? command.room : command.member);
  waiting_.emplace(++last_ticket_, std::move(done));
  const std::uint64_t ticket = last_ticket_;
  Asked asked{.ticket = ticket, .asker = asker, .command = std::move(command), .is_known = is_known};
  if (!peers_.post<Groups>(at, std::move(asked))) on(Answered{ticket, {503}}, asker, services_.clock().now());
}

std::size_t Groups::rooms_owned_by(const Entry& user, bool with_invitations) const {
  const Place* place = user.find(slot_);
  if (!place) return 0;
  return static_cast<std::size_t>(std::ranges::count_if(place->rooms, [&](const auto& each) {
    return each.second.role == Role::owner && (with_invitations || !each.second.is_invited);
  }));
}

void Groups::on(Asked asked, Bucket, Now) {
  if (!asked.is_known) return look_for_member(asked);
  run(*services_.directory().get(asked.command.room), asked);
}

void Groups::on(Answered answered, Bucket, Now) {
  const auto waiting = waiting_.extract(answered.ticket);
  if (waiting) waiting.mapped()(std::move(answered.answer));
}

void Groups::answer(const Asked& asked, int status, std::string body) {
  peers_.post_back<Groups>(asked.asker, Answered{asked.ticket, {status, std::move(body)}});
}

bool Groups::is_ours(std::string_view aor) const { return services_.settings().serves(domain_of_aor(aor)); }

/// May a user of that other domain be a member? Messages have to go there, and come from there.
bool Groups::may_be_outside(std::string_view aor) const {
  const auto& settings = services_.settings();
  return settings.foreign == ForeignPolicy::forward && settings.federation.admits(domain_of_aor(aor));
}

/// Whoever is added is a user of ours, or of another domain that may be reached: whether there is such a user
/// is found out by the first message.
void Groups::look_for_member(const Asked& asked) {
  const std::string& member = asked.command.member;
  const auto& settings = services_.settings();
  const bool is_outside = !is_ours(member);
  if (is_outside &&
      (asked.command.role == Role::owner || asked.command.verb == Verb::make || !may_be_outside(member)))
    return answer(asked, 403);
  const auto go_on = [this, asked](int status) {
    if (status != 200) return answer(asked, status);
    const EntryPtr user = services_.directory().find(asked.command.member);
    if (user && !asked.command.who.empty() && is_refused(*user, asked.command.who)) return answer(asked, 403);
    const Place* place = user ? user->find(slot_) : nullptr;
    if (place && place->rooms.size() >= services_.settings().rooms.memberships_per_user)
      return answer(asked, 409);
    // A quota is worth nothing where rooms are made and given away. 0: users make none to give away.
    const std::size_t quota = services_.settings().rooms.per_user;
    if (asked.command.verb == Verb::add && asked.command.role == Role::owner && user && quota > 0 &&
        rooms_owned_by(*user, /*with_invitations=*/true) >= quota)
      return answer(asked, 409);
    Asked next = asked;
    next.is_known = true;
    const Bucket at = bucket_of(next.command.room);
    if (!peers_.post<Groups>(at, std::move(next))) answer(asked, 503);
  };
  if (is_outside || settings.authentication == Authentication::none) return go_on(200);
  users_.find_user(member, [go_on](const Result<store::UserPtr>& found) {
    go_on(!found ? 500 : *found ? 200 : 404);
  });
}

/// A user's address cannot be a room, and a room is of its maker's domain.
void Groups::make(Entry& room, const Asked& asked) {
  const Command& command = asked.command;
  const auto& settings = services_.settings();
  const std::string& owner = command.who.empty() ? command.member : command.who;
  const std::string domain(domain_of_aor(room.aor()));
  const auto uri = sip::parse_uri(room.aor());
  if (!uri || uri->user.empty() || room.aor().size() > name_max || !is_utf8(room.aor()))
    return answer(asked, 400);
  if (!settings.serves(domain) || domain_of_aor(owner) != domain) return answer(asked, 403);
  if (group_of(room)) return answer(asked, 409);
  if (rooms_in(domain) >= settings.rooms.per_domain) return answer(asked, 403);
  const Profile profile{.topic = command.wishes.topic.value_or(std::string()),
                        .is_open = command.wishes.is_open.value_or(false),
                        .may_invite = command.wishes.may_invite.value_or(false)};
  const auto go_on = [this, kept = room.ptr(), asked, owner, profile](bool is_user) {
    if (is_user) return answer(asked, 409);
    const bool is_invited = asked.command.who.empty();
    const auto planner = [owner, is_invited, profile](const Group* group, Now now) {
      return plan_making(group, owner, is_invited, profile, now.wall);
    };
    change(*kept, planner, [this, asked](int status) { answer(asked, status); });
  };
  if (settings.authentication == Authentication::none) return go_on(false);
  users_.find_user(room.aor(), [this, asked, go_on](const Result<store::UserPtr>& found) {
    found ? go_on(*found != nullptr) : answer(asked, 500);
  });
}

void Groups::run(Entry& room, const Asked& asked) {
  const Command& command = asked.command;
  if (command.verb == Verb::make) return make(room, asked);
  const Group* group = find(room);
  if (!group) return answer(asked, 404);
  const std::string who = name_of_asker(command, group);
  const auto done = [this, asked](int status) { answer(asked, status); };
  const auto& settings = services_.settings().rooms;
  switch (command.verb) {
    case Verb::make:
      return;
    case Verb::show:
      return group->find(who) ? answer(asked, 200, show(*group, room.aor())) : answer(asked, 403);
    case Verb::history:
      if (!group->find(who)) return answer(asked, 403);
      return answer(asked, 200, documents::print(archive_.page(room, command.selection, command.limit)));
    case Verb::erase:
      if (!group->is_owner(who)) return answer(asked, 403);
      return archive_.erase(room, command.selection, done);
    case Verb::add: {
      const Member as{.role = command.role, .is_outside = !is_ours(command.member)};
      const auto planner = [&aor = room.aor(), who, member = command.member, as, most = settings.members](
                               const Group* known, Now now) {
        return plan_adding(known, aor, who, member, as, most, now.wall);
      };
      return change(room, planner, done);
    }
    case Verb::remove: {
      const auto planner = [who, member = command.member](const Group* known, Now) {
        return plan_removing(known, who, member);
      };
      return change(room, planner, done);
    }
    case Verb::change: {
      const auto planner = [who, wishes = command.wishes](const Group* known, Now) {
        return plan_changing(known, who, wishes);
      };
      return change(room, planner, done);
    }
    case Verb::end:
      return change(room, [who](const Group* known, Now) { return plan_ending(known, who); }, done);
  }
}

}  // namespace beckon::server::groups
