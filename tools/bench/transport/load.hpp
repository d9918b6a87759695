#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tools/bench/transport/requests.hpp"

namespace beckon::bench {

/// How requests leave and answers come: several sockets or connections, read and written in batches.
class Link {
 public:
  using Take = std::function<void(std::string_view answer)>;
  virtual ~Link() = default;
  /// Sends what fits of `texts`, in order; gives how many were taken.
  virtual std::size_t send(const std::vector<std::string_view>& texts) = 0;
  /// Hands over what has come; waits up to `milliseconds` for it when nothing has.
  virtual void receive(int milliseconds, const Take& take) = 0;
  virtual bool is_reliable() const = 0;
};
std::unique_ptr<Link> make_udp_link(std::uint16_t port, unsigned sockets);
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
