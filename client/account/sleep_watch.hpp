#pragma once

#include <functional>

#include "protocol/base/time.hpp"
#include "protocol/base/timers.hpp"

namespace beckon::client::account {

/// Notices that the machine was suspended: its monotonic clock, which timers follow, stood still while the
/// wall clock went on. By then the server may have forgotten this device, and a NAT its connection. A wall
/// clock that is set forward looks the same, and costs one registration.
class SleepWatch {
 public:
  /// How often it looks, and the shortest sleep that matters: shorter ones end no connection.
  static constexpr Duration interval = 15s, shortest = 30s;
  using OnAwake = std::function<void(Duration asleep, Now now)>;

  SleepWatch(TimerQueue& timers, Clock& clock, OnAwake on_awake);

  void start(Now now);

 private:
  void look(Now now);

  Clock& clock_;
  OnAwake on_awake_;
  Timer timer_;
  Now last_{};
};

}  // namespace beckon::client::account
