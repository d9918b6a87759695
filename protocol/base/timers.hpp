#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <unordered_map>
#include <utility>

#include "protocol/base/time.hpp"

namespace beckon {

/// Names one pending timer; 0 names none.
using TimerId = std::uint64_t;

/// The timers of one shard or one user agent: pure, driven by whoever owns the clock. Callbacks run
/// inside `advance`, in order of their time, equal times in order of setting; they may set and cancel
/// timers. One thread.
class TimerQueue {
 public:
  using Callback = std::function<void(Time now)>;

  TimerId set(Time when, Callback callback);
  /// Does nothing for 0, an expired or a cancelled timer.
  void cancel(TimerId id);
  /// Cancels `id` if it is pending, then sets anew.
  void reset(TimerId& id, Time when, Callback callback);

  /// When `advance` has something to do next.
  std::optional<Time> next() const;
  /// Runs what is due at `now`. The time never goes back.
  void advance(Time now);
  std::size_t size() const { return timers_.size(); }

 private:
  std::map<std::pair<Time, TimerId>, Callback> timers_;
  std::unordered_map<TimerId, Time> when_;
  TimerId last_ = 0;
};

/// A timer that goes with its owner.
class Timer {
 public:
  explicit Timer(TimerQueue& queue) : queue_(&queue) {}
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  ~Timer() { cancel(); }
  void set(Time when, TimerQueue::Callback callback) {
    queue_->reset(id_, when, [this, callback = std::move(callback)](Time now) {
      id_ = 0;
      callback(now);  // may destroy *this: nothing of it is touched afterwards
    });
  }
  void cancel() { queue_->cancel(std::exchange(id_, 0)); }
  bool is_set() const { return id_ != 0; }

 private:
  TimerQueue* queue_;
  TimerId id_ = 0;
};

}  // namespace beckon
