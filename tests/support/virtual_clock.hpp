#pragma once

#include <algorithm>
#include <chrono>

#include "protocol/base/time.hpp"
#include "protocol/base/timers.hpp"

namespace beckon::test {

/// A clock that stands still until the test moves it.
class VirtualClock final : public Clock {
 public:
  Now now() override { return at; }

  void advance(Duration by) {
    at.mono += by;
    at.wall += std::chrono::floor<std::chrono::milliseconds>(by);
  }
  /// The same; timers that fall due on the way run, each at its own time.
  void advance(Duration by, TimerQueue& timers) {
    const Time end = at.mono + by;
    while (timers.next() && *timers.next() <= end) {
      advance(std::max(*timers.next() - at.mono, Duration::zero()));
      timers.advance(at.mono);
    }
    advance(end - at.mono);
  }

  Now at{Time{1000s}, WallTime{std::chrono::seconds(1'700'000'000)}};
};

}  // namespace beckon::test
