#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "media/direct/types.hpp"
#include "protocol/base/address.hpp"

namespace beckon::direct {

/// `ip`/`length`, such as 192.168.0.0/16. For an own interface `ip` is its address.
struct Prefix {
  IpAddress ip;
  unsigned length = 0;
};
bool contains(const Prefix& prefix, const IpAddress& ip);

/// The networks of this machine, as far as the candidate filter needs them (DIRECT_SESSIONS 5).
struct Networks {
  std::vector<Prefix> interfaces;           ///< Own addresses with the length of their subnet.
  std::optional<IpAddress> mapped;          ///< Own address as seen from outside (server reflexive).
  std::vector<Prefix> private_nets;         ///< `direct.private_nets`: private prefixes that are reachable.
  std::optional<IpAddress::Family> family;  ///< The socket's only family; absent: it sends to both.
  bool loopback = false;                    ///< Test switch `direct.loopback`.
};

inline constexpr std::size_t candidates_per_device_max = 4;    ///< DIRECT_SESSIONS 5
inline constexpr std::size_t candidates_per_attempt_max = 12;  ///< DIRECT_SESSIONS 5

/// The candidates of one device that may be sent to, best first, at most `candidates_per_device_max`
/// (DIRECT_SESSIONS 5 "Which candidates"): the list is a peer's claim and must not direct traffic at third
/// parties.
std::vector<Candidate> usable_candidates(const std::vector<Candidate>& candidates, const Networks& networks);

}  // namespace beckon::direct
