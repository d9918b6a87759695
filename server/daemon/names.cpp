#include "server/daemon/names.hpp"

#include <algorithm>
#include <utility>

#include "protocol/base/text.hpp"

namespace beckon::server {
namespace {

template <class T>
void add_once(std::vector<T>& all, const T& one) {
  if (std::ranges::find(all, one) == all.end()) all.push_back(one);
}

}  // namespace

std::vector<std::string> served_domains(const Config& config, const std::vector<std::string>& of_users) {
  std::vector<std::string> domains = config.domains;
  for (const std::string& domain : of_users) add_once(domains, domain);
  if (config.domains.empty()) {
    for (const char* own : {"localhost", "127.0.0.1", "::1"}) add_once(domains, std::string(own));
  }
  return domains;
}

CertificateNames certificate_names(const Config& config, const std::vector<std::string>& domains) {
  CertificateNames all{.names = {"localhost"}, .ips = {*parse_ip("127.0.0.1"), *parse_ip("::1")}};
  const auto add = [&](const std::string& name) {
    if (const auto ip = parse_ip(name)) return add_once(all.ips, *ip);
    add_once(all.names, name);
  };
  std::ranges::for_each(domains, add);
  if (!config.advertise.empty()) add(config.advertise);
  for (const Listener& listener : config.listening()) {
    if (!listener.address.ip.is_unspecified()) add_once(all.ips, listener.address.ip);
  }
  return all;
}

Settings make_settings(const Config& config, std::vector<std::string> domains,
                       const std::vector<Listener>& bound, const OwnAddresses& own_addresses) {
  Settings settings = config.settings;
  settings.domains = std::move(domains);
  const std::uint32_t shards = std::max(config.shards, 1U);
  settings.restart_notifies_per_second = std::max(config.settings.restart_notifies_per_second / shards, 1U);
  settings.rooms.per_domain = (config.settings.rooms.per_domain + shards - 1) / shards;
  if (!config.advertise.empty()) settings.hosts.push_back(to_lower(config.advertise));
  for (const Listener& listener : bound) {
    if (!listener.protocol()) continue;
    settings.ports.push_back(listener.address.port);
    const IpAddress& ip = listener.address.ip;
    for (const IpAddress& each : ip.is_unspecified() ? own_addresses(ip.family) : std::vector{ip})
      settings.hosts.push_back(beckon::print(each));
  }
  return settings;
}

locate::Abilities make_abilities(const std::vector<Listener>& bound) {
  locate::Abilities able{.protocols = {}, .ipv4 = false, .ipv6 = false};
  for (const auto& [protocol, kind] : {std::pair{transaction::Protocol::tls, Listener::Kind::tls},
                                       {transaction::Protocol::tcp, Listener::Kind::tcp},
                                       {transaction::Protocol::udp, Listener::Kind::udp}}) {
    for (const Listener& listener : bound) {
      if (listener.kind != kind) continue;
      if (!able.has(protocol)) able.protocols.push_back(protocol);
      const bool v4 = listener.address.ip.family == IpAddress::Family::v4;
      (v4 ? able.ipv4 : able.ipv6) = true;
    }
  }
  return able;
}

}  // namespace beckon::server
