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
  IpAddress asker{};                     ///< Who has us look for `query`, for `leave_out_loopback`.
  bool is_nowhere() const { return !query && hops.empty(); }
};
/// What of it is secured (RFC 3261 26.2.2).
Destination secured(Destination to);

/// Drops hops to our loopback interface unless `asker` is on this host: nobody else may make us talk to it.
void leave_out_loopback(std::vector<transaction::Hop>& hops, const IpAddress& asker);

/// Where a URI is reached, for `asker` who names it. Nothing when no request can be sent to it. `tls_only`:
/// over nothing else, even where the URI says so.
std::optional<Destination> destination_of(const sip::Uri& uri, const locate::Abilities& abilities,
                                          const IpAddress& asker, bool tls_only = false);

/// Where a binding is reached: down its flow (a connection, or the addresses of a UDP flow with reg-id, RFC
/// 5626); else by its Path (RFC 3327); else at its contact, or, when that lies behind a NAT or is not found,
/// where its REGISTER came from.
Destination destination_of(const registrar::Binding& binding, const locate::Abilities& abilities);

/// The Request-URI for a binding's contact (RFC 5630 5.3): a request for a SIPS URI goes to a SIPS contact
/// only, one for a SIP URI to a SIPS contact as SIP; both over secured hops, which is left to the caller.
/// Nothing when it may not go there.
std::optional<std::string> uri_toward(const std::string& contact, bool sips);

}  // namespace beckon::server::proxy
