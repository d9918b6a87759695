#pragma once

#include <functional>
#include <string>
#include <vector>

#include "protocol/net/channel.hpp"

namespace beckon::net {

struct WebSocketOptions {
  std::size_t message = std::size_t{1} << 20;  ///< Octets of one message; past it closed with code 1009.
  Duration handshake = 10s;                    ///< For the request to arrive.
  Duration message_time = 30s;                 ///< For one message, first octet to last; past it closed.
  /// How often a silent client is pinged, so that a browser, which cannot ping by itself, outlives the
  /// channel's idle time (RFC 7118 6). Zero: never.
  Duration ping = 45s;
  /// What `Origin` may be (RFC 6455 10.2), as browsers write it: "https://example.org". Empty: anything; no
  /// cookie or address gives a page access, as each request has its own digest.
  std::vector<std::string> origins{};
};

/// Makes a WebSocket of an accepted connection: answers the client's handshake for the subprotocol "sip" (RFC
/// 6455 4.2, RFC 7118 4.1) and calls `done`, later and exactly once: with an error when the client is refused
/// (400, 403, 405, 426, 431) or gives up, and `channel` is closed then. Until `done` it can be closed by the
/// caller.
///
/// On the Channel given, `on_octets` is called with one whole message each time, and `send` sends its octets
/// as one message: in the kind the last one came in, but as binary when they are not UTF-8 (RFC 7118 4.2).
void accept_websocket(ChannelPtr channel, WebSocketOptions options,
                      std::function<void(Result<ChannelPtr>)> done);

}  // namespace beckon::net
