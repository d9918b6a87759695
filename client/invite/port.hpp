#pragma once

#include <functional>
#include <memory>

#include "media/stream/leg.hpp"
#include "protocol/base/address.hpp"
#include "protocol/base/result.hpp"

namespace beckon::client::invite {

/// Opens the UDP ports of calls, which the shell or a test provides: one for each call.
class Ports {
 public:
  /// `datagram` lives as long as the call of the handler.
  using OnDatagram = std::function<void(const Address& from, ByteView datagram)>;

  virtual ~Ports() = default;
  /// A free port at `ip`. `on_datagram` is never called from inside another function of the port, nor after
  /// its end. Errors: the system's.
  virtual Result<std::unique_ptr<stream::MediaPort>> open(const IpAddress& ip, OnDatagram on_datagram) = 0;
};

}  // namespace beckon::client::invite
