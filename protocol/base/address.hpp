#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/base/bytes.hpp"

namespace beckon {

/// An IPv4 or IPv6 address, without zone. Mapped addresses ("::ffff:127.0.0.1") are treated as IPv4.
struct IpAddress {
  enum class Family : std::uint8_t { v4 = 4, v6 = 6 };
  Family family = Family::v4;
  std::array<std::uint8_t, 16> octets{};  ///< IPv4 uses the first four.

  ByteView bytes() const { return {octets.data(), family == Family::v4 ? std::size_t{4} : std::size_t{16}}; }
  bool is_loopback() const;     ///< 127/8 or ::1
  bool is_unspecified() const;  ///< 0.0.0.0 or ::
  bool is_multicast() const;
  auto operator<=>(const IpAddress&) const = default;
};

/// Reads a literal address; brackets around IPv6 are accepted. Empty for a name.
std::optional<IpAddress> parse_ip(std::string_view text);
/// Without brackets.
std::string print(const IpAddress& ip);

/// An address and a port (UDP or TCP; the owner knows which).
struct Address {
  IpAddress ip;
  std::uint16_t port = 0;
  auto operator<=>(const Address&) const = default;
};

/// Reads "192.0.2.1:5060" or "[2001:db8::1]:5060".
std::optional<Address> parse_address(std::string_view text);
/// "192.0.2.1:5060" or "[2001:db8::1]:5060".
std::string print(const Address& address);

}  // namespace beckon

template <>
struct std::hash<beckon::Address> {
  std::size_t operator()(const beckon::Address& address) const noexcept {
    const auto bytes = beckon::as_text(address.ip.bytes());
    return std::hash<std::string_view>{}(bytes) * 31 + address.port;
  }
};
