#include "protocol/locate/search.hpp"

#include <doctest/doctest.h>

#include <map>

#include "protocol/base/text.hpp"
#include "tests/protocol/locate/zone.hpp"

using namespace beckon;
using namespace beckon::locate;
using namespace beckon::locate::test;
using transaction::Hop;
using transaction::Protocol;

namespace {

/// Runs a search against a table to its end; what it asked stands in `asked`, one stage a line.
struct Run {
  std::map<Question, Answer> zone;
  std::string asked;
  std::size_t questions = 0;

  Result<std::vector<Hop>> operator()(const Query& query, const Abilities& abilities = {}) {
    asked.clear();
    questions = 0;
    SeededRandom random(5);
    Search search(query, abilities, random);
    while (!search.is_done()) {
      const auto now = search.take_questions();
      REQUIRE_FALSE(now.empty());
      for (const Question& question : now) {
        questions++;
        asked += std::string(to_string(question.type)) + ' ' + question.name + ';';
      }
      asked += '\n';
      for (const Question& question : now) {
        const auto found = zone.find(question);
        search.on_answer(question,
                         found != zone.end() ? found->second : Answer{.kind = Answer::Kind::no_name});
      }
    }
    return search.result();
  }
  std::string text(const Query& query, const Abilities& abilities = {}) {
    const auto hops = (*this)(query, abilities);
    if (!hops) return hops.error().message();
    std::string out;
    for (const Hop& hop : *hops) {
      if (!out.empty()) out += ' ';
      out += to_lower(transaction::via_name(hop.protocol)) + ':' + print(hop.remote);
      if (!hop.name.empty()) out += '=' + hop.name;
    }
    return out;
  }
};

/// RFC 3263 4.1: the records of its example.
Run example_com() {
  Run run;
  run.zone[{"example.com", Type::naptr}] = pointers({{50, 50, "s", "SIPS+D2T", "", "_sips._tcp.example.com"},
                                                     {90, 50, "s", "SIP+D2T", "", "_sip._tcp.example.com"},
                                                     {100, 50, "s", "SIP+D2U", "", "_sip._udp.example.com"}});
  run.zone[{"_sip._tcp.example.com", Type::srv}] =
      services({{0, 1, 5060, "server1.example.com"}, {0, 2, 5060, "server2.example.com"}});
  run.zone[{"server1.example.com", Type::a}] = addresses({"192.0.2.1"});
  run.zone[{"server2.example.com", Type::a}] = addresses({"192.0.2.2"});
  return run;
}

constexpr auto v4_only = [](std::vector<Protocol> protocols) {
  return Abilities{.protocols = std::move(protocols), .ipv4 = true, .ipv6 = false};
};

}  // namespace

TEST_CASE("the example of RFC 3263 4.1: a client with TCP and UDP takes the NAPTR of TCP, and its SRV") {
  Run run = example_com();
  const auto hops = run.text({.host = "example.com"}, v4_only({Protocol::udp, Protocol::tcp}));
  CHECK((hops == "tcp:192.0.2.1:5060 tcp:192.0.2.2:5060" || hops == "tcp:192.0.2.2:5060 tcp:192.0.2.1:5060"));
  CHECK(run.asked.starts_with("NAPTR example.com;\nSRV _sip._tcp.example.com;SRV _sip._udp.example.com;\n"));
}

TEST_CASE("the domain's order decides, not the client's; later transports are the fallback") {
  Run run = example_com();
  run.zone[{"_sip._udp.example.com", Type::srv}] = services({{0, 0, 5090, "server1.example.com"}});
  run.zone[{"_sip._tcp.example.com", Type::srv}] = services({{0, 0, 5060, "server1.example.com"}});
  CHECK(run.text({.host = "example.com"}, v4_only({Protocol::udp, Protocol::tcp})) ==
        "tcp:192.0.2.1:5060 udp:192.0.2.1:5090");
}

TEST_CASE("SIPS takes services with SIPS only, and the certificate must name the domain (RFC 3263 4.1, 8)") {
  Run run = example_com();
  run.zone[{"_sips._tcp.example.com", Type::srv}] = services({{0, 0, 5061, "host.provider.net"}});
  run.zone[{"host.provider.net", Type::a}] = addresses({"192.0.2.9"});
  CHECK(run.text({.host = "example.com", .secure = true}, v4_only({Protocol::tls, Protocol::udp})) ==
        "tls:192.0.2.9:5061=example.com");
  CHECK(run.asked == "NAPTR example.com;\nSRV _sips._tcp.example.com;\nA host.provider.net;\n");
  CHECK(run.text({.host = "example.com", .secure = true}, v4_only({Protocol::udp})) ==
        "no transport for this URI");
}

