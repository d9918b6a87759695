#include "server/proxy/next_hop.hpp"

#include "protocol/locate/search.hpp"
#include "protocol/sip/header.hpp"
#include "server/shard/sips.hpp"

namespace beckon::server::proxy {

using transaction::Hop;

Destination secured(Destination to) {
  std::erase_if(to.hops, [](const Hop& hop) { return !transaction::is_secure(hop.protocol); });
  if (to.query && !to.query->secure) to.query.reset();
  return to;
}

void leave_out_loopback(std::vector<Hop>& hops, const IpAddress& asker) {
  if (!asker.is_loopback()) std::erase_if(hops, [](const Hop& hop) { return hop.remote.ip.is_loopback(); });
}

std::optional<Destination> destination_of(const sip::Uri& uri, const locate::Abilities& abilities,
                                          const IpAddress& asker, bool tls_only) {
  auto query = locate::query_of(uri);
  if (!query) return std::nullopt;
  if (tls_only) {
    query->secure = true;
    if (query->transport && !transaction::is_secure(*query->transport)) query->transport.reset();
  }
  auto known = locate::find_without_dns(*query, abilities);
  if (!known) return Destination{.query = std::move(*query), .hops = {}, .asker = asker};
  if (!*known) return std::nullopt;
  leave_out_loopback(**known, asker);
  if ((*known)->empty()) return std::nullopt;
  return Destination{.query = {}, .hops = std::move(**known), .asker = asker};
}

namespace {

std::optional<Destination> destination_of_path(std::string_view path, const locate::Abilities& abilities,
                                               const IpAddress& asker) {
  const auto values = sip::split_values(path);
  const auto first = sip::parse_name_addr(values.empty() ? std::string_view{} : values.front());
  return first ? destination_of(first->uri, abilities, asker) : std::nullopt;
}

}  // namespace

std::optional<std::string> uri_toward(const std::string& contact, bool sips) {
  if (!is_sips(contact)) return sips ? std::nullopt : std::optional(contact);
  return sips ? contact : "sip:" + contact.substr(contact.find(':') + 1);
}

Destination destination_of(const registrar::Binding& binding, const locate::Abilities& abilities) {
  const Destination source{.query = {}, .hops = {binding.received()}};
  if (binding.flow() != 0) return source;
  const transaction::Hop received = binding.received();
  const IpAddress& asker = received.remote.ip;
  if (auto first = destination_of_path(binding.path(), abilities, asker)) return std::move(*first);
  if (binding.reg_id != 0) return source;  // RFC 5626 6: the flow, not the contact
  const auto uri = sip::parse_uri(binding.contact());
  auto contact = uri ? destination_of(*uri, abilities, asker) : std::nullopt;
  if (!contact) return source;
  if (contact->query) {
    contact->hops = source.hops;
    return std::move(*contact);
  }
  auto& hop = contact->hops.front();
  if (hop.remote.ip != asker) return source;
  if (hop.protocol == received.protocol) hop.local = received.local;
  return {.query = {}, .hops = {hop}};
}

}  // namespace beckon::server::proxy
