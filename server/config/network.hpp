#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "protocol/base/address.hpp"

namespace beckon::server {

/// The addresses that begin with the same bits.
struct Network {
  IpAddress address;
  unsigned bits = 0;  ///< 0 to 32, or to 128 for IPv6.

  bool contains(const IpAddress& ip) const;
  bool operator==(const Network&) const = default;
};

/// Reads "192.0.2.0/24", "2001:db8::/32" or one address. Bits after the prefix are ignored.
std::optional<Network> parse_network(std::string_view text);
std::string print(const Network& network);

}  // namespace beckon::server
