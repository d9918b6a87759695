#pragma once

#include <algorithm>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "protocol/base/address.hpp"

namespace beckon::net {

// Between our addresses and Asio's. Only this room's .cpp files include this.

inline boost::asio::ip::address to_asio(const IpAddress& ip) {
  if (ip.family == IpAddress::Family::v4) {
    boost::asio::ip::address_v4::bytes_type bytes;
    std::copy_n(ip.octets.begin(), bytes.size(), bytes.begin());
    return boost::asio::ip::address_v4(bytes);
  }
  return boost::asio::ip::address_v6(ip.octets);
}

inline boost::asio::ip::tcp::endpoint to_tcp(const Address& address) {
  return {to_asio(address.ip), address.port};
}

/// A mapped IPv4 address (::ffff:192.0.2.1) becomes the IPv4 address.
inline IpAddress from_asio(const boost::asio::ip::address& address) {
  IpAddress ip;
  if (address.is_v6() && !address.to_v6().is_v4_mapped()) {
    ip.family = IpAddress::Family::v6;
    ip.octets = address.to_v6().to_bytes();
    return ip;
  }
  const auto v4 = address.is_v4()
                      ? address.to_v4()
                      : boost::asio::ip::make_address_v4(boost::asio::ip::v4_mapped, address.to_v6());
  const auto bytes = v4.to_bytes();
  std::copy(bytes.begin(), bytes.end(), ip.octets.begin());
  return ip;
}

template <class Endpoint>
Address from_asio(const Endpoint& endpoint) {
  return {from_asio(endpoint.address()), endpoint.port()};
}

}  // namespace beckon::net
