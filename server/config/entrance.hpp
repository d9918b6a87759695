#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "protocol/transaction/transport.hpp"

namespace beckon::server {

/// Where SIP requests come in: all listeners of a transport, or those of them with one port.
struct Entrance {
  transaction::Protocol protocol = transaction::Protocol::udp;
  std::uint16_t port = 0;  ///< 0: any.
  bool operator==(const Entrance&) const = default;

  bool admits(const transaction::Hop& from) const {
    return protocol == from.protocol && (port == 0 || port == from.local.port);
  }
};

/// Reads "ws" or "udp:5062".
std::optional<Entrance> parse_entrance(std::string_view text);

}  // namespace beckon::server
