#include "media/stream/interfaces.hpp"

#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <iterator>
#include <memory>
#include <optional>

namespace beckon::stream {
namespace {

constexpr std::size_t max_candidates = 8;       // DIRECT_SESSIONS 2
constexpr std::uint32_t host_preference = 126;  // RFC 8445 5.1.2.2
constexpr std::uint32_t highest_local = 65535;
constexpr std::uint32_t component_preference = 255;  // 256 less the component's number, 1

std::optional<IpAddress> read_ip(const sockaddr* address) {
  if (address == nullptr) return std::nullopt;
  IpAddress ip;
  if (address->sa_family == AF_INET) {
    sockaddr_in v4{};
    std::memcpy(&v4, address, sizeof v4);
    std::memcpy(ip.octets.data(), &v4.sin_addr, 4);
    return ip;
  }
  if (address->sa_family != AF_INET6) return std::nullopt;
  sockaddr_in6 v6{};
  std::memcpy(&v6, address, sizeof v6);
  ip.family = IpAddress::Family::v6;
  std::memcpy(ip.octets.data(), &v6.sin6_addr, 16);
  return ip;
}

unsigned count_bits(const IpAddress& mask) {
  unsigned bits = 0;
  for (const std::uint8_t octet : mask.bytes()) bits += static_cast<unsigned>(std::popcount(octet));
  return bits;
}

bool is_link_local(const IpAddress& ip) {
  if (ip.family == IpAddress::Family::v4) return ip.octets[0] == 169 && ip.octets[1] == 254;
  return ip.octets[0] == 0xfe && (ip.octets[1] & 0xc0) == 0x80;
}

/// Smaller comes first.
constexpr int ranks = 4;
int rank(const IpAddress& ip) {
  return (ip.is_loopback() ? 2 : 0) + (ip.family == IpAddress::Family::v4 ? 0 : 1);
}

}  // namespace

std::vector<direct::Prefix> read_interfaces() {
  ifaddrs* first = nullptr;
  if (::getifaddrs(&first) != 0) return {};
  const std::unique_ptr<ifaddrs, decltype(&::freeifaddrs)> owner(first, &::freeifaddrs);
  std::vector<direct::Prefix> interfaces;
  for (const ifaddrs* entry = first; entry != nullptr; entry = entry->ifa_next) {
    const auto ip = read_ip(entry->ifa_addr);
    const auto mask = read_ip(entry->ifa_netmask);
    if (ip && (entry->ifa_flags & IFF_UP) != 0) interfaces.push_back({*ip, mask ? count_bits(*mask) : 0});
  }
  return interfaces;
}

std::vector<direct::Candidate> host_candidates(const Address& local,
                                               const std::vector<direct::Prefix>& interfaces, bool loopback) {
  std::vector<IpAddress> own;
  for (const auto& interface : interfaces) own.push_back(interface.ip);
  if (!local.ip.is_unspecified()) own = {local.ip};
  std::erase_if(own, [&](const IpAddress& ip) {
    return ip.is_unspecified() || is_link_local(ip) || (ip.is_loopback() && !loopback) ||
           (local.ip.family == IpAddress::Family::v4 && ip.family == IpAddress::Family::v6);
  });
  std::vector<IpAddress> addresses;
  for (int wanted = 0; wanted < ranks; ++wanted) {
    std::copy_if(own.begin(), own.end(), std::back_inserter(addresses),
                 [wanted](const IpAddress& ip) { return rank(ip) == wanted; });
  }
  addresses.resize(std::min(addresses.size(), max_candidates));
  std::vector<direct::Candidate> candidates;
  std::uint32_t preference = highest_local;
  for (const IpAddress& ip : addresses) {
    const std::uint32_t priority = host_preference << 24 | preference-- << 8 | component_preference;
    candidates.push_back({direct::Candidate::Type::host, priority, {ip, local.port}});
  }
  return candidates;
}

}  // namespace beckon::stream
