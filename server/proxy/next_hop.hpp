#pragma once

#include <optional>

#include "protocol/sip/uri.hpp"
#include "protocol/transaction/transport.hpp"
#include "server/registrar/binding.hpp"

namespace beckon::server::proxy {

/// Where a URI with an address literal (or "localhost") as its host is reached (RFC 3263 4 without DNS).
/// Nothing for any other name, and for transports that only a flow serves.
std::optional<transaction::Hop> next_hop(const sip::Uri& uri);

/// Where a binding is reached: down its flow; else by its Path (RFC 3327); else at its contact, or, when that
/// lies behind a NAT, where its REGISTER came from.
transaction::Hop hop_to(const registrar::Binding& binding);

}  // namespace beckon::server::proxy
