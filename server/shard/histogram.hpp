#pragma once

#include <array>
#include <cstdint>

#include "protocol/base/time.hpp"

namespace beckon::server {

/// How long something took, counted by limits (Prometheus: cumulative buckets are made when it is printed).
struct Histogram {
  static constexpr std::array<Duration, 12> limits{1ms,   2ms,   5ms,   10ms, 20ms, 50ms,
                                                   100ms, 200ms, 500ms, 1s,   5s,   30s};
  std::array<std::uint64_t, limits.size() + 1> counts{};  ///< The last one: longer than every limit.
  Duration sum{};

  void add(Duration took) {
    std::size_t place = 0;
    while (place < limits.size() && took > limits[place]) ++place;
    ++counts[place];
    sum += took;
  }
  Histogram& operator+=(const Histogram& other) {
    for (std::size_t i = 0; i < counts.size(); ++i) counts[i] += other.counts[i];
    sum += other.sum;
    return *this;
  }
};

}  // namespace beckon::server
