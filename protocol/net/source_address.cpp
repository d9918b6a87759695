#include "protocol/net/source_address.hpp"

#include <ifaddrs.h>
#include <netinet/in.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/udp.hpp>
#include <cstring>

namespace beckon::net {

Result<IpAddress> source_address(const Address& remote) {
  namespace ip = boost::asio::ip;
  ErrorCode error;
  const auto address = ip::make_address(print(remote.ip), error);
  if (error) return error;
  boost::asio::io_context context;
  ip::udp::socket socket(context);
  const ip::udp::endpoint peer(address, remote.port);
  socket.open(peer.protocol(), error);
  if (!error) socket.connect(peer, error);  // chooses a route and sends nothing (udp(7))
  if (error) return error;
  const auto local = socket.local_endpoint(error);
  if (error) return error;
  return *parse_ip(local.address().to_string());
}

std::vector<IpAddress> own_addresses(IpAddress::Family family) {
  ifaddrs* all = nullptr;
  if (::getifaddrs(&all) != 0) return {};
  std::vector<IpAddress> own;
  for (const ifaddrs* each = all; each; each = each->ifa_next) {
    if (!each->ifa_addr) continue;
    IpAddress ip{.family = family};
    if (family == IpAddress::Family::v4 && each->ifa_addr->sa_family == AF_INET) {
      std::memcpy(ip.octets.data(), &reinterpret_cast<const sockaddr_in*>(each->ifa_addr)->sin_addr, 4);
    } else if (family == IpAddress::Family::v6 && each->ifa_addr->sa_family == AF_INET6) {
      std::memcpy(ip.octets.data(), &reinterpret_cast<const sockaddr_in6*>(each->ifa_addr)->sin6_addr, 16);
    } else {
      continue;
    }
    own.push_back(ip);
  }
  ::freeifaddrs(all);
  return own;
}

IpAddress counted_as(const IpAddress& source) {
  IpAddress counted = source;
  if (source.family == IpAddress::Family::v6)
    std::fill(counted.octets.begin() + counted.octets.size() / 2, counted.octets.end(), std::uint8_t{0});
  return counted;
}

}  // namespace beckon::net
