#pragma once

#include <optional>
#include <vector>

#include "protocol/locate/locator.hpp"
#include "protocol/sip/uri.hpp"
#include "protocol/transaction/transport.hpp"
#include "server/registrar/binding.hpp"

namespace beckon::server::proxy {

/// Where a request goes.
struct Destination {
  std::optional<locate::Query> query{};  ///< To be located first (RFC 3263); empty: all is known.
  std::vector<transaction::Hop> hops{};  ///< To try in this order, behind what `query` finds.
};

/// Where a URI is reached. Nothing when no request can be sent to it.
std::optional<Destination> destination_of(const sip::Uri& uri, const locate::Abilities& abilities);

/// Where a binding is reached: down its flow; else by its Path (RFC 3327); else at its contact, or, when that
/// lies behind a NAT or is not found, where its REGISTER came from.
Destination destination_of(const registrar::Binding& binding, const locate::Abilities& abilities);

}  // namespace beckon::server::proxy
