#include "protocol/transaction/response_route.hpp"

#include <doctest/doctest.h>

using namespace beckon;
using namespace beckon::transaction;
using Next = ResponseRoute::Next;

namespace {

constexpr std::string_view outside = "198.51.100.9:40000";

Hop from(Protocol protocol, std::string_view remote) {
  return {.protocol = protocol,
          .remote = *parse_address(remote),
          .local = *parse_address("203.0.113.1:5060"),
          .flow = is_reliable(protocol) ? FlowId{7} : FlowId{0}};
}

std::vector<Hop> found(Protocol protocol, const std::vector<std::string>& remotes) {
  std::vector<Hop> hops;
  for (const auto& remote : remotes)
    hops.push_back({.protocol = protocol, .remote = *parse_address(remote), .local = {}});
  return hops;
}

std::string text(const Hop& hop) {
  std::string out = hop.flow != 0 ? "flow" : print(hop.remote);
  if (!hop.name.empty() && hop.flow == 0) out += '=' + hop.name;
  return out;
}

/// Every hop in turn, each of which fails; "?" where the sent-by is looked up.
std::string walk(ResponseRoute route, const std::vector<Hop>& hops) {
  std::string out = text(route.hop());
  for (Next next = route.on_failed(); next != Next::give_up;) {
    out += next == Next::locate ? " ?" : ' ' + text(route.hop());
    next = next == Next::locate ? route.on_located(hops) : route.on_failed();
  }
  return out;
}

}  // namespace

TEST_CASE(
    "a response that fails goes on: the source, its sent-by port, where the sent-by leads (RFC 3263 5)") {
  struct Row {
    std::string_view via;
    Protocol protocol;
    std::string_view source;
    std::vector<std::string> located;
    std::string_view tried;
  };
  const Row rows[] = {
      {"TCP pc.example.org:5099",
       Protocol::tcp,
       outside,
       {"203.0.113.5:5099", "203.0.113.6:5099"},
       "flow 198.51.100.9:5099 ? 203.0.113.5:5099 203.0.113.6:5099"},
      {"TCP pc.example.org",
       Protocol::tcp,
       outside,
       {"203.0.113.5:5080"},
       "flow 198.51.100.9:5060 ? 203.0.113.5:5080"},
      {"TLS pc.example.org",
       Protocol::tls,
       outside,
       {"203.0.113.5:5061"},
       "flow 198.51.100.9:5061=pc.example.org ? 203.0.113.5:5061"},
      {"TCP pc.example.org", Protocol::tcp, outside, {}, "flow 198.51.100.9:5060 ?"},
      // UDP has no connection to make anew.
      {"UDP pc.example.org;rport",
       Protocol::udp,
       outside,
       {"203.0.113.5:5060"},
       "198.51.100.9:40000 ? 203.0.113.5:5060"},
      // The sent-by is where it was sent: nothing is looked up.
      {"UDP 198.51.100.9:40000", Protocol::udp, outside, {}, "198.51.100.9:40000"},
      {"UDP 198.51.100.9", Protocol::udp, "198.51.100.9:5060", {}, "198.51.100.9:5060"},
      {"UDP 198.51.100.9:5062;rport",
       Protocol::udp,
       outside,
       {"198.51.100.9:5062"},
       "198.51.100.9:40000 ? 198.51.100.9:5062"},
      // Nor where it leads nowhere: the private address of a phone behind a NAT.
      {"UDP 10.0.0.5:5062;rport", Protocol::udp, outside, {}, "198.51.100.9:40000"},
      {"TCP 127.0.0.1:5062", Protocol::tcp, outside, {}, "flow 198.51.100.9:5062"},
      // What was tried is not tried again; nor are more than four.
      {"TCP 198.51.100.9:5099", Protocol::tcp, outside, {}, "flow 198.51.100.9:5099"},
      {"TCP pc.example.org:5099",
       Protocol::tcp,
       outside,
       {"198.51.100.9:5099", "203.0.113.5:5099"},
       "flow 198.51.100.9:5099 ? 203.0.113.5:5099"},
      {"TCP pc.example.org",
       Protocol::tcp,
       outside,
       {"203.0.113.1:1", "203.0.113.2:1", "203.0.113.3:1", "203.0.113.4:1", "203.0.113.5:1"},
       "flow 198.51.100.9:5060 ? 203.0.113.1:1 203.0.113.2:1 203.0.113.3:1 203.0.113.4:1"},
      // A WebSocket cannot be dialled (RFC 7118 5).
      {"WSS df7jal23ls0d.invalid", Protocol::wss, outside, {}, "flow"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.via);
    const std::string text_of_via = "SIP/2.0/" + std::string(row.via) + ";branch=z9hG4bKa";
    const auto via = sip::view_via(text_of_via);
    REQUIRE(via.has_value());
    CHECK(walk(ResponseRoute(from(row.protocol, row.source), *via, true), found(row.protocol, row.located)) ==
          row.tried);
  }
}

