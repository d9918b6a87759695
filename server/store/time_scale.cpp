#include "server/store/time_scale.hpp"

#include <algorithm>

namespace beckon::store {

Duration TimeScale::left(Duration granted, WallTime ends, Time now, Duration grace) const {
  const Duration least = is_exact ? Duration::zero() : std::min(grace, granted);
  return std::clamp<Duration>(ends - at(now), least, granted);
}

TimeScale begin_scale(Anchor& kept, std::string_view boot, Now now) {
  if (!boot.empty() && kept.boot == boot) return {.origin = kept.origin, .is_exact = true};
  kept.boot = boot;
  kept.origin = now.wall - std::chrono::floor<std::chrono::milliseconds>(now.mono.time_since_epoch());
  return {.origin = kept.origin};
}

}  // namespace beckon::store
