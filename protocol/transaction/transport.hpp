#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "protocol/base/address.hpp"
#include "protocol/base/bytes.hpp"
#include "protocol/base/callback.hpp"
#include "protocol/base/result.hpp"

namespace beckon::transaction {

/// SIP transports. ws and wss are RFC 7118.
enum class Protocol : std::uint8_t { udp, tcp, tls, ws, wss };
constexpr bool is_reliable(Protocol protocol) { return protocol != Protocol::udp; }
/// Encrypted on this hop?
constexpr bool is_secure(Protocol protocol) { return protocol == Protocol::tls || protocol == Protocol::wss; }
/// Each WebSocket message is one whole SIP message, and only the client opens connections (RFC 7118 5).
constexpr bool is_websocket(Protocol protocol) {
  return protocol == Protocol::ws || protocol == Protocol::wss;
}
std::string_view via_name(Protocol protocol);  ///< "UDP", "TCP", "TLS", "WS", "WSS"

/// Names one connection of a stream transport; unique in the process, never used twice. 0 names none.
using FlowId = std::uint64_t;

/// One SIP hop: where a message came from, or where one is sent. For a message to send, `flow` (if not 0)
/// takes precedence over `remote`; without it a stream transport reuses a connection to `remote` or dials
/// one.
struct Hop {
  Protocol protocol = Protocol::udp;
  Address remote;
  Address local;  ///< Our end; for a message to send it chooses the socket when several fit.
  FlowId flow = 0;
  /// The name that the peer's certificate must contain when a TLS connection is made (RFC 5922 7.1): the
  /// domain that `remote` was resolved from. Empty: the address itself.
  std::string name{};
  bool operator==(const Hop&) const = default;
};

/// A finished message to send, in two parts, so that several messages can share one body. A body of its own
/// may stand in `head`.
struct Outgoing {
  SharedText head;    ///< Not null.
  SharedText body{};  ///< The rest, or null.

  Outgoing() = default;
  Outgoing(SharedText text) : head(std::move(text)) {}
  Outgoing(SharedText its_head, SharedText its_body) : head(std::move(its_head)), body(std::move(its_body)) {}

  std::size_t size() const { return head->size() + (body ? body->size() : 0); }
  /// Both parts in one text; a copy only if there is a body.
  SharedText join() const;
};

/// Called when a message is known not to have left. 32 octets of captures fit inside.
using OnFailed = Callback<void(ErrorCode), 32>;

/// What sends SIP messages: `protocol/net` over sockets, the simulation over its virtual network. One shard's
/// view of it: calls and callbacks are on that shard's thread.
class Transport {
 public:
  virtual ~Transport() = default;

  /// Sends one finished message. `failed` is called later, at most once, when it is known that the message
  /// has not left (connection refused or closed, ICMP error, queue full); never from inside `send`. It may be
  /// empty.
  virtual void send(const Hop& hop, Outgoing message, OnFailed failed) = 0;

  /// "host:port" for the Via, Contact and Record-Route that we write on that hop (RFC 3261 18.1.1): our
  /// address as the peer can reach it.
  virtual std::string sent_by(const Hop& hop) const = 0;
};

}  // namespace beckon::transaction
