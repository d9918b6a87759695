#include "server/config/settings.hpp"

#include <algorithm>

namespace beckon::server {

bool Settings::trusts(const IpAddress& source) const {
  return std::ranges::any_of(trusted_networks,
                             [&](const Network& network) { return network.contains(source); });
}

bool Settings::serves(std::string_view domain) const {
  return std::ranges::find(domains, domain) != domains.end();
}

bool Settings::is_own(const sip::Uri& uri) const {
  const bool named = serves(uri.host) || std::ranges::find(hosts, uri.host) != hosts.end();
  return named && (!uri.port || std::ranges::find(ports, *uri.port) != ports.end());
}

}  // namespace beckon::server
