#include "server/groups/group.hpp"

#include <doctest/doctest.h>

#include "protocol/base/text.hpp"

using namespace beckon;
using namespace beckon::server::groups;

namespace {

const std::string a = "sip:a@x", b = "sip:b@x", c = "sip:c@x";

Group made() {
  Group group;
  group.members[a] = {.role = Role::owner, .joined = 1, .reached = 1};
  group.members[b] = {.role = Role::member, .joined = 3, .reached = 3};
  group.members[c] = {.role = Role::member, .joined = 2, .reached = 2};
  group.newest = 3;
  return group;
}

}  // namespace

TEST_CASE("records of a room are read back; what cannot be read is refused") {
  Group group = made();
  group.profile = {.topic = "food", .is_open = true, .may_invite = true, .made = 1};
  const Post post{.sender = a, .id = "m", .text = share("text")};
  Group read;
  CHECK(decode(profile_key, encode(group.profile), read));
  CHECK(read.profile == group.profile);
  CHECK(decode(member_key(b), encode(group.members[b]), read));
  CHECK(read.find(b)->joined == 3);
  CHECK_FALSE(read.find(b)->is_invited);
  CHECK(decode(
      member_key(c),
      encode(Member{.role = Role::gone, .joined = 2, .left = 7, .is_outside = true, .is_invited = true}),
      read));
  CHECK(read.find(c) == nullptr);
  CHECK(read.members.at(c).left == 7);
  CHECK(read.members.at(c).is_outside);
  CHECK(read.members.at(c).is_invited);
  CHECK(decode(post_key(0xfeed), encode(post), read));
  CHECK(read.posts.at(0xfeed).id == "m");
  CHECK(*read.posts.at(0xfeed).text == "text");
  CHECK(read.newest == 0xfeed);
  CHECK_FALSE(decode("x", encode(post), read));
  CHECK_FALSE(decode("post:zz", encode(post), read));
  const std::string text = encode(post);
  for (std::size_t cut = 0; cut < text.size(); ++cut) decode(post_key(1), text.substr(0, cut), read);
}

TEST_CASE("a member gets what others wrote after it joined, once; a message that all have is complete") {
  Group group = made();
  group.posts[2] = {.sender = b, .id = "2", .text = share("two")};
  group.posts[4] = {.sender = b, .id = "4", .text = share("four")};
  group.posts[5] = {.sender = a, .id = "5", .text = share("five")};
  CHECK(group.count_left().empty());
  CHECK(group.posts[2].left == 1);
  CHECK(group.posts[4].left == 2);
  CHECK(group.posts[5].left == 2);
  CHECK(group.next_for(b, group.members[b])->first == 5);
  CHECK(group.next_for(a, group.members[a])->first == 2);
  CHECK(group.reach(a, group.members[a], 2) == std::vector<std::uint64_t>{2});
  CHECK(group.reach(a, group.members[a], 4).empty());
  CHECK(group.next_for(a, group.members[a]) == group.posts.end());
  CHECK(group.reach(b, group.members[b], 5).empty());
  CHECK(group.reach(b, group.members[b], 5).empty());
  group.members[c].role = Role::gone;
  CHECK(group.count_left() == std::vector<std::uint64_t>{2, 4, 5});
  group.members[c].left = 4;  // what was said before then is still c's
  CHECK(group.count_left() == std::vector<std::uint64_t>{2, 5});
  CHECK(group.next_for(c, group.members[c])->first == 4);
  CHECK(group.reach(c, group.members[c], 4) == std::vector<std::uint64_t>{4});
  CHECK(group.next_for(c, group.members[c]) == group.posts.end());
}

TEST_CASE("numbers rise, whatever the clock does") {
  Group group = made();
  CHECK(group.next_number(WallTime{}) == 4);
  CHECK(group.next_number(WallTime(std::chrono::milliseconds(100))) == 100);
}

TEST_CASE("the eldest member owns what its last owner leaves") {
  Group group = made();
  const Plan plan = plan_removing(&group, a, a);
  REQUIRE(plan.members.size() == 2);
  CHECK(plan.members[1].first == c);
  CHECK(plan.members[1].second.role == Role::owner);
  CHECK_FALSE(plan.profile);
  // Whoever has accepted comes before whoever was only invited.
  group.members[c].is_invited = true;
  CHECK(plan_removing(&group, a, a).members[1].first == b);
  group.members[b].is_invited = true;
  CHECK(plan_removing(&group, a, a).members[1].first == c);
  // Whoever cannot manage a room owns none.
  group.members[c].is_outside = true;
  CHECK(plan_removing(&group, a, a).members[1].first == b);
  group.members[b].is_outside = true;
  const Plan end = plan_removing(&group, a, a);
  REQUIRE(end.profile.has_value());
  CHECK(end.profile->has_ended);
  REQUIRE(end.members.size() == 3);
  for (const auto& each : end.members) CHECK(each.second.role == Role::gone);
}

TEST_CASE("whoever was added by another is invited until it joins; whoever joins or makes a room is not") {
  Group group = made();
  group.profile.is_open = true;
  const std::string d = "sip:d@x", room = "sip:r@x";
  const auto invited = [&](const std::string& who, const std::string& member) {
    const Plan plan = plan_adding(&group, room, who, member, {}, 9, WallTime{});
    REQUIRE(plan.status == 200);
    REQUIRE(plan.members.size() == 1);
    return plan.members[0].second.is_invited;
  };
  CHECK(invited(a, d));
  CHECK_FALSE(invited(d, d));
  CHECK_FALSE(plan_making(nullptr, a, /*is_invited=*/false, {}, WallTime{}).members[0].second.is_invited);
  CHECK(plan_making(nullptr, a, /*is_invited=*/true, {}, WallTime{}).members[0].second.is_invited);
  group.members[d] = {.joined = 9, .is_here = true};
  group.members[d].is_invited = true;
  group.profile.is_open = false;
  CHECK_FALSE(group.members[d].shows_here());
  // To be named owner by another accepts nothing.
  CHECK(plan_adding(&group, room, a, d, {.role = Role::owner}, 9, WallTime{}).members[0].second.is_invited);
  CHECK_FALSE(invited(d, d));
  group.members[d].is_invited = false;
  CHECK(group.members[d].shows_here());
  CHECK(plan_adding(&group, room, d, d, {}, 9, WallTime{}).is_empty());
}
