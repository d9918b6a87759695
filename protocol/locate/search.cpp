#include "protocol/locate/search.hpp"

#include <algorithm>

#include "protocol/base/text.hpp"
#include "protocol/locate/order.hpp"

namespace beckon::locate {

using transaction::Hop;
using transaction::Protocol;

namespace {

constexpr std::size_t max_name = 253;  // octets of a name as text (RFC 1035 2.3.4)

/// An address that no server can have is an attack or a typing error.
bool can_be_server(const Address& address) {
  return address.port != 0 && !address.ip.is_unspecified() && !address.ip.is_multicast();
}

bool is_in(std::string_view name, std::string_view domain) {
  return name.ends_with(domain) &&
         (name.size() == domain.size() || name[name.size() - domain.size() - 1] == '.');
}

/// Addresses of names that no name server is asked for (RFC 6761 6.3).
std::vector<IpAddress> known_addresses(const std::string& host) {
  if (const auto ip = parse_ip(host)) return {*ip};
  if (is_in(host, "localhost")) return {*parse_ip("127.0.0.1"), *parse_ip("::1")};
  return {};
}

/// The label that SRV records of a transport begin with (RFC 3263 4.1); WebSocket has none: its SRV records
/// are found by NAPTR only.
std::string_view service_label(Protocol protocol) {
  switch (protocol) {
    case Protocol::udp:
      return "_sip._udp.";
    case Protocol::tcp:
      return "_sip._tcp.";
    case Protocol::tls:
      return "_sips._tcp.";
    case Protocol::ws:
    case Protocol::wss:
      break;
  }
  return {};
}

/// NAPTR services (RFC 3263 4.1, RFC 7118 5.5).
std::optional<Protocol> protocol_of(std::string_view service) {
  if (iequals(service, "SIP+D2U")) return Protocol::udp;
  if (iequals(service, "SIP+D2T")) return Protocol::tcp;
  if (iequals(service, "SIPS+D2T")) return Protocol::tls;
  if (iequals(service, "SIP+D2W")) return Protocol::ws;
  if (iequals(service, "SIPS+D2W")) return Protocol::wss;
  return std::nullopt;
}

}  // namespace

Search::Search(Query query, Abilities abilities, Random& random)
    : query_(std::move(query)), abilities_(std::move(abilities)), random_(random) {
  start();
}

bool Search::may_use(Protocol protocol) const {
  return abilities_.has(protocol) && (!query_.secure || transaction::is_secure(protocol));
}

/// Where the domain has no records: the transport asked for; UDP for SIP, TLS for SIPS (RFC 3263 4.1).
std::optional<Protocol> Search::standard_protocol() const {
  if (query_.transport) return may_use(*query_.transport) ? query_.transport : std::nullopt;
  const auto usual = query_.secure ? Protocol::tls : Protocol::udp;
  if (may_use(usual)) return usual;
  const auto other = std::ranges::find_if(abilities_.protocols, [&](Protocol each) { return may_use(each); });
  return other == abilities_.protocols.end() ? std::nullopt : std::optional(*other);
}

void Search::start() {
  const auto protocol = standard_protocol();
  if (!protocol) return end(Errc::no_transport);
  if (const auto ips = known_addresses(query_.host); !ips.empty()) return end(ips, *protocol);
  if (is_in(query_.host, "invalid") || query_.host.size() > max_name) return end(Errc::no_address);
  if (query_.port) {
    endpoints_.push_back({*protocol, query_.host, *query_.port});
    return ask_addresses();
  }
  if (query_.transport) {
    choose_services();
    while (open_.empty() && !is_done()) next_stage();  // names too long to ask for
    return;
  }
  const Question question{query_.host, Type::naptr};
  ask(question, question);
}

void Search::ask(Question question, const Question& root, std::size_t aliases) {
  if (asked_ >= max_questions || question.name.empty() || question.name.size() > max_name) return;
  const bool is_open =
      std::ranges::any_of(open_, [&](const Open& each) { return each.question == question; });
  open_.push_back({question, root, aliases});
  if (is_open) return;
  asked_++;
  to_ask_.push_back(std::move(question));
}

void Search::on_answer(const Question& question, const Answer& answer) {
  any_answer_ |= answer.kind != Answer::Kind::failed;
  std::vector<Open> answered;
  std::erase_if(open_, [&](const Open& each) {
    const bool is_it = each.question == question;
    if (is_it) answered.push_back(each);
    return is_it;
  });
  if (answered.empty()) return;
  for (const Open& each : answered) {
    if (answer.alias.empty()) {
      take(each.root, answer);
    } else if (each.aliases < max_aliases) {
      ask({answer.alias, question.type}, each.root, each.aliases + 1);
    }
  }
  while (open_.empty() && !is_done()) next_stage();
}

void Search::give_up() {
  while (!is_done()) {
    open_.clear();
    next_stage();
  }
  to_ask_.clear();
}

void Search::take(const Question& root, const Answer& answer) {
  switch (root.type) {
    case Type::naptr:
      pointers_ = in_order(answer.pointers);
      return;
    case Type::srv:
      for (Service& service : services_) {
        if (service.name != root.name) continue;
        service.records = in_order(answer.services, random_);
        service.refused = service.records.size() == 1 && service.records.front().target.empty();
      }
      return;
    case Type::a:
    case Type::aaaa:
      for (Host& host : hosts_) {
        if (host.name == root.name) (root.type == Type::a ? host.v4 : host.v6) = answer.addresses;
      }
      return;
  }
}

void Search::next_stage() {
  switch (stage_) {
    case Stage::pointers:
      return choose_services();
    case Stage::services:
      return choose_endpoints();
    case Stage::addresses:
      return finish();
    case Stage::done:
      return;
  }
}

void Search::choose_services() {
  stage_ = Stage::services;
  choose_pointed_services();
  is_pointed_ = !services_.empty();
  if (!is_pointed_) {
    for (const Protocol protocol : abilities_.protocols) {
      const bool wanted = !query_.transport || *query_.transport == protocol;
      const auto label = service_label(protocol);
      if (wanted && may_use(protocol) && !label.empty())
        add_service(protocol, std::string(label) + query_.host);
    }
  }
  for (const Service& service : std::vector(services_)) {
    const Question question{service.name, Type::srv};
    ask(question, question);
  }
}

/// "A client resolving a SIPS URI MUST discard any services that do not contain "SIPS" [...] a client MUST
/// discard any service fields that identify a resolution service whose value is not "D2X", for values of X
/// that indicate transport protocols supported by the client" (RFC 3263 4.1).
void Search::choose_pointed_services() {
  for (const Naptr& pointer : pointers_) {
    const auto protocol = protocol_of(pointer.service);
    if (!protocol || !may_use(*protocol)) continue;
    if (!iequals(pointer.flags, "s") || !pointer.regexp.empty() || pointer.replacement.empty()) continue;
    add_service(*protocol, pointer.replacement);
  }
}

void Search::add_service(Protocol protocol, std::string name) {
  const bool known = std::ranges::any_of(services_, [&](const Service& each) { return each.name == name; });
  if (!known && services_.size() < max_hosts) services_.push_back({protocol, std::move(name)});
}

void Search::choose_endpoints() {
  bool refused = false;
  for (const Service& service : services_) {
    refused |= service.refused;
    for (const Srv& record : service.records) {
      if (record.target.empty() || endpoints_.size() >= max_hops) continue;
      endpoints_.push_back({service.protocol, record.target, record.port});
    }
  }
  if (endpoints_.empty()) {
    // "If no SRV records were found, the client performs an A or AAAA record lookup of the domain name"
    // (4.2).
    if (refused) return end(Errc::no_service);
    const Protocol protocol = is_pointed_ ? services_.front().protocol : *standard_protocol();
    endpoints_.push_back({protocol, query_.host, default_port(protocol)});
  }
  ask_addresses();
}

void Search::ask_addresses() {
  stage_ = Stage::addresses;
  for (const Endpoint& endpoint : endpoints_) {
    const bool known =
        std::ranges::any_of(hosts_, [&](const Host& host) { return host.name == endpoint.host; });
    if (known || hosts_.size() >= max_hosts) continue;
    Host host{.name = endpoint.host};
    // COMPAT: an address where RFC 2782 wants a name ("the target MUST have one or more address records").
    for (const IpAddress& ip : known_addresses(endpoint.host))
      (ip.family == IpAddress::Family::v4 ? host.v4 : host.v6).push_back(ip);
    const bool ask_dns = host.v4.empty() && host.v6.empty();
    hosts_.push_back(std::move(host));
    if (!ask_dns) continue;
    for (const auto& [able, type] : {std::pair{abilities_.ipv6, Type::aaaa}, {abilities_.ipv4, Type::a}}) {
      const Question question{endpoint.host, type};
      if (able) ask(question, question);
    }
  }
  while (open_.empty() && !is_done()) next_stage();
}

/// Of a host with both, IPv6 is tried first, as RFC 7984 4.2 has it where both ends have it.
void Search::finish() {
  std::vector<Hop> hops;
  for (const Endpoint& endpoint : endpoints_) {
    const auto host =
        std::ranges::find_if(hosts_, [&](const Host& each) { return each.name == endpoint.host; });
    if (host == hosts_.end()) continue;
    for (const auto& [able, ips] : {std::pair{abilities_.ipv6, &host->v6}, {abilities_.ipv4, &host->v4}}) {
      for (const IpAddress& ip : *ips) {
        if (!able || hops.size() >= max_hops) continue;
        const Hop hop = hop_to(endpoint.protocol, ip, endpoint.port);
        if (can_be_server(hop.remote) && std::ranges::find(hops, hop) == hops.end()) hops.push_back(hop);
      }
    }
  }
  if (hops.empty()) return end(any_answer_ ? Errc::no_address : Errc::no_answer);
  result_ = std::move(hops);
  stage_ = Stage::done;
}

void Search::end(Errc why) {
  result_ = ErrorCode(why);
  stage_ = Stage::done;
}

void Search::end(const std::vector<IpAddress>& ips, Protocol protocol) {
  std::vector<Hop> hops;
  for (const IpAddress& ip : ips) {
    const Hop hop = hop_to(protocol, ip, query_.port.value_or(default_port(protocol)));
    if (can_be_server(hop.remote)) hops.push_back(hop);
  }
  if (hops.empty()) return end(Errc::no_address);
  result_ = std::move(hops);
  stage_ = Stage::done;
}

/// The name for the certificate is the one we were given, not one that the DNS led to (RFC 3263 8, RFC 5922
/// 7.1).
Hop Search::hop_to(Protocol protocol, const IpAddress& ip, std::uint16_t port) const {
  Hop hop{.protocol = protocol, .remote = {ip, port}, .local = {}};
  if (!transaction::is_secure(protocol)) return hop;
  const std::string& name = query_.name.empty() ? query_.host : query_.name;
  if (!parse_ip(name)) hop.name = name;
  return hop;
}

namespace {

/// For searches that end at once, and so draw no random numbers.
class NoRandom final : public Random {
  void fill(std::span<std::uint8_t> out) override { std::ranges::fill(out, std::uint8_t{0}); }
};

}  // namespace

std::optional<Result<std::vector<Hop>>> find_without_dns(const Query& query, const Abilities& abilities) {
  NoRandom random;
  const Search search(query, abilities, random);
  return search.is_done() ? std::optional(search.result()) : std::nullopt;
}

}  // namespace beckon::locate
