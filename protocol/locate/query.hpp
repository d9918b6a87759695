#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/locate/error.hpp"
#include "protocol/sip/uri.hpp"
#include "protocol/transaction/response_route.hpp"
#include "protocol/transaction/transport.hpp"

namespace beckon::locate {

/// What is looked for (RFC 3263 4): the parts of a URI that say where its server is.
struct Query {
  std::string host;  ///< TARGET: a name in lower case without final dot, or an address without brackets.
  std::optional<std::uint16_t> port{};
  std::optional<transaction::Protocol> transport{};  ///< Absent: the domain chooses.
  bool secure = false;                               ///< SIPS: only TLS will do.
  std::string name{};  ///< Whom the certificate must name, where that is not `host`.
  bool operator==(const Query&) const = default;
};

/// Of a SIP or SIPS URI. `maddr` is its TARGET (RFC 3263 4) unless it is a multicast or no address; the
/// certificate must name the URI's host all the same. Errors: Errc::bad_uri, Errc::no_transport.
Result<Query> query_of(const sip::Uri& uri);
/// Of the sent-by of a Via: where a response goes that cannot be sent back (RFC 3263 5).
Query query_of(const transaction::SentBy& sent_by);

/// What we can dial, in the order we like it when the domain leaves the choice to us.
struct Abilities {
  std::vector<transaction::Protocol> protocols{transaction::Protocol::tls, transaction::Protocol::tcp,
                                               transaction::Protocol::udp};
  bool ipv4 = true;  ///< Families of addresses asked for; one that is written out is used all the same.
  bool ipv6 = true;

  bool has(transaction::Protocol protocol) const;
};

/// 5060, for TLS 5061; of WebSocket 80 and 443 (RFC 7118 5.5).
std::uint16_t default_port(transaction::Protocol protocol);

}  // namespace beckon::locate
