#pragma once

#include "protocol/base/address.hpp"
#include "protocol/base/result.hpp"

namespace beckon::net {

/// The address of ours the system would send from to `remote`. Sends nothing. Errors: the system's (no
/// route).
Result<IpAddress> source_address(const Address& remote);

}  // namespace beckon::net