TEST_CASE("a sender cannot direct responses into a network that it is not in") {
  struct Row {
    std::string_view source;
    std::string target;
    bool tried;
  };
  const Row rows[] = {
      {outside, "203.0.113.5:5060", true},
      {outside, "[2001:db8::5]:5060", true},
      {outside, "127.0.0.1:5060", false},
      {outside, "0.0.0.0:5060", false},
      {outside, "10.1.2.3:5060", false},
      {outside, "172.31.0.1:5060", false},
      {outside, "172.32.0.1:5060", true},
      {outside, "192.168.0.1:5060", false},
      {outside, "100.64.0.1:5060", false},
      {outside, "169.254.169.254:80", false},
      {outside, "239.1.2.3:5060", false},
      {outside, "[::1]:5060", false},
      {outside, "[::]:5060", false},
      {outside, "[::ffff:127.0.0.1]:5060", false},
      {outside, "[::ffff:10.0.0.1]:5060", false},
      {outside, "[::127.0.0.1]:5060", false},
      {outside, "[fd00::1]:5060", false},
      {outside, "[fe80::1]:5060", false},
      {outside, "203.0.113.5:0", false},
      {"[2001:db8::9]:40000", "10.1.2.3:5060", false},
      {"10.0.0.1:40000", "10.1.2.3:5060", true},
      {"10.0.0.1:40000", "203.0.113.5:5060", true},
      {"10.0.0.1:40000", "127.0.0.1:5060", false},
      {"10.0.0.1:40000", "[::ffff:127.0.0.1]:5060", false},
      {"127.0.0.1:40000", "127.0.0.2:5061", true},
      {"127.0.0.1:40000", "10.1.2.3:5060", true},
  };
  const auto via = sip::view_via("SIP/2.0/TCP pc.example.org:5099;branch=z9hG4bKa");
  for (const Row& row : rows) {
    CAPTURE(row.source);
    CAPTURE(row.target);
    ResponseRoute route(from(Protocol::tcp, row.source), *via, true);
    CHECK(route.on_failed() == Next::send);
    CHECK(route.on_failed() == Next::locate);
    CHECK((route.on_located(found(Protocol::tcp, {row.target})) == Next::send) == row.tried);
  }
}

TEST_CASE("a response keeps its transport: TLS is not given up for TCP (RFC 3263 5)") {
  const auto via = sip::view_via("SIP/2.0/TLS pc.example.org;branch=z9hG4bKa");
  CHECK(walk(ResponseRoute(from(Protocol::tls, outside), *via, true),
             found(Protocol::tcp, {"203.0.113.5:5060"})) == "flow 198.51.100.9:5061=pc.example.org ?");
}

TEST_CASE("without a locator the address of the source is the last that is tried") {
  const auto via = sip::view_via("SIP/2.0/TCP pc.example.org:5099;branch=z9hG4bKa");
  CHECK(walk(ResponseRoute(from(Protocol::tcp, outside), *via, false), {}) == "flow 198.51.100.9:5099");
  CHECK(walk(ResponseRoute(from(Protocol::udp, outside), *via, false), {}) == "198.51.100.9:40000");
}

TEST_CASE("later responses follow the route of the first, and start over when that failed") {
  const auto via = sip::view_via("SIP/2.0/UDP pc.example.org:5099;branch=z9hG4bKa");
  ResponseRoute route(from(Protocol::udp, outside), *via, true);
  CHECK(route.has_more());
  CHECK(route.on_failed() == Next::locate);
  CHECK(route.has_more());
  CHECK(route.on_located(found(Protocol::udp, {"203.0.113.5:5099"})) == Next::send);
  CHECK(text(route.hop()) == "203.0.113.5:5099");
  CHECK(route.hop().local == *parse_address("203.0.113.1:5060"));
  CHECK_FALSE(route.has_more());
  CHECK(route.on_failed() == Next::give_up);
  CHECK(text(route.hop()) == outside);
  CHECK(route.has_more());
}

TEST_CASE("a response that must go back to the source is tried nowhere else") {
  const auto via = sip::view_via("SIP/2.0/TCP pc.example.org:5099;branch=z9hG4bKa");
  ResponseRoute route(from(Protocol::tcp, outside), *via, true);
  route.keep_to_source();
  CHECK_FALSE(route.has_more());
  CHECK(walk(route, {}) == "flow");
}
