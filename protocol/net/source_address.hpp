#pragma once

#include <vector>

#include "protocol/base/address.hpp"
#include "protocol/base/result.hpp"

namespace beckon::net {

/// Our address that the system would send from to `remote`. Sends nothing. Errors: the system's (no
/// route).
Result<IpAddress> source_address(const Address& remote);

/// The addresses of that family this machine has now.
std::vector<IpAddress> own_addresses(IpAddress::Family family);

/// What a bound per address counts as one source: an IPv4 address by itself, IPv6 addresses by their first 64
/// bits, as no site gets less (RFC 6177 2).
IpAddress counted_as(const IpAddress& source);

}  // namespace beckon::net
