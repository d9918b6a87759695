#include "server/config/network.hpp"

#include "protocol/base/text.hpp"

namespace beckon::server {

bool Network::contains(const IpAddress& ip) const {
  if (ip.family != address.family) return false;
  for (unsigned i = 0; i * 8 < bits; ++i) {
    const unsigned left = bits - i * 8;
    const auto mask = static_cast<std::uint8_t>(left >= 8 ? 0xff : 0xff << (8 - left));
    if (((ip.octets[i] ^ address.octets[i]) & mask) != 0) return false;
  }
  return true;
}

std::optional<Network> parse_network(std::string_view text) {
  const auto slash = text.find('/');
  const auto ip = parse_ip(text.substr(0, slash));
  if (!ip) return std::nullopt;
  const auto most = static_cast<unsigned>(ip->bytes().size() * 8);
  if (slash == std::string_view::npos) return Network{*ip, most};
  const auto bits = parse_number<unsigned>(text.substr(slash + 1));
  if (!bits || *bits > most) return std::nullopt;
  return Network{*ip, *bits};
}

std::string print(const Network& network) {
  return beckon::print(network.address) + '/' + std::to_string(network.bits);
}

}  // namespace beckon::server
