#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>
#include <vector>

namespace beckon::bench {

/// Sends requests and receives what the server sends, over several sockets or connections, in batches.
class Link {
 public:
  using Take = std::function<void(std::string_view text)>;
  virtual ~Link() = default;
  /// Sends what fits of `texts`, in order; returns how many were taken.
  virtual std::size_t send(const std::vector<std::string_view>& texts) = 0;
  /// Passes on what has arrived; if that is nothing, waits up to `milliseconds` for it.
  virtual void receive(int milliseconds, const Take& take) = 0;
  virtual bool is_reliable() const = 0;
  /// The local port of the first socket, for a Contact.
  virtual std::uint16_t port() const = 0;
};

/// `sockets` UDP sockets connected to 127.0.0.1:`port`; `recvmmsg` and `sendmmsg` of up to 64 datagrams, of
/// which those that are received have `largest` octets at most.
std::unique_ptr<Link> make_udp_link(std::uint16_t port, unsigned sockets, std::size_t largest = 4096);

}  // namespace beckon::bench
