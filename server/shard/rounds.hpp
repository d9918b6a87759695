#pragma once

#include <boost/unordered/unordered_flat_set.hpp>
#include <deque>
#include <functional>

#include "protocol/base/time.hpp"
#include "protocol/base/timers.hpp"
#include "server/shard/directory.hpp"

namespace beckon::server {

/// What one turn of long work may take: a number of visits, and a time.
class Slice {
 public:
  static constexpr unsigned visits_max = 128;
  static constexpr Duration time_max = std::chrono::milliseconds(10);

  explicit Slice(Clock& clock) : clock_(clock), end_(clock.now().mono + time_max) {}
  /// One more visit? The clock is looked at now and then, since a visit may be long.
  bool take() {
    if (left_ == 0 || (left_ % 8 == 0 && clock_.now().mono > end_)) return false;
    --left_;
    return true;
  }

 private:
  Clock& clock_;
  Time end_;
  unsigned left_ = visits_max;
};

/// Work over the many followers of one resource, cut into slices: between two of them the shard serves its
/// other users, and resources take turns.
class Rounds {
 public:
  /// Does one slice of what is left to do for `resource`; true: something is left.
  using Work = std::function<bool(Entry& resource, Slice& slice, Now now)>;

  Rounds(TimerQueue& timers, Clock& clock, Work work)
      : clock_(clock), work_(std::move(work)), timer_(timers) {}

  /// There is something to do for `resource`: one slice is done now, unless its turn comes anyway.
  void start(Entry& resource);
  bool is_idle() const { return turns_.empty(); }

 private:
  void work(EntryPtr resource);
  void arm();

  Clock& clock_;
  Work work_;
  std::deque<EntryPtr> turns_;
  boost::unordered_flat_set<const Entry*> waiting_;  ///< Those in `turns_`.
  Timer timer_;
};

}  // namespace beckon::server