TEST_CASE("NAPTR records of unusable services are ignored (RFC 3263 4.1)") {
  Run run;
  run.zone[{"example.com", Type::naptr}] = pointers({{1, 1, "u", "SIP+D2U", "!^.*$!sip:x@evil.example!", ""},
                                                     {2, 1, "s", "SIP+D2S", "", "_sip._sctp.example.com"},
                                                     {3, 1, "a", "SIP+D2U", "", "host.example.com"},
                                                     {4, 1, "s", "E2U+sip", "", "_sip._udp.example.com"},
                                                     {5, 1, "S", "sip+d2u", "", "_sip._udp.other.example"}});
  run.zone[{"_sip._udp.other.example", Type::srv}] = services({{0, 0, 5062, "host.other.example"}});
  run.zone[{"host.other.example", Type::a}] = addresses({"192.0.2.4"});
  CHECK(run.text({.host = "example.com"}, v4_only({Protocol::tcp, Protocol::udp})) == "udp:192.0.2.4:5062");
}

TEST_CASE(
    "WebSocket services are used where WebSocket can be dialled, and ignored elsewhere (RFC 7118 5.5, RFC "
    "3263 4.1)") {
  const auto server = v4_only({Protocol::tls, Protocol::tcp, Protocol::udp});
  const auto browser = v4_only({Protocol::wss, Protocol::ws});
  const Naptr ws{10, 1, "s", "SIP+D2W", "", "_sip._ws.example.com"};
  const Naptr wss{20, 1, "s", "sips+d2w", "", "_sips._ws.example.com"};
  const Naptr udp{30, 1, "s", "SIP+D2U", "", "_sip._udp.example.com"};
  struct Row {
    std::string_view what;
    std::vector<Naptr> pointers;
    bool has_services;
    Abilities able;
    bool secure;
    std::string_view hops;
  };
  const Row rows[] = {
      {"a client without WebSocket takes the next",
       {ws, wss, udp},
       true,
       server,
       false,
       "udp:192.0.2.1:5066"},
      {"one that has it goes by the domain's order",
       {ws, wss, udp},
       true,
       browser,
       false,
       "ws:192.0.2.1:8080 wss:192.0.2.1:8443=example.com"},
      {"SIPS leaves the secure one", {ws, wss, udp}, true, browser, true, "wss:192.0.2.1:8443=example.com"},
      {"WebSocket alone: as if there were no NAPTR", {ws, wss}, true, server, false, "udp:192.0.2.1:5066"},
      {"and no SRV: UDP", {ws, wss}, false, server, false, "udp:192.0.2.9:5060"},
      {"its port without SRV is HTTP's", {ws, udp}, false, browser, false, "ws:192.0.2.9:80"},
      {"and HTTPS's", {wss}, false, browser, true, "wss:192.0.2.9:443=example.com"},
      {"neither NAPTR nor a transport to guess", {}, false, browser, true, "wss:192.0.2.9:443=example.com"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.what);
    Run run;
    run.zone[{"example.com", Type::naptr}] = pointers(row.pointers);
    run.zone[{"example.com", Type::a}] = addresses({"192.0.2.9"});
    run.zone[{"host.example.com", Type::a}] = addresses({"192.0.2.1"});
    if (row.has_services) {
      run.zone[{"_sip._ws.example.com", Type::srv}] = services({{0, 0, 8080, "host.example.com"}});
      run.zone[{"_sips._ws.example.com", Type::srv}] = services({{0, 0, 8443, "host.example.com"}});
      run.zone[{"_sip._udp.example.com", Type::srv}] = services({{0, 0, 5066, "host.example.com"}});
    }
    CHECK(run.text({.host = "example.com", .secure = row.secure}, row.able) == row.hops);
    CHECK(run.asked.find("SRV example.com;") == std::string::npos);
  }
}

