#pragma once

#include <functional>
#include <string>
#include <vector>

#include "protocol/base/address.hpp"
#include "protocol/locate/query.hpp"
#include "server/admin/data_folder.hpp"
#include "server/config/config.hpp"

namespace beckon::server {

/// The domains of the configuration and of the users, each once, the configured ones first. Where none is
/// configured, also the machine's own names, so that the list is never empty.
std::vector<std::string> served_domains(const Config& config, const std::vector<std::string>& of_users);

/// What a self-signed certificate is for: the machine's own names, the served domains, the advertised host
/// and the addresses of the listeners.
struct CertificateNames {
  std::vector<std::string> names;
  std::vector<IpAddress> ips;
};
CertificateNames certificate_names(const Config& config, const std::vector<std::string>& domains);

/// The addresses of this machine of one family.
using OwnAddresses = std::function<std::vector<IpAddress>(IpAddress::Family family)>;
/// What the shards are configured with: the configuration, and the names and ports by which this node
/// recognises itself. `bound` are the listeners that are open.
Settings make_settings(const Config& config, std::vector<std::string> domains,
                       const std::vector<Listener>& bound, const OwnAddresses& own_addresses);

/// The address that invitations name: the safest of the listeners that are open, under the
/// advertised host or the listener's own address. `certificate` is what a listener that needs one shows.
admin::Reach make_reach(const Config& config, const std::vector<Listener>& bound,
                        const std::string& certificate, const OwnAddresses& own_addresses);

/// What can be dialled: the transports and address families that are listened on.
locate::Abilities make_abilities(const std::vector<Listener>& bound);

}  // namespace beckon::server
