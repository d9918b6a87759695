#include "client/cli/direct_port.hpp"

#include "media/stream/interfaces.hpp"

namespace beckon::client::cli {

Result<void> DirectPort::open(stream::UdpPort::Handlers handlers) {
  const Address any_v6{{.family = IpAddress::Family::v6, .octets = {}}, 0};
  if (socket_.open(any_v6, handlers)) return {};
  return socket_.open(Address{}, std::move(handlers));  // a machine without IPv6
}

std::vector<beckon::direct::Candidate> DirectPort::candidates() {
  return stream::host_candidates(socket_.local(), stream::read_interfaces(), loopback_);
}

beckon::direct::Networks DirectPort::networks() {
  beckon::direct::Networks networks;
  networks.interfaces = stream::read_interfaces();
  networks.loopback = loopback_;
  return networks;
}

}  // namespace beckon::client::cli
