#pragma once

#include "client/direct/port.hpp"
#include "media/stream/udp_port.hpp"

namespace beckon::client::cli {

/// The UDP port of direct sessions on a real socket.
class DirectPort final : public direct::Port {
 public:
  /// `loopback`: the test switch direct.loopback (DIRECT_SESSIONS 5).
  DirectPort(boost::asio::io_context& context, bool loopback) : socket_(context), loopback_(loopback) {}

  /// Opens a free port on all addresses. Errors: the system's.
  Result<void> open(stream::UdpPort::Handlers handlers);
  void close() { socket_.close(); }

  void send(const Address& to, ByteView datagram) override { socket_.send(to, datagram); }
  std::vector<beckon::direct::Candidate> candidates() override;
  beckon::direct::Networks networks() override;

 private:
  stream::UdpPort socket_;
  bool loopback_;
};

}  // namespace beckon::client::cli
