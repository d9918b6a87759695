#pragma once

#include "protocol/base/time.hpp"

namespace beckon::transaction {

/// Base times of RFC 3261 17 (table 4).
struct Times {
  Duration t1 = 500ms;      ///< Estimate of the round trip.
  Duration t2 = 4s;         ///< Longest pause between copies of a non-INVITE request or an INVITE response.
  Duration t4 = 5s;         ///< How long a message may stay in the network.
  Duration trying = 200ms;  ///< An INVITE not answered by then gets 100 from the layer (17.2.1).

  /// Timers B, F, H, J, L and M, and D, for which the RFC asks at least 32 s, which this is by default.
  Duration timeout() const { return 64 * t1; }
  /// When a client's timer E reaches T2: from then on a non-INVITE request is to get a 100 (RFC 4320 4.1).
  Duration late() const {
    Duration sum{}, step = t1;
    for (; step < t2; step *= 2) sum += step;
    return sum;
  }

  bool operator==(const Times&) const = default;
};

}  // namespace beckon::transaction
