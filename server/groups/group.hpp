#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "protocol/base/shared_text.hpp"
#include "protocol/base/time.hpp"

/// Rooms: addresses-of-record whose members are a list. Pure.
namespace beckon::server::groups {

/// What somebody is in a room. Values are stable: they stand in stores.
enum class Role : std::uint8_t {
  member = 0,
  owner = 1,
  gone = 2,  ///< Has left or was removed, and the user's own bucket does not know yet, or not all messages.
};
const char* to_string(Role value);

/// What its owners say of a room.
struct Profile {
  std::string topic{};
  bool is_open = false;     ///< Anybody of the room's domain may join.
  bool may_invite = false;  ///< Members may add others, not only owners.
  bool has_ended = false;   ///< It goes when the last member's bucket knows.
  std::uint64_t made = 0;   ///< Milliseconds since 1970.
  bool operator==(const Profile&) const = default;
};

struct Member {
  Role role = Role::member;
  /// The newest message when the member came: what is later is for the member. Of two members the elder has
  /// the smaller one.
  std::uint64_t joined = 0;
  /// Of one who is gone, the newest message then: the member still gets those up to it.
  std::uint64_t left = 0;
  bool is_outside = false;  ///< A user of another domain, who owns nothing here.
  /// Another user added the member, and it has neither joined nor written since: the room shows nothing of
  /// the member's devices.
  bool is_invited = false;

  // Not stored:
  std::uint64_t reached = 0;   ///< The member's bucket has stored all up to here.
  bool is_told = false;        ///< The member's bucket knows the role.
  bool is_asked = false;       ///< Something is under way to that bucket.
  bool is_here = false;        ///< A device of the member is registered.
  unsigned busy = 0;           ///< How often in a row that bucket had no place for the next message.
  double tokens = 0;           ///< Messages that the member may send at once,
  Time counted = Time::min();  ///< as of then.

  /// What the others are shown.
  bool shows_here() const { return role != Role::gone && is_here && !is_invited; }
};

/// A message that was accepted.
struct Post {
  std::string sender{};
  std::string id{};      ///< Message-ID.
  SharedText text{};     ///< message/cpim; null: every member has it, and it is remembered by its name alone.
  std::size_t left = 0;  ///< Members whose bucket has still to store it.
};

/// What one change does to a room; `members` with the role `gone` leave.
struct Plan {
  int status = 200;  ///< 300 or more: it is refused, and nothing changes.
  std::optional<Profile> profile{};
  std::vector<std::pair<std::string, Member>> members{};
  bool is_empty() const { return !profile && members.empty(); }
};

/// One room in memory. Keys of `members` are canonical addresses-of-record.
struct Group {
  /// Messages whose names are remembered, so that one that is sent again is not delivered again.
  static constexpr std::size_t posts_kept = 64;
  /// Tries, a second apart, after which one who is asked too much is left out.
  static constexpr unsigned busy_max = 30;
  /// Messages that may be on their way to the members at once.
  static constexpr std::size_t posts_under_way = 64;

  Profile profile{};
  std::map<std::string, Member, std::less<>> members{};
  std::map<std::uint64_t, Post> posts{};  ///< By number; later ones are greater.
  std::uint64_t newest = 0;               ///< Number of the last message, or of what came after it.

  /// Null: is none, or has left.
  const Member* find(std::string_view aor) const;
  bool is_owner(std::string_view aor) const;
  std::size_t size() const;  ///< Of those who have not left.
  std::size_t posts_left() const;
  /// For the next message, or member: greater than any before.
  std::uint64_t next_number(WallTime now) const;
  bool has_post(std::string_view sender, std::string_view id) const;
  /// Whether the member still has to get the message: it is later than `member.reached`, another member sent
  /// it, and it was sent before the member was gone.
  static bool is_for(const std::string& aor, const Member& member, std::uint64_t number, const Post& post);
  /// The next message that the member is to get; `posts.end()`: none.
  std::map<std::uint64_t, Post>::const_iterator next_for(const std::string& aor, const Member& member) const;
  /// The member's bucket has stored what it was asked, up to `number`. Gives the messages that every member
  /// has now.
  std::vector<std::uint64_t> reach(const std::string& aor, Member& member, std::uint64_t number);
  /// Counts who has still to get what (after a restart, and when members change).
  std::vector<std::uint64_t> count_left();
};

// Changes: what becomes of them is decided by who asks. Null: there is no such room (404).

/// `owner` makes it, or, where `is_invited`, the administrator for `owner`. 409: there is one.
Plan plan_making(const Group* group, const std::string& owner, bool is_invited, Profile profile,
                 WallTime now);
/// `who` adds `member` in its role, or joins; whoever was added accepts by joining. 200: is one already; 403;
/// 409: `most` are there.
Plan plan_adding(const Group* group, std::string_view room, const std::string& who, const std::string& member,
                 Member as, std::size_t most, WallTime now);
/// `who` removes `member`, or leaves. Where no owner is left the eldest member becomes one, of those who have
/// accepted if there are any; where nobody is left who may be, the room ends. `who` empty: the member is
/// gone.
Plan plan_removing(const Group* group, const std::string& who, const std::string& member);
/// An owner changes what is not absent.
struct Wishes {
  std::optional<std::string> topic{};
  std::optional<bool> is_open{}, may_invite{};
};
Plan plan_changing(const Group* group, const std::string& who, const Wishes& wishes);
Plan plan_ending(const Group* group, const std::string& who);

// Records of the room's address: one for the profile, one for each member and each message.
inline constexpr std::string_view profile_key = "room";
std::string member_key(std::string_view aor);
std::string post_key(std::uint64_t number);
std::string encode(const Profile& profile);
std::string encode(const Member& member);
std::string encode(const Post& post);
/// Takes a record back. False: it is none of a room's that can be read.
bool decode(std::string_view key, std::string_view value, Group& group);
bool is_key_of_room(std::string_view key);

}  // namespace beckon::server::groups
