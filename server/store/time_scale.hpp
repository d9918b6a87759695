#pragma once

#include <string>
#include <string_view>

#include "protocol/base/time.hpp"

namespace beckon::store {

/// What a store keeps to read its times by.
struct Anchor {
  std::string boot{};  ///< Names one boot of the machine; empty: unknown.
  WallTime origin{};   ///< The wall time that stands for Time{}.
};

/// How times of the monotonic clock stand in a store: as wall time, but moved on by the monotonic clock. The
/// wall clock is read once, by the first process of a boot that uses the store; what it does later changes
/// nothing.
struct TimeScale {
  WallTime origin{};
  /// The store was written in this boot before, so its times are read to the millisecond. Else the wall clock
  /// of another boot, right or wrong, is compared with ours.
  bool is_exact = false;

  WallTime at(Time time) const {
    return origin + std::chrono::floor<std::chrono::milliseconds>(time.time_since_epoch());
  }
  /// What is left at `now` of a lifetime of `granted` that ends at `ends`: never more than was granted. Where
  /// the scale is not exact, at least `grace` (or all of `granted`), also of one that seems over: a wall
  /// clock that jumped forward looks the same as a long outage, and the owner has that long to refresh.
  Duration left(Duration granted, WallTime ends, Time now, Duration grace) const;
};

/// The scale of a process that begins at `now` in `boot`: that of `kept` where it is of this boot, else a new
/// one, which is put into `kept`.
TimeScale begin_scale(Anchor& kept, std::string_view boot, Now now);

}  // namespace beckon::store
