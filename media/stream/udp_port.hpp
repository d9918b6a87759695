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

/// The UDP socket of all media: reads in batches, sends at once (a voice packet that waits is late), and
/// reports ICMP errors. Lives on the thread of its io_context.
class UdpPort {
 public:
  struct Handlers {
    /// `datagram` lives as long as the call.
    std::function<void(const Address& from, ByteView datagram)> on_datagram;
    /// `to` cannot be reached: its port is closed, or there is no route.
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
  /// A datagram that the system does not take is dropped, as in the network.
  void send(const Address& to, ByteView datagram);
  /// The address bound, with its true port; unspecified while closed.
  const Address& local() const;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace beckon::stream
