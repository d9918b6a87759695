#include "server/proxy/next_hop.hpp"

#include <doctest/doctest.h>

using namespace beckon;
using namespace beckon::server;
using namespace beckon::server::proxy;
using transaction::Hop;
using transaction::Protocol;

namespace {

const locate::Abilities all;

}  // namespace

TEST_CASE(
    "a URI's hop has its transport and default port; a URI that only a flow reaches has none (RFC 3261 "
    "19.1.1, 26.2.2)") {
  struct Row {
    const char* uri;
    std::optional<Protocol> protocol;
    std::uint16_t port;
  };
  const Row rows[] = {
      {"sip:192.0.2.1", Protocol::udp, 5060},
      {"sip:192.0.2.1:5070;transport=TCP", Protocol::tcp, 5070},
      {"sip:192.0.2.1;transport=tls", Protocol::tls, 5061},
      {"sip:[2001:db8::1]", Protocol::udp, 5060},
      {"sips:192.0.2.1", Protocol::tls, 5061},
      {"sips:192.0.2.1;transport=tcp", Protocol::tls, 5061},
      {"sips:192.0.2.1;transport=udp", std::nullopt, 0},
      {"sip:192.0.2.1;transport=ws", std::nullopt, 0},
      {"sip:df7jal23ls0d.invalid;transport=ws", std::nullopt, 0},
  };
  for (const Row& row : rows) {
    CAPTURE(row.uri);
    const auto to = destination_of(*sip::parse_uri(row.uri), all, *parse_ip("192.0.2.9"));
    REQUIRE(to.has_value() == row.protocol.has_value());
    if (!to) continue;
    CHECK_FALSE(to->query.has_value());
    REQUIRE(to->hops.size() == 1);
    CHECK(to->hops.front().protocol == *row.protocol);
    CHECK(to->hops.front().remote.port == row.port);
  }
}

TEST_CASE(
    "a binding is reached down its flow, by its Path, at its contact, or where its REGISTER came from") {
  const Address behind_nat = *parse_address("192.0.2.9:40000");
  const Address ours = *parse_address("192.0.2.1:5060");
  const Hop udp{.protocol = Protocol::udp, .remote = behind_nat, .local = ours, .flow = 0};
  const Hop tcp{.protocol = Protocol::tcp, .remote = behind_nat, .local = ours, .flow = 5};
  struct Row {
    const char* name;
    registrar::Binding binding;
    Address remote;
  };
  const auto binding = [](const Hop& received, const std::string& contact, const std::string& path,
                          std::uint32_t reg_id) {
    registrar::Binding made({.contact = contact, .path = path});
    made.set_received(received);
    made.reg_id = reg_id;
    return made;
  };
  const Row rows[] = {
      {"a connection wins", binding(tcp, "sip:a@10.0.0.1", "<sip:192.0.2.3;lr>", 0), behind_nat},
      {"a contact at the address it came from", binding(udp, "sip:a@192.0.2.9:5070", "", 0),
       *parse_address("192.0.2.9:5070")},
      {"a contact behind a NAT (RFC 3581)", binding(udp, "sip:a@10.0.0.1", "", 0), behind_nat},
      {"outbound over UDP: the flow, whatever the contact says (RFC 5626 6)",
       binding(udp, "sip:a@192.0.2.9:5070", "", 1), behind_nat},
      {"a Path or a contact on our loopback interface, from another host",
       binding(udp, "sip:a@127.0.0.1:5070", "<sip:127.0.0.1;lr>", 0), behind_nat},
      {"Path (RFC 3327)", binding(udp, "sip:a@10.0.0.1", "<sip:192.0.2.3;lr>", 0),
       *parse_address("192.0.2.3:5060")},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    const Destination to = destination_of(row.binding, all);
    CHECK_FALSE(to.query.has_value());
    REQUIRE(to.hops.size() == 1);
    CHECK(to.hops.front().remote == row.remote);
    CHECK(to.hops.front().flow == row.binding.flow());
  }
}

TEST_CASE("a SIPS request uses only a destination's secured hops, and names located as SIPS") {
  const Hop tls{.protocol = Protocol::tls, .remote = *parse_address("192.0.2.9:5061"), .local = {}};
  const Hop udp{.protocol = Protocol::udp, .remote = *parse_address("192.0.2.9:5060"), .local = {}};
  const locate::Query name{.host = "example.net"}, sips_name{.host = "example.net", .secure = true};
  const Destination mixed = secured({.query = name, .hops = {udp, tls}});
  CHECK_FALSE(mixed.query.has_value());
  CHECK(mixed.hops == std::vector{tls});
  CHECK(secured({.query = sips_name, .hops = {udp}}).query.has_value());
  CHECK(secured({.query = name, .hops = {udp}}).is_nowhere());
}
