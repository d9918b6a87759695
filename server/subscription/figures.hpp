#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <optional>

#include "protocol/base/time.hpp"

namespace beckon::server::subscription {

/// What became of NOTIFYs since the start.
struct NotifyCounters {
  std::uint64_t sent = 0;
  std::array<std::uint32_t, 700> answers{};  ///< By status.
  std::uint64_t unanswered = 0;              ///< Timer F.
  std::uint64_t unsent = 0;                  ///< Transport errors.
  NotifyCounters& operator+=(const NotifyCounters& other);
};

/// How old the oldest of many things is, to a second: each is a number of four octets, whatever their order
/// of ending. Memory: four octets for each second between the oldest one and now.
class Ages {
 public:
  /// Something begins: its mark for `end`, never 0.
  std::uint32_t begin(Time now);
  void end(std::uint32_t mark);
  /// Zero where there is nothing.
  Duration oldest(Time now) const;

 private:
  std::uint32_t second_of(Time now) const;

  std::optional<Time> origin_;
  std::deque<std::uint32_t> counts_;  ///< Of those that began in one second; the first one is not zero.
  std::uint32_t first_ = 1;           ///< The second of the first count.
};

}  // namespace beckon::server::subscription
