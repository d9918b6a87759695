#include "protocol/net/source_address.hpp"

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

}  // namespace beckon::net
