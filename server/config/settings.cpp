#include "server/config/settings.hpp"

#include <algorithm>

#include "protocol/base/text.hpp"

namespace beckon::server {

bool Federation::admits(std::string_view domain) const {
  return std::ranges::any_of(domains, [&](const auto& each) { return each == "*" || each == domain; });
}

bool Federation::trusts(std::string_view domain) const {
  return std::ranges::find(trusted, domain) != trusted.end();
}

bool Settings::trusts(const IpAddress& source) const {
  return std::ranges::any_of(trusted_networks,
                             [&](const Network& network) { return network.contains(source); });
}

bool Settings::is_md5_only(const transaction::Hop& from) const {
  return std::ranges::any_of(md5_only_at, [&](const Entrance& entrance) { return entrance.admits(from); });
}

bool Settings::serves(std::string_view domain) const {
  return std::ranges::find(domains, domain) != domains.end();
}

bool Settings::is_foreign(const sip::UriView& uri) const {
  return !serves(to_lower(uri.host)) && !is_own(uri);
}

bool Settings::is_own(const sip::UriView& uri) const {
  const std::string host = to_lower(uri.host);
  const bool named = serves(host) || std::ranges::find(hosts, host) != hosts.end();
  return named && (!uri.port || std::ranges::find(ports, *uri.port) != ports.end());
}

}  // namespace beckon::server
