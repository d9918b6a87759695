#pragma once

#include <vector>

#include "protocol/base/random.hpp"
#include "protocol/locate/dns.hpp"

namespace beckon::locate {

/// The order SRV records are tried in (RFC 2782, "Usage rules"): lower priorities first; within one at random
/// by weight, where a record of weight 0 has a small chance beside others.
std::vector<Srv> in_order(std::vector<Srv> records, Random& random);

/// By order, then preference (RFC 3403 4.1).
std::vector<Naptr> in_order(std::vector<Naptr> records);

}  // namespace beckon::locate
