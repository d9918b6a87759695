#include "protocol/transaction/transport.hpp"

#include <cstring>

namespace beckon::transaction {

SharedText Outgoing::join() const {
  if (!body) return head;
  return SharedText::make(size(), [this](char* out) {
    std::memcpy(out, head->data(), head->size());
    if (!body->empty()) std::memcpy(out + head->size(), body->data(), body->size());
    return size();
  });
}

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
