#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "protocol/base/timers.hpp"
#include "server/groups/groups.hpp"
#include "server/shard/directory.hpp"

namespace beckon::server::groups {

/// What a user is in one room, as the user's own bucket knows it.
struct Membership {
  Role role = Role::member;
  std::uint64_t mark = 0;   ///< The newest message of the room that was stored for the user.
  bool is_invited = false;  ///< As `Member` has it.
};

/// The part of an address: of a room, or of a user who is in rooms.
struct Groups::Place final : Part {
  explicit Place(TimerQueue& timers) : retry(timers) {}

  std::unique_ptr<Group> group;  ///< Null: it is no room.
  std::map<std::string, Membership, std::less<>> rooms;
  unsigned making = 0;   ///< Rooms that the user has asked for, without an answer yet.
  bool is_here = false;  ///< A device of the user is registered, as the rooms know.
  Timer retry;           ///< What the queue of another shard had no place for.
};

/// Record of a user's address for each room. Empty: the key is of another record.
std::string membership_key(std::string_view room);
std::string_view room_of_key(std::string_view key);
std::string encode(const Membership& membership);
std::optional<Membership> decode_membership(std::string_view value);

}  // namespace beckon::server::groups
