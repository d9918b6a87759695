#include "client/cli/call_ports.hpp"

namespace beckon::client::cli {
namespace {

class CallPort final : public stream::MediaPort {
 public:
  explicit CallPort(boost::asio::io_context& context) : socket_(context) {}

  Result<void> open(const IpAddress& ip, invite::Ports::OnDatagram on_datagram) {
    // Whether the peer can be reached is not told: signalling ends a call.
    return socket_.open({ip, 0}, {.on_datagram = std::move(on_datagram), .on_unreachable = {}});
  }
  Address local() const override { return socket_.local(); }
  void send(const Address& to, ByteView datagram) override { socket_.send(to, datagram); }

 private:
  stream::UdpPort socket_;
};

}  // namespace

Result<std::unique_ptr<stream::MediaPort>> CallPorts::open(const IpAddress& ip, OnDatagram on_datagram) {
  auto port = std::make_unique<CallPort>(context_);
  if (const auto opened = port->open(ip, std::move(on_datagram)); !opened) return opened.error();
  return std::unique_ptr<stream::MediaPort>(std::move(port));
}

}  // namespace beckon::client::cli
