#pragma once

#include <functional>
#include <memory>

#include "protocol/base/address.hpp"
#include "protocol/base/bytes.hpp"
#include "protocol/base/result.hpp"

namespace boost::asio {
class io_context;
}

namespace beckon::stream {

/// The one UDP socket of direct sessions: reads in batches, sends at once (a voice packet that waits is
/// late), and tells what ICMP says. Lives on the thread of its io_context.
class UdpPort {
 public:
  struct Handlers {
    /// `datagram` lives as long as the call.
    std::function<void(const Address& from, ByteView datagram)> on_datagram;
    /// Nobody listens at `to`, or there is no way to it.
    std::function<void(const Address& to)> on_unreachable;
  };

  explicit UdpPort(boost::asio::io_context& context);
  ~UdpPort();
  UdpPort(const UdpPort&) = delete;
  UdpPort& operator=(const UdpPort&) = delete;

  /// Binds; port 0 takes a free one. `::` takes IPv4 too. Handlers run on the io_context until `close`, never
  /// inside another function of this class. Errors: the system's.
  Result<void> open(const Address& local, Handlers handlers);
  void close();
  /// Drops what the system does not take, as the network would.
  void send(const Address& to, ByteView datagram);
  /// The address bound, with its true port; unspecified while closed.
  const Address& local() const;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace beckon::stream