TEST_CASE(
    "without NAPTR the SRV of each supported transport is queried, in the client's order (RFC 3263 4.1)") {
  Run run;
  run.zone[{"_sips._tcp.example.com", Type::srv}] = services({{0, 0, 5061, "tls.example.com"}});
  run.zone[{"_sip._udp.example.com", Type::srv}] = services({{0, 0, 5060, "udp.example.com"}});
  run.zone[{"tls.example.com", Type::a}] = addresses({"192.0.2.1"});
  run.zone[{"udp.example.com", Type::a}] = addresses({"192.0.2.2"});
  const auto all = v4_only({Protocol::tls, Protocol::tcp, Protocol::udp});
  CHECK(run.text({.host = "example.com"}, all) == "tls:192.0.2.1:5061=example.com udp:192.0.2.2:5060");
  CHECK(
      run.asked ==
      "NAPTR example.com;\nSRV _sips._tcp.example.com;SRV _sip._tcp.example.com;SRV _sip._udp.example.com;\n"
      "A tls.example.com;A udp.example.com;\n");
}

TEST_CASE("without NAPTR and SRV it is UDP for SIP, TLS for SIPS, at the default port (RFC 3263 4.1, 4.2)") {
  Run run;
  run.zone[{"example.com", Type::a}] = addresses({"192.0.2.1"});
  run.zone[{"example.com", Type::aaaa}] = addresses({"2001:db8::1"});
  CHECK(run.text({.host = "example.com"}) == "udp:[2001:db8::1]:5060 udp:192.0.2.1:5060");
  CHECK(run.text({.host = "example.com", .secure = true}) ==
        "tls:[2001:db8::1]:5061=example.com tls:192.0.2.1:5061=example.com");
}

TEST_CASE("an address, or a port, determines the hop (RFC 3263 4.1, 4.2)") {
  Run run;
  run.zone[{"example.com", Type::a}] = addresses({"192.0.2.1"});
  const auto all = v4_only({Protocol::tls, Protocol::tcp, Protocol::udp});
  CHECK(run.text({.host = "192.0.2.7"}, all) == "udp:192.0.2.7:5060");
  CHECK(run.text({.host = "192.0.2.7", .port = 5070, .transport = Protocol::tcp}, all) ==
        "tcp:192.0.2.7:5070");
  CHECK(run.text({.host = "192.0.2.7", .secure = true}, all) == "tls:192.0.2.7:5061");
  CHECK(run.questions == 0);
  CHECK(run.text({.host = "example.com", .port = 5070}, all) == "udp:192.0.2.1:5070");
  CHECK(run.asked == "A example.com;\n");
  CHECK(run.text({.host = "example.com", .port = 5070, .secure = true}, all) ==
        "tls:192.0.2.1:5070=example.com");
}

TEST_CASE("a target of maddr is dialled, and must still be the URI's domain (RFC 5922 7.1)") {
  Run run;
  CHECK(run.text({.host = "192.0.2.7", .secure = true, .name = "example.com"}) ==
        "tls:192.0.2.7:5061=example.com");
}

TEST_CASE("a transport parameter selects that transport's SRV, else the default port (RFC 3263 4.2)") {
  Run run;
  run.zone[{"_sip._tcp.example.com", Type::srv}] = services({{0, 0, 5080, "tcp.example.com"}});
  run.zone[{"tcp.example.com", Type::a}] = addresses({"192.0.2.1"});
  run.zone[{"example.com", Type::a}] = addresses({"192.0.2.9"});
  const auto all = v4_only({Protocol::tls, Protocol::tcp, Protocol::udp});
  CHECK(run.text({.host = "example.com", .transport = Protocol::tcp}, all) == "tcp:192.0.2.1:5080");
  CHECK(run.asked == "SRV _sip._tcp.example.com;\nA tcp.example.com;\n");
  CHECK(run.text({.host = "example.com", .transport = Protocol::tls}, all) ==
        "tls:192.0.2.9:5061=example.com");
  CHECK(run.text({.host = "example.com", .transport = Protocol::udp}, v4_only({Protocol::tcp})) ==
        "no transport for this URI");
}

TEST_CASE("the target \".\" says that there is no service, and A records are not tried (RFC 2782)") {
  Run run;
  run.zone[{"_sip._udp.example.com", Type::srv}] = services({{0, 0, 0, ""}});
  run.zone[{"example.com", Type::a}] = addresses({"192.0.2.9"});
  CHECK(run.text({.host = "example.com"}, v4_only({Protocol::tcp, Protocol::udp})) ==
        "the domain has no SIP service");
}

