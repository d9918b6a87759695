#include "server/shard/peering.hpp"

#include <doctest/doctest.h>

#include "tests/support/log_lines.hpp"

using namespace beckon;
using namespace beckon::server;

namespace {

Settings settings(std::vector<std::string> domains = {"example.net"}) {
  Settings made;
  made.domains = {"example.org"};
  made.federation.domains = std::move(domains);
  made.federation.requests_per_second = 1;
  made.federation.requests_burst = 2;
  return made;
}

transaction::Hop hop(transaction::FlowId flow, transaction::Protocol protocol = transaction::Protocol::tls) {
  return {.protocol = protocol, .remote = *parse_address("198.51.100.1:4711"), .local = {}, .flow = flow};
}

struct Gate {
  explicit Gate(Settings its_settings = settings()) : chosen(std::move(its_settings)) {
    peering.set(chosen.federation);
  }
  bool admits(const transaction::Hop& from, std::string_view domain) {
    said = test::lines_of([&] { refusal = peering.refusal_of(from, domain, chosen, now); });
    return !refusal;
  }
  bool has_said(std::string_view text) const { return said.find(text) != std::string::npos; }

  Settings chosen;
  SeededRandom random{1};
  Peering peering{random};
  Time now{};
  std::optional<std::string_view> refusal;
  std::string said;
};

}  // namespace

TEST_CASE(
    "users of a domain come from connections whose certificate is for it, where it is listed (RFC 5922 "
    "7.4)") {
  Gate gate;
  gate.peering.on_verified(7, {"Example.NET", "sip.example.net"});
  CHECK(gate.admits(hop(7), "example.net"));
  CHECK(gate.said.empty());

  SUBCASE("another connection") {
    CHECK_FALSE(gate.admits(hop(8), "example.net"));
    CHECK(gate.has_said(
        "198.51.100.1:4711 refused for a user of example.net: the connection has no trusted certificate"));
  }
  SUBCASE("no connection") {
    CHECK_FALSE(gate.admits(hop(0, transaction::Protocol::udp), "example.net"));
    CHECK(gate.has_said("nothing proves a domain over UDP"));
  }
  SUBCASE("another name of the certificate, a part of it, or a wildcard (RFC 5922 7.2)") {
    gate = Gate(settings({"*"}));
    gate.peering.on_verified(7, {"sip.example.net", "*.example.com"});
    for (const char* domain : {"example.net", "net", "a.example.com"})
      CHECK_FALSE(gate.admits(hop(7), domain));
    CHECK(gate.has_said("the certificate of the connection is for sip.example.net, *.example.com"));
    CHECK(gate.admits(hop(7), "sip.example.net"));
  }
  SUBCASE("a domain that is not listed") {
    gate.peering.on_verified(9, {"example.com"});
    CHECK_FALSE(gate.admits(hop(9), "example.com"));
    CHECK(*gate.refusal == "Domain Not Admitted Here");
    CHECK(gate.has_said("not among federation.domains"));
  }
  SUBCASE("a connection that has closed") {
    gate.peering.on_closed(7);
    CHECK(gate.peering.names(7).empty());
    CHECK_FALSE(gate.admits(hop(7), "example.net"));
  }
}

TEST_CASE("no domain is admitted unless it is listed") {
  Gate gate{settings({})};
  gate.peering.on_verified(7, {"example.net"});
  CHECK_FALSE(gate.admits(hop(7), "example.net"));
}

TEST_CASE(
    "a server of another domain is known by its first listed name; one with a name of ours is our own") {
  Gate gate;
  gate.peering.on_verified(7, {"sip.example.net", "example.net"});
  gate.peering.on_verified(8, {"example.net", "example.org"});
  CHECK(gate.peering.domain_of(7, gate.chosen) == "example.net");
  CHECK(gate.peering.domain_of(8, gate.chosen).empty());
  CHECK(gate.peering.domain_of(9, gate.chosen).empty());
}

TEST_CASE("refusals are logged once a second for each source over TLS, for all others together") {
  Gate gate;
  const auto lines = [&](const transaction::Hop& from) {
    int count = 0;
    for (int i = 0; i < 100; ++i) {
      gate.admits(from, "example.net");
      count += gate.said.empty() ? 0 : 1;
    }
    return count;
  };
  CHECK(lines(hop(7)) == 16);
  transaction::Hop other = hop(8);
  other.remote = *parse_address("198.51.100.2:4711");
  CHECK(lines(other) == 16);
  CHECK(lines(hop(0, transaction::Protocol::udp)) == 16);
  other.protocol = transaction::Protocol::tcp;
  CHECK(lines(other) == 0);
  gate.now += 1s;
  CHECK(lines(other) == 1);
}

TEST_CASE("each domain has a rate of its own") {
  Gate gate;
  using Verdict = RateLimit::Verdict;
  CHECK(gate.peering.take("example.net", gate.now) == Verdict::pass);
  CHECK(gate.peering.take("example.net", gate.now) == Verdict::pass);
  CHECK(gate.peering.take("example.net", gate.now) == Verdict::first_over);
  CHECK(gate.peering.take("example.net", gate.now) == Verdict::over);
  CHECK(gate.peering.take("example.com", gate.now) == Verdict::pass);
  gate.now += 1s;
  CHECK(gate.peering.take("example.net", gate.now) == Verdict::pass);
}
