#include "client/account/sleep_watch.hpp"

#include <utility>

namespace beckon::client::account {

SleepWatch::SleepWatch(TimerQueue& timers, Clock& clock, OnAwake on_awake)
    : clock_(clock), on_awake_(std::move(on_awake)), timer_(timers) {}

void SleepWatch::start(Now now) {
  last_ = now;
  timer_.set(now.mono + interval, [this](Time at) { look({at, clock_.now().wall}); });
}

void SleepWatch::look(Now now) {
  const Duration asleep = (now.wall - last_.wall) - (now.mono - last_.mono);
  start(now);
  if (asleep >= shortest) on_awake_(asleep, now);
}

}  // namespace beckon::client::account
