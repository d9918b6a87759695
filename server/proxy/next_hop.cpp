#include "server/proxy/next_hop.hpp"

#include "protocol/base/text.hpp"
#include "protocol/sip/header.hpp"

namespace beckon::server::proxy {

using transaction::Hop;
using transaction::Protocol;

namespace {

constexpr std::uint16_t sip_port = 5060;
constexpr std::uint16_t sips_port = 5061;

std::optional<Protocol> protocol_of(const sip::Uri& uri) {
  const auto name = uri.parameter("transport");
  if (!name) return uri.scheme == "sips" ? Protocol::tls : Protocol::udp;
  if (iequals(*name, "udp")) return Protocol::udp;
  if (iequals(*name, "tcp")) return uri.scheme == "sips" ? Protocol::tls : Protocol::tcp;
  if (iequals(*name, "tls")) return Protocol::tls;
  return std::nullopt;
}

}  // namespace

std::optional<Hop> next_hop(const sip::Uri& uri) {
  const auto protocol = protocol_of(uri);
  if (!uri.is_sip() || !protocol) return std::nullopt;
  const auto ip = parse_ip(uri.host == "localhost" ? "127.0.0.1" : uri.host);
  if (!ip) return std::nullopt;
  const std::uint16_t port = uri.port.value_or(*protocol == Protocol::tls ? sips_port : sip_port);
  return Hop{*protocol, {*ip, port}, {}, 0};
}

namespace {

std::optional<Hop> hop_of_path(std::string_view path) {
  const auto values = sip::split_values(path);
  const auto first =
      values.empty() ? Result<sip::NameAddr>(sip::Errc::bad_value) : sip::parse_name_addr(values.front());
  return first ? next_hop(first->uri) : std::nullopt;
}

}  // namespace

Hop hop_to(const registrar::Binding& binding) {
  if (binding.received.flow != 0) return binding.received;
  if (const auto first = hop_of_path(binding.path)) return *first;
  const auto uri = sip::parse_uri(binding.contact);
  auto hop = uri ? next_hop(*uri) : std::nullopt;
  if (!hop || hop->remote.ip != binding.received.remote.ip) return binding.received;
  if (hop->protocol == binding.received.protocol) hop->local = binding.received.local;
  return *hop;
}

}  // namespace beckon::server::proxy