TEST_CASE("localhost and invalid are never queried (RFC 6761 6.3, 6.4)") {
  Run run;
  CHECK(run.text({.host = "localhost"}) == "udp:127.0.0.1:5060 udp:[::1]:5060");
  CHECK(run.text({.host = "node.localhost", .port = 5061, .transport = Protocol::tls}) ==
        "tls:127.0.0.1:5061=node.localhost tls:[::1]:5061=node.localhost");
  CHECK(run.text({.host = "df7jal23ls0d.invalid"}) == "no address found");
  CHECK(run.text({.host = std::string(300, 'x')}) == "no address found");
  CHECK(run.questions == 0);
}

TEST_CASE("aliases are followed from answer to answer, and a loop of them ends") {
  Run run;
  run.zone[{"example.com", Type::a}] = alias("www.example.com");
  run.zone[{"www.example.com", Type::a}] = alias("host.example.com");
  run.zone[{"host.example.com", Type::a}] = addresses({"192.0.2.1"});
  const auto v4 = v4_only({Protocol::udp});
  CHECK(run.text({.host = "example.com", .port = 5060}, v4) == "udp:192.0.2.1:5060");
  run.zone[{"host.example.com", Type::a}] = alias("example.com");
  CHECK(run.text({.host = "example.com", .port = 5060}, v4) == "no address found");
  CHECK(run.questions <= Search::max_aliases + 1);
}

TEST_CASE("whatever the DNS says, questions and hops of one search are bounded") {
  Run run;
  std::vector<Naptr> many_pointers;
  std::vector<Srv> many_services;
  for (int i = 0; i < 32; ++i) {
    const std::string number = std::to_string(i);
    many_pointers.push_back({1, 1, "s", "SIP+D2U", "", "s" + number + ".example.com"});
    many_services.push_back({1, 1, 5060, "h" + number + ".example.com"});
    run.zone[{"h" + number + ".example.com", Type::a}] =
        addresses(std::vector<std::string>(32, "192.0.2." + number));
    run.zone[{"h" + number + ".example.com", Type::aaaa}] = alias("h" + number + ".example.com");
  }
  run.zone[{"example.com", Type::naptr}] = pointers(many_pointers);
  for (int i = 0; i < 32; ++i)
    run.zone[{"s" + std::to_string(i) + ".example.com", Type::srv}] = services(many_services);
  const auto hops = run({.host = "example.com"});
  REQUIRE(hops.has_value());
  CHECK(hops->size() <= Search::max_hops);
  CHECK(run.questions <= Search::max_questions);
}

TEST_CASE("addresses that no server can have are left out") {
  Run run;
  run.zone[{"example.com", Type::a}] = addresses({"0.0.0.0", "224.0.0.1", "192.0.2.1"});
  CHECK(run.text({.host = "example.com", .port = 5060}, v4_only({Protocol::udp})) == "udp:192.0.2.1:5060");
  for (const char* literal : {"0.0.0.0", "224.0.0.1", "::", "ff02::1", "::ffff:0.0.0.0"}) {
    CAPTURE(literal);
    CHECK(run.text({.host = literal}) == "no address found");
  }
  CHECK(run.text({.host = "192.0.2.1", .port = std::uint16_t{0}}) == "no address found");
}

TEST_CASE("an abandoned search ends with the hosts it has resolved") {
  SeededRandom random(5);
  const Abilities v4 = v4_only({Protocol::udp});
  SUBCASE("nothing: no answer") {
    Search search({.host = "example.com"}, v4, random);
    search.give_up();
    REQUIRE(search.is_done());
    CHECK(search.result().error() == Errc::no_answer);
    CHECK(search.take_questions().empty());
  }
  SUBCASE("one of two hosts") {
    Search search({.host = "example.com", .transport = Protocol::udp}, v4, random);
    search.on_answer({"_sip._udp.example.com", Type::srv},
                     services({{1, 0, 5060, "slow.example.com"}, {2, 0, 5060, "fast.example.com"}}));
    search.on_answer({"fast.example.com", Type::a}, addresses({"192.0.2.2"}));
    CHECK_FALSE(search.is_done());
    search.give_up();
    REQUIRE(search.result().has_value());
    CHECK(search.result()->size() == 1);
  }
}

TEST_CASE("a name too long for a service prefix is looked up by its addresses at once") {
  const std::string label(60, 'a');
  const std::string host = label + '.' + label + '.' + label + '.' + label + ".org";
  REQUIRE(host.size() == 247);
  Run run;
  run.zone[{host, Type::a}] = addresses({"192.0.2.1"});
  CHECK(run.text({.host = host, .transport = Protocol::tcp}, v4_only({Protocol::tcp})) ==
        "tcp:192.0.2.1:5060");
}
