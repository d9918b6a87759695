#include "server/groups/group.hpp"

#include <algorithm>

#include "protocol/base/text.hpp"
#include "server/store/record.hpp"

namespace beckon::server::groups {

namespace {

constexpr std::string_view member_prefix = "with:", post_prefix = "post:";
constexpr std::size_t number_digits = 16;
constexpr int forbidden = 403, not_found = 404, conflict = 409;

Plan refuse(int status) { return {.status = status}; }

/// 404 or 403 where `who` is no owner.
int check_owner(const Group* group, std::string_view who) {
  if (!group || group->profile.has_ended) return not_found;
  return group->is_owner(who) ? 200 : forbidden;
}

Member gone(const Member& member, std::uint64_t newest) {
  Member left = member;
  left.role = Role::gone;
  left.left = newest;
  return left;
}

/// Whoever has not accepted comes after those who have.
std::pair<bool, std::uint64_t> age_of(const Member& member) { return {member.is_invited, member.joined}; }

}  // namespace

const char* to_string(Role value) {
  switch (value) {
    case Role::member:
      return "member";
    case Role::owner:
      return "owner";
    case Role::gone:
      return "gone";
  }
  return "";
}

const Member* Group::find(std::string_view aor) const {
  const auto found = members.find(aor);
  return found == members.end() || found->second.role == Role::gone ? nullptr : &found->second;
}

bool Group::is_owner(std::string_view aor) const {
  const Member* member = find(aor);
  return member && member->role == Role::owner;
}

std::size_t Group::size() const {
  return static_cast<std::size_t>(
      std::ranges::count_if(members, [](const auto& each) { return each.second.role != Role::gone; }));
}

std::size_t Group::posts_left() const {
  return static_cast<std::size_t>(
      std::ranges::count_if(posts, [](const auto& each) { return bool(each.second.text); }));
}

std::uint64_t Group::next_number(WallTime now) const {
  const auto milliseconds = std::max<std::int64_t>(0, now.time_since_epoch().count());
  return std::max(newest + 1, static_cast<std::uint64_t>(milliseconds));
}

bool Group::has_post(std::string_view sender, std::string_view id) const {
  return std::ranges::any_of(
      posts, [&](const auto& each) { return each.second.sender == sender && each.second.id == id; });
}

bool Group::is_for(const std::string& aor, const Member& member, std::uint64_t number, const Post& post) {
  return post.text && post.sender != aor && (member.role != Role::gone || number <= member.left) &&
         number > std::max(member.joined, member.reached);
}

std::map<std::uint64_t, Post>::const_iterator Group::next_for(const std::string& aor,
                                                              const Member& member) const {
  auto next = posts.upper_bound(std::max(member.joined, member.reached));
  while (next != posts.end() && !is_for(aor, member, next->first, next->second)) ++next;
  return next;
}

std::vector<std::uint64_t> Group::reach(const std::string& aor, Member& member, std::uint64_t number) {
  std::vector<std::uint64_t> complete;
  auto each = posts.upper_bound(std::max(member.joined, member.reached));
  for (; each != posts.end() && each->first <= number; ++each)
    if (is_for(aor, member, each->first, each->second) && each->second.left > 0 && --each->second.left == 0)
      complete.push_back(each->first);
  member.reached = std::max(member.reached, number);
  return complete;
}

std::vector<std::uint64_t> Group::count_left() {
  std::vector<std::uint64_t> complete;
  for (auto& [number, post] : posts) {
    if (!post.text) continue;
    post.left = static_cast<std::size_t>(std::ranges::count_if(
        members,
        [&, &n = number, &p = post](const auto& each) { return is_for(each.first, each.second, n, p); }));
    if (post.left == 0) complete.push_back(number);
  }
  return complete;
}

Plan plan_making(const Group* group, const std::string& owner, bool is_invited, Profile profile,
                 WallTime now) {
  if (group) return refuse(conflict);
  profile.made = static_cast<std::uint64_t>(std::max<std::int64_t>(0, now.time_since_epoch().count()));
  Plan plan{.status = 201, .profile = std::move(profile)};
  plan.members.emplace_back(
      owner, Member{.role = Role::owner, .joined = plan.profile->made, .is_invited = is_invited});
  return plan;
}

Plan plan_adding(const Group* group, std::string_view room, const std::string& who, const std::string& member,
                 Member as, std::size_t most, WallTime now) {
  const Role role = as.role;
  if (!group || group->profile.has_ended) return refuse(not_found);
  const Member* known = group->find(member);
  const Member* asks = group->find(who);
  const bool is_owner = asks && asks->role == Role::owner;
  const bool joins = who == member && group->profile.is_open && domain_of_aor(who) == domain_of_aor(room);
  if (role == Role::owner ? !is_owner
                          : !is_owner && !joins && !(asks && (group->profile.may_invite || known)))
    return refuse(forbidden);
  Plan plan;
  if (known && who == member && known->is_invited) {
    plan.members.emplace_back(member, *known);
    plan.members.back().second.is_invited = false;
    return plan;
  }
  if (known && known->role == role) return {};
  if (known) {
    if (role != Role::owner) return {};  // nobody is made less by being added again
    plan.members.emplace_back(member, *known);
    plan.members.back().second.role = role;
    return plan;
  }
  if (group->size() >= most) return refuse(conflict);
  as.joined = group->next_number(now);
  as.is_invited = who != member;
  plan.members.emplace_back(member, std::move(as));
  return plan;
}

Plan plan_removing(const Group* group, const std::string& who, const std::string& member) {
  if (!group || group->profile.has_ended) return refuse(not_found);
  const bool may = who.empty() || who == member || group->is_owner(who);
  const Member* known = group->find(member);
  if (!may) return refuse(forbidden);
  if (!known) return refuse(who == member ? forbidden : not_found);
  Plan plan;
  // A user who is no more gets nothing.
  plan.members.emplace_back(member, gone(*known, who.empty() ? 0 : group->newest));
  const std::pair<const std::string, Member>* eldest = nullptr;
  bool has_owner = false;
  for (const auto& each : group->members) {
    if (each.first == member || each.second.role == Role::gone) continue;
    has_owner = has_owner || each.second.role == Role::owner;
    if (each.second.is_outside) continue;
    if (!eldest || age_of(each.second) < age_of(eldest->second)) eldest = &each;
  }
  if (!eldest) {
    plan.profile = group->profile;
    plan.profile->has_ended = true;
    for (const auto& [aor, other] : group->members)
      if (aor != member && other.role != Role::gone)
        plan.members.emplace_back(aor, gone(other, group->newest));
  } else if (!has_owner) {
    plan.members.emplace_back(*eldest);
    plan.members.back().second.role = Role::owner;
  }
  return plan;
}

Plan plan_changing(const Group* group, const std::string& who, const Wishes& wishes) {
  if (const int status = check_owner(group, who); status != 200) return refuse(status);
  Plan plan{.profile = group->profile};
  if (wishes.topic) plan.profile->topic = *wishes.topic;
  if (wishes.is_open) plan.profile->is_open = *wishes.is_open;
  if (wishes.may_invite) plan.profile->may_invite = *wishes.may_invite;
  if (*plan.profile == group->profile) plan.profile.reset();
  return plan;
}

Plan plan_ending(const Group* group, const std::string& who) {
  if (const int status = check_owner(group, who); status != 200) return refuse(status);
  Plan plan{.profile = group->profile};
  plan.profile->has_ended = true;
  for (const auto& [aor, member] : group->members)
    if (member.role != Role::gone) plan.members.emplace_back(aor, gone(member, group->newest));
  return plan;
}

// Records

std::string member_key(std::string_view aor) { return std::string(member_prefix) + std::string(aor); }

std::string post_key(std::uint64_t number) {
  std::string key(post_prefix);
  key.resize(post_prefix.size() + number_digits, '0');
  for (std::size_t i = key.size(); i-- > post_prefix.size(); number >>= 4)
    key[i] = "0123456789abcdef"[number & 15];
  return key;
}

std::string encode(const Profile& profile) {
  store::RecordWriter writer;
  writer.text(profile.topic)
      .flag(profile.is_open)
      .flag(profile.may_invite)
      .flag(profile.has_ended)
      .number(profile.made);
  return std::move(writer).finish();
}

std::string encode(const Member& member) {
  store::RecordWriter writer;
  writer.number(static_cast<std::uint64_t>(member.role))
      .number(member.joined)
      .number(member.left)
      .flag(member.is_outside)
      .flag(member.is_invited);
  return std::move(writer).finish();
}

std::string encode(const Post& post) {
  store::RecordWriter writer;
  writer.text(post.sender).text(post.id).text(post.text ? *post.text : std::string_view());
  return std::move(writer).finish();
}

bool decode(std::string_view key, std::string_view value, Group& group) {
  store::RecordReader reader(value);
  if (key == profile_key) {
    group.profile.topic = reader.text();
    group.profile.is_open = reader.flag();
    group.profile.may_invite = reader.flag();
    group.profile.has_ended = reader.flag();
    group.profile.made = reader.number();
    group.newest = std::max(group.newest, group.profile.made);
    return reader.ok();
  }
  if (key.starts_with(member_prefix)) {
    const auto role = reader.number_as<std::uint8_t>();
    Member member{.role = static_cast<Role>(role), .joined = reader.number(), .left = reader.number()};
    member.is_outside = reader.flag();
    member.is_invited = reader.flag();
    if (!reader.ok() || role > static_cast<std::uint8_t>(Role::gone)) return false;
    group.newest = std::max(group.newest, member.joined);
    group.members.insert_or_assign(std::string(key.substr(member_prefix.size())), member);
    return true;
  }
  if (!key.starts_with(post_prefix)) return false;
  const auto number = parse_number<std::uint64_t>(key.substr(post_prefix.size()), 16);
  Post post{.sender = std::string(reader.text()), .id = std::string(reader.text())};
  const std::string_view text = reader.text();
  if (!number || !reader.ok()) return false;
  if (!text.empty()) post.text = share(text);
  group.newest = std::max(group.newest, *number);
  group.posts.insert_or_assign(*number, std::move(post));
  return true;
}

bool is_key_of_room(std::string_view key) {
  return key == profile_key || key.starts_with(member_prefix) || key.starts_with(post_prefix);
}

}  // namespace beckon::server::groups
