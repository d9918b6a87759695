#pragma once

#include <chrono>

namespace beckon {

using namespace std::chrono_literals;

/// The monotonic clock of the whole program. Machines never read it: the time is an argument. At the edge it
/// comes from std::chrono::steady_clock, in the simulation from the virtual clock.
struct MonotonicClock {
  using duration = std::chrono::microseconds;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<MonotonicClock>;
  static constexpr bool is_steady = true;
};

using Duration = MonotonicClock::duration;
using Time = MonotonicClock::time_point;

/// Wall-clock time, for documents and records only: lifetimes run on `Time`.
using WallTime = std::chrono::sys_time<std::chrono::milliseconds>;

/// Both clocks read at once. Kept apart so that a jump of the wall clock ends no lifetime.
struct Now {
  Time mono;
  WallTime wall;
};

/// The source of time of an edge or the simulation.
class Clock {
 public:
  virtual ~Clock() = default;
  /// The time of events. It may stand still while one event is handled.
  virtual Now now() = 0;
  /// For measuring how long work takes: it goes on while an event is handled.
  virtual Time measure() { return now().mono; }
};

/// The clocks of the operating system.
class SystemClock final : public Clock {
 public:
  Now now() override {
    return {measure(), std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now())};
  }
  Time measure() override {
    return Time(std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now().time_since_epoch()));
  }
};

}  // namespace beckon
