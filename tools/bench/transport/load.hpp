#pragma once

#include <cstdint>
#include <memory>

#include "tools/bench/load/link.hpp"
#include "tools/bench/transport/requests.hpp"

namespace beckon::bench {

/// `connections` TCP or TLS connections to 127.0.0.1:`port`.
std::unique_ptr<Link> make_stream_link(std::uint16_t port, unsigned connections, bool tls);

/// What became of the requests of a run.
struct Totals {
  std::uint32_t completed = 0;  ///< Got the final answer that was expected.
  std::uint32_t failures = 0;   ///< Got another one.
  std::uint32_t retransmissions = 0;
  std::uint32_t timeouts = 0;  ///< Got none for 32 s.
  double seconds = 0;
};

/// Sends requests [begin, end) with at most `window` of them unanswered, as RFC 3261 17.1.2 has it: repeated
/// after T1, 2*T1... over UDP. `expected` is the status of a good answer.
Totals run_load(Link& link, Requests& requests, std::uint32_t begin, std::uint32_t end, std::uint32_t window,
                int expected);

}  // namespace beckon::bench
