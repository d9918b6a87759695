#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "protocol/base/address.hpp"
#include "protocol/base/bytes.hpp"
#include "protocol/base/result.hpp"

namespace beckon::transaction {

/// SIP transports. ws and wss are RFC 7118.
enum class Protocol : std::uint8_t { udp, tcp, tls, ws, wss };
constexpr bool is_reliable(Protocol protocol) { return protocol != Protocol::udp; }
/// Encrypted on this hop?
constexpr bool is_secure(Protocol protocol) { return protocol == Protocol::tls || protocol == Protocol::wss; }
/// One SIP message each, whole, and only over the connection the peer made (RFC 7118 5).
constexpr bool is_websocket(Protocol protocol) {
  return protocol == Protocol::ws || protocol == Protocol::wss;
}
std::string_view via_name(Protocol protocol);  ///< "UDP", "TCP", "TLS", "WS", "WSS"

/// Names one connection of a stream transport; unique in the process, never used twice. 0 names none.
using FlowId = std::uint64_t;

/// One SIP hop: where a message came from, or where one goes. For a message to send, `flow` (if not 0)
/// wins over `remote`; without it a stream transport reuses a connection to `remote` or dials it.
struct Hop {
  Protocol protocol = Protocol::udp;
  Address remote;
  Address local;  ///< Our end; for a message to send it chooses the socket when several fit.
  FlowId flow = 0;
  /// Whom the certificate must name when a TLS connection is made (RFC 5922 7.1): the domain that `remote`
  /// was found for. Empty: the address itself.
  std::string name{};
  bool operator==(const Hop&) const = default;
};

/// What sends SIP messages: `protocol/net` over sockets, the simulation over its virtual network.
/// One shard's view of it: calls and callbacks are on that shard's thread.
class Transport {
 public:
  virtual ~Transport() = default;

  /// Sends one finished message. `failed` is called later, at most once, when it is known not to have
  /// left (connection refused or closed, ICMP error, queue full); never from inside `send`. It may be empty.
  virtual void send(const Hop& hop, SharedText message, std::function<void(ErrorCode)> failed) = 0;

  /// "host:port" for the Via, Contact and Record-Route we write on that hop (RFC 3261 18.1.1): our
  /// address as the peer can reach it.
  virtual std::string sent_by(const Hop& hop) const = 0;
};

}  // namespace beckon::transaction
