#pragma once

#include "client/invite/port.hpp"
#include "media/stream/udp_port.hpp"

namespace beckon::client::cli {

/// The UDP ports of calls by INVITE on real sockets: the system chooses free ones.
class CallPorts final : public invite::Ports {
 public:
  explicit CallPorts(boost::asio::io_context& context) : context_(context) {}

  Result<std::unique_ptr<stream::MediaPort>> open(const IpAddress& ip, OnDatagram on_datagram) override;

 private:
  boost::asio::io_context& context_;
};

}  // namespace beckon::client::cli
