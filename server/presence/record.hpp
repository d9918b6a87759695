#pragma once

#include <cstdint>

#include "protocol/base/time.hpp"

namespace beckon::server::presence {

/// A moment of the monotonic clock as wall-clock milliseconds, so that it survives the process; and back.
std::int64_t to_wall(Time moment, Now now);
Time from_wall(std::int64_t milliseconds, Now now);

}  // namespace beckon::server::presence
