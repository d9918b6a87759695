#include "protocol/base/timers.hpp"

namespace beckon {

TimerId TimerQueue::set(Time when, Callback callback) {
  const TimerId id = ++last_;
  timers_.emplace(std::pair(when, id), std::move(callback));
  when_.emplace(id, when);
  return id;
}

void TimerQueue::cancel(TimerId id) {
  const auto found = when_.find(id);
  if (found == when_.end()) return;
  timers_.erase({found->second, id});
  when_.erase(found);
}

void TimerQueue::reset(TimerId& id, Time when, Callback callback) {
  cancel(id);
  id = set(when, std::move(callback));
}

std::optional<Time> TimerQueue::next() const {
  if (timers_.empty()) return std::nullopt;
  return timers_.begin()->first.first;
}

void TimerQueue::advance(Time now) {
  while (!timers_.empty() && timers_.begin()->first.first <= now) {
    const auto first = timers_.begin();
    const Callback callback = std::move(first->second);
    when_.erase(first->first.second);
    timers_.erase(first);
    callback(now);
  }
}

}  // namespace beckon
