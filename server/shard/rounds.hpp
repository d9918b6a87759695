#pragma once

#include <boost/unordered/unordered_flat_set.hpp>
#include <deque>
#include <functional>
#include <utility>

#include "protocol/base/time.hpp"
#include "protocol/base/timers.hpp"
#include "server/shard/directory.hpp"

namespace beckon::server {

/// What one turn of long work may take: a number of visits, and a time.
class Slice {
 public:
  static constexpr unsigned visits_max = 128;
  static constexpr Duration time_max = std::chrono::milliseconds(5);

  explicit Slice(Clock& clock) : clock_(clock), end_(clock.measure() + time_max) {}
  /// One more visit? A visit may be long, and begin other long work.
  bool take() {
    if (left_ == 0 || clock_.measure() > end_) return false;
    --left_;
    return true;
  }

 private:
  Clock& clock_;
  Time end_;
  unsigned left_ = visits_max;
};

/// Long work of one room, cut into slices: between two of them the shard serves its other users. There is
/// work for several subjects at once, and they take turns. A subject is what the many have in common: a
/// resource that they follow (`ResourceRounds`), a connection that they lived on (`FlowRounds`), a user who
/// is gone.
template <class Subject>
class Rounds {
 public:
  /// Does one slice of what is left to do for `subject`; true: something is left.
  using Work = std::function<bool(const Subject& subject, Slice& slice, Now now)>;

  Rounds(TimerQueue& timers, Clock& clock, Work work)
      : clock_(clock), work_(std::move(work)), timer_(timers) {}

  /// There is something to do for `subject`: one slice is done now, unless its turn comes anyway.
  void start(Subject subject) {
    if (!waiting_.contains(subject)) work(std::move(subject));
  }
  bool is_idle() const { return turns_.empty(); }

 private:
  void work(Subject subject) {
    Slice slice(clock_);
    // What it starts anew while it works is part of this turn, or of the next.
    waiting_.insert(subject);
    const bool is_left = work_(subject, slice, clock_.now());
    if (!is_left) {
      waiting_.erase(subject);
      return;
    }
    turns_.push_back(std::move(subject));
    arm();
  }

  /// Later than now, so that what came in meanwhile is served first.
  void arm() {
    if (timer_.is_set()) return;
    timer_.set(clock_.now().mono + std::chrono::microseconds(1), [this](Time) {
      if (turns_.empty()) return;
      Subject next = std::move(turns_.front());
      turns_.pop_front();
      work(std::move(next));
      if (!turns_.empty()) arm();
    });
  }

  Clock& clock_;
  Work work_;
  std::deque<Subject> turns_;
  boost::unordered_flat_set<Subject> waiting_;  ///< Those in `turns_`, and the one at work.
  Timer timer_;
};

using ResourceRounds = Rounds<EntryPtr>;
using FlowRounds = Rounds<transaction::FlowId>;

}  // namespace beckon::server
