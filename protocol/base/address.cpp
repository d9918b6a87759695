#include "protocol/base/address.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

#include "protocol/base/text.hpp"

namespace beckon {

namespace {

/// The four octets of an IPv4 address, or of one mapped into IPv6, which leads to the same place (RFC 4291
/// 2.5.5.2); none of others.
ByteView v4_octets(const IpAddress& ip) {
  if (ip.family == IpAddress::Family::v4) return ip.bytes();
  constexpr std::array<std::uint8_t, 12> mapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  return std::equal(mapped.begin(), mapped.end(), ip.octets.begin()) ? ip.bytes().subspan(mapped.size())
                                                                     : ByteView{};
}

}  // namespace

bool IpAddress::is_loopback() const {
  if (const auto v4 = v4_octets(*this); !v4.empty()) return v4[0] == 127;
  return std::all_of(octets.begin(), octets.end() - 1, [](auto octet) { return octet == 0; }) &&
         octets[15] == 1;
}

bool IpAddress::is_unspecified() const {
  const auto v4 = v4_octets(*this);
  return std::ranges::all_of(v4.empty() ? bytes() : v4, [](auto octet) { return octet == 0; });
}

bool IpAddress::is_multicast() const {
  const auto v4 = v4_octets(*this);
  return v4.empty() ? octets[0] == 0xff : v4[0] >= 224 && v4[0] <= 239;
}

std::optional<IpAddress> parse_ip(std::string_view text) {
  if (text.size() > 2 && text.front() == '[' && text.back() == ']') text = text.substr(1, text.size() - 2);
  if (text.empty() || text.size() > 45) return std::nullopt;
  if (text.find('\0') != std::string_view::npos) return std::nullopt;  // inet_pton would stop there
  const std::string name(text);
  IpAddress ip;
  if (inet_pton(AF_INET, name.c_str(), ip.octets.data()) == 1) return ip;
  ip.family = IpAddress::Family::v6;
  ip.octets = {};
  if (inet_pton(AF_INET6, name.c_str(), ip.octets.data()) == 1) return ip;
  return std::nullopt;
}

std::string print(const IpAddress& ip) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (ip.family == IpAddress::Family::v6)
    return inet_ntop(AF_INET6, ip.octets.data(), text.data(), static_cast<socklen_t>(text.size()));
  char* end = text.data();
  for (std::size_t i = 0; i < 4; ++i) {
    if (i > 0) *end++ = '.';
    end = std::to_chars(end, text.data() + text.size(), ip.octets[i]).ptr;
  }
  return {text.data(), end};
}

std::optional<Address> parse_address(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const auto host = text.substr(0, colon);
  if (host.find(':') != std::string_view::npos && host.front() != '[') return std::nullopt;
  const auto ip = parse_ip(host);
  const auto port = parse_number<std::uint16_t>(text.substr(colon + 1));
  if (!ip || !port) return std::nullopt;
  return Address{*ip, *port};
}

std::string print(const Address& address) {
  const std::string ip = print(address.ip);
  const bool v6 = address.ip.family == IpAddress::Family::v6;
  return (v6 ? "[" + ip + "]:" : ip + ":") + std::to_string(address.port);
}

}  // namespace beckon
