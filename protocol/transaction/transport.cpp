#include "protocol/transaction/transport.hpp"

namespace beckon::transaction {

std::string_view via_name(Protocol protocol) {
  switch (protocol) {
    case Protocol::udp:
      return "UDP";
    case Protocol::tcp:
      return "TCP";
    case Protocol::tls:
      return "TLS";
    case Protocol::ws:
      return "WS";
    case Protocol::wss:
      return "WSS";
  }
  return "UDP";
}

}  // namespace beckon::transaction
