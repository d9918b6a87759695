#pragma once

#include <cstdint>
#include <vector>

#include "media/direct/candidates.hpp"

namespace beckon::stream {

/// Addresses of this machine's interfaces that are up, with their subnets; loopback and link-local ones
/// included.
std::vector<direct::Prefix> read_interfaces();

/// The addresses at which a socket bound to `local` can be reached (DIRECT_SESSIONS 2, `cand`): its own, or,
/// if that is unspecified, those of `interfaces`; IPv4 first, at most 8. Never link-local ones; loopback
/// last, and only if `loopback`. Priorities as RFC 8445 5.1.2.1 for component 1.
std::vector<direct::Candidate> host_candidates(const Address& local,
                                               const std::vector<direct::Prefix>& interfaces, bool loopback);

}  // namespace beckon::stream
