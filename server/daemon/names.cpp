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

/// The first open listener of this kind that others than this machine reach, else the first.
const Listener* find_listener(const std::vector<Listener>& bound, Listener::Kind kind) {
  const Listener* found = nullptr;
  for (const Listener& each : bound) {
    if (each.kind != kind || (found && !found->address.ip.is_loopback())) continue;
    if (!found || !each.address.ip.is_loopback()) found = &each;
  }
  return found;
}

/// "192.0.2.1:5061": where a client finds this listener.
std::string reached_at(const Config& config, const Listener& listener, const OwnAddresses& own_addresses) {
  if (!config.advertise.empty() && !parse_ip(config.advertise))
    return config.advertise + ':' + std::to_string(listener.address.port);
  Address address = listener.address;
  if (const auto ip = parse_ip(config.advertise)) {
    address.ip = *ip;
  } else if (address.ip.is_unspecified()) {
    const auto own = own_addresses(address.ip.family);
    const auto outer = std::ranges::find_if(own, [](const IpAddress& each) { return !each.is_loopback(); });
    const char* loopback = address.ip.family == IpAddress::Family::v4 ? "127.0.0.1" : "::1";
    address.ip = outer != own.end() ? *outer : *parse_ip(loopback);
  }
  return beckon::print(address);
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

admin::Reach make_reach(const Config& config, const std::vector<Listener>& bound,
                        const std::string& certificate, const OwnAddresses& own_addresses) {
  admin::Reach reach;
  for (const auto& [kind, name] : {std::pair{Listener::Kind::tls, "tls:"},
                                   {Listener::Kind::tcp, "tcp:"},
                                   {Listener::Kind::udp, "udp:"}}) {
    const Listener* listener = find_listener(bound, kind);
    if (!listener) continue;
    reach.server = name + reached_at(config, *listener, own_addresses);
    break;
  }
  if (const Listener* listener = find_listener(bound, Listener::Kind::https))
    reach.xcap = "https://" + reached_at(config, *listener, own_addresses) + "/xcap";
  if (std::ranges::any_of(bound, &Listener::needs_certificate)) reach.certificate = certificate;
  return reach;
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
