#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "server/groups/groups.hpp"
#include "server/presence/presentities.hpp"

namespace beckon::server::groups {

/// The presence of rooms: who is in one. A room is open while a device of a member is registered; a note says
/// how many members are here, and who. Only members see it. One shard's.
class Standings final : public Room, public presence::HardState, public presence::Admission {
 public:
  /// Both outlive it; it is what they ask.
  Standings(Groups& groups, presence::Presentities& presentities);
  ~Standings() override;

  const presence::Document* hard_state(const Entry& presentity) const override;
  std::optional<bool> admits(const Entry& presentity, std::string_view watcher) const override;

 private:
  Groups& groups_;
  presence::Presentities& presentities_;
  /// By room, those that somebody asked for since the last change.
  mutable std::unordered_map<std::string, std::unique_ptr<presence::Document>> documents_;
};

/// The document of a room.
std::string print_standing(const std::string& room, const Group& group);

}  // namespace beckon::server::groups
