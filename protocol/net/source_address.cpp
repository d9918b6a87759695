#include "protocol/net/source_address.hpp"

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/udp.hpp>

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

IpAddress counted_as(const IpAddress& source) {
  IpAddress counted = source;
  if (source.family == IpAddress::Family::v6)
    std::fill(counted.octets.begin() + counted.octets.size() / 2, counted.octets.end(), std::uint8_t{0});
  return counted;
}

}  // namespace beckon::net
