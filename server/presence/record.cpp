#include "server/presence/record.hpp"

namespace beckon::server::presence {

using std::chrono::milliseconds;

std::int64_t to_wall(Time moment, Now now) {
  return (now.wall + std::chrono::duration_cast<milliseconds>(moment - now.mono)).time_since_epoch().count();
}

Time from_wall(std::int64_t value, Now now) { return now.mono + (WallTime(milliseconds(value)) - now.wall); }

}  // namespace beckon::server::presence
