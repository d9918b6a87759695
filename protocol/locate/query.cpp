#include "protocol/locate/query.hpp"

#include <algorithm>

#include "protocol/base/text.hpp"

namespace beckon::locate {

using transaction::Protocol;

namespace {

constexpr std::uint16_t http_port = 80, https_port = 443;

/// COMPAT: "transport=tls" is deprecated (RFC 3261 26.2.2) and everywhere.
std::optional<Protocol> protocol_named(std::string_view name) {
  if (iequals(name, "udp")) return Protocol::udp;
  if (iequals(name, "tcp")) return Protocol::tcp;
  if (iequals(name, "tls")) return Protocol::tls;
  return std::nullopt;
}

bool can_be_target(std::string_view maddr) {
  const auto ip = parse_ip(maddr);
  return ip ? !ip->is_multicast() && !ip->is_unspecified() : !maddr.empty();
}

std::string bare(std::string_view host) {
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  if (host.ends_with('.')) host.remove_suffix(1);
  return to_lower(host);
}

}  // namespace

bool Abilities::has(Protocol protocol) const {
  return std::ranges::find(protocols, protocol) != protocols.end();
}

std::uint16_t default_port(Protocol protocol) {
  const bool secure = transaction::is_secure(protocol);
  if (transaction::is_websocket(protocol)) return secure ? https_port : http_port;
  return secure ? sip::sips_port : sip::sip_port;
}

Result<Query> query_of(const sip::Uri& uri) {
  if (!uri.is_sip() || uri.host.empty()) return Errc::bad_uri;
  Query query{.host = bare(uri.host), .port = uri.port, .secure = uri.scheme == "sips"};
  if (query.host.empty()) return Errc::bad_uri;
  if (const auto maddr = uri.parameter("maddr"); maddr && bare(*maddr) != query.host) {
    if (!can_be_target(*maddr)) return Errc::bad_uri;
    query.name = std::exchange(query.host, bare(*maddr));
  }
  if (const auto name = uri.parameter("transport")) {
    query.transport = protocol_named(*name);
    if (!query.transport) return Errc::no_transport;
  }
  if (query.secure && query.transport) {
    if (query.transport == Protocol::udp) return Errc::no_transport;
    query.transport = Protocol::tls;
  }
  return query;
}

Query query_of(const transaction::SentBy& sent_by) {
  return {.host = bare(sent_by.host), .port = sent_by.port, .transport = sent_by.protocol};
}

}  // namespace beckon::locate
