#include "media/direct/candidates.hpp"

#include <algorithm>
#include <array>

namespace beckon::direct {
namespace {

constexpr std::uint16_t lowest_port = 1024;  ///< Well-known services have lower ports (DIRECT_SESSIONS 5).

constexpr Prefix v4(std::uint8_t a, std::uint8_t b, unsigned length) {
  return {{IpAddress::Family::v4, {a, b}}, length};
}
constexpr Prefix v6(std::uint8_t a, std::uint8_t b, unsigned length) {
  return {{IpAddress::Family::v6, {a, b}}, length};
}

constexpr Prefix v4_mapped{{IpAddress::Family::v6, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}}, 96};

/// 0/8, 169.254/16, multicast, 240/4 with the limited broadcast; fe80::/10, ff00::/8, IPv4-mapped.
constexpr std::array forbidden{v4(0, 0, 8),        v4(169, 254, 16), v4(224, 0, 4), v4(240, 0, 4),
                               v6(0xfe, 0x80, 10), v6(0xff, 0, 8),   v4_mapped};
constexpr std::array private_prefixes{v4(10, 0, 8), v4(172, 16, 12), v4(192, 168, 16), v4(100, 64, 10),
                                      v6(0xfc, 0, 7)};

template <class Prefixes>
bool any_contains(const Prefixes& prefixes, const IpAddress& ip) {
  return std::any_of(prefixes.begin(), prefixes.end(),
                     [&](const Prefix& prefix) { return contains(prefix, ip); });
}

/// The all-ones address of an own IPv4 subnet.
bool is_broadcast_of(const Prefix& subnet, const IpAddress& ip) {
  if (ip.family != IpAddress::Family::v4 || subnet.length >= 31 || !contains(subnet, ip)) return false;
  const std::uint32_t host_bits = 0xffffffffU >> subnet.length;
  return (read_u32(ip.bytes()) & host_bits) == host_bits;
}

bool is_behind_same_nat(const std::vector<Candidate>& candidates, const Networks& networks) {
  return std::any_of(candidates.begin(), candidates.end(), [&](const Candidate& candidate) {
    return candidate.type == Candidate::Type::srflx && networks.mapped == candidate.address.ip;
  });
}

bool is_usable(const Candidate& candidate, const Networks& networks, bool same_nat) {
  const IpAddress& ip = candidate.address.ip;
  if (candidate.address.port < lowest_port) return false;
  if (networks.family && *networks.family != ip.family) return false;
  if (ip.is_loopback()) return networks.loopback;
  if (ip.is_unspecified() || any_contains(forbidden, ip)) return false;
  const auto& own = networks.interfaces;
  if (std::any_of(own.begin(), own.end(),
                  [&](const Prefix& subnet) { return is_broadcast_of(subnet, ip); })) {
    return false;
  }
  if (!any_contains(private_prefixes, ip)) return true;
  return same_nat || any_contains(own, ip) || any_contains(networks.private_nets, ip);
}

}  // namespace

bool contains(const Prefix& prefix, const IpAddress& ip) {
  if (prefix.ip.family != ip.family || prefix.length > ip.bytes().size() * 8) return false;
  const std::size_t whole = prefix.length / 8;
  if (!std::equal(ip.octets.begin(), ip.octets.begin() + static_cast<std::ptrdiff_t>(whole),
                  prefix.ip.octets.begin())) {
    return false;
  }
  const unsigned rest = prefix.length % 8;
  return rest == 0 || ((ip.octets[whole] ^ prefix.ip.octets[whole]) >> (8 - rest)) == 0;
}

std::vector<Candidate> usable_candidates(const std::vector<Candidate>& candidates, const Networks& networks) {
  const bool same_nat = is_behind_same_nat(candidates, networks);
  std::vector<Candidate> out;
  std::copy_if(candidates.begin(), candidates.end(), std::back_inserter(out),
               [&](const Candidate& candidate) { return is_usable(candidate, networks, same_nat); });
  std::sort(out.begin(), out.end(), [](const Candidate& a, const Candidate& b) {
    return a.priority != b.priority ? a.priority > b.priority : a.address < b.address;
  });
  if (out.size() > candidates_per_device_max) out.resize(candidates_per_device_max);
  return out;
}

}  // namespace beckon::direct
