#include <algorithm>

#include "tests/server/proxy/town.hpp"

using namespace beckon;
using namespace beckon::server;
using namespace beckon::server::test;
using sip::HeaderId;

namespace {

namespace dns = locate::test;

/// Forwards to example.net, which has two servers: a is to be tried before b.
class Port : public Town {
 public:
  explicit Port(unsigned shards = 1) : Town(shards, settings()) {
    zone.set("_sip._udp.example.net", locate::Type::srv,
             dns::services({{1, 0, 5070, "a.example.net"}, {2, 0, 5080, "b.example.net"}}, 3600s));
    zone.set("a.example.net", locate::Type::a, dns::addresses({"198.51.100.1"}, 3600s));
    zone.set("b.example.net", locate::Type::a, dns::addresses({"198.51.100.2"}, 3600s));
  }
  static Settings settings() {
    Settings settings = default_settings();
    settings.foreign = ForeignPolicy::forward;
    settings.federation.tls_only = false;
    return settings;
  }
  static Ask abroad(Ask request) {
    request.uri = request.to = "sip:carol@example.net";
    return request;
  }
  /// The second request and later ones of a test.
  static Ask again(Ask request, const std::string& call_id) {
    request.call_id = call_id;
    return request;
  }
};

const Hop server_a{Protocol::udp, *parse_address("198.51.100.1:5070"), {}, 0};
const Hop server_b{Protocol::udp, *parse_address("198.51.100.2:5080"), {}, 0};

}  // namespace

TEST_CASE("a user's request to another domain goes to its server (RFC 3263), where that is allowed") {
  for (const unsigned shards : {1U, 2U}) {
    CAPTURE(shards);
    Port port(shards);
    const auto got = port.from_alice(Port::abroad(hello));
    CHECK(got.to == server_a);
    CHECK(got.message.request_uri_text() == "sip:carol@example.net");
    CHECK_FALSE(got.message.has(HeaderId::proxy_authorization));
    CHECK_FALSE(got.message.has(HeaderId::p_asserted_identity));
    port.answer(got, 200);
    CHECK(port.take().message.status() == 200);
  }
}

TEST_CASE("the proxy is no open relay: only authenticated users of its own send to other domains") {
  Ask stranger = Port::abroad(hello);
  SUBCASE("without credentials") {
    Port port;
    CHECK(port.ask(udp(5070), stranger).status() == 407);
    CHECK(port.wire.sent.empty());
  }
  SUBCASE("from another domain") {
    Port port;
    stranger.from = "sip:mallory@example.com";
    CHECK(port.ask(udp(5070), stranger).status() == 403);
    CHECK(port.zone.asked() == 0);
  }
  SUBCASE("where authentication is off") {
    Settings open = Port::settings();
    open.authentication = Authentication::none;
    World world(open);
    CHECK(world.ask(udp(5070), stranger).status() == 403);
    CHECK(world.zone.asked() == 0);
  }
  SUBCASE("by a Route of the sender's own making") {
    Port port;
    stranger.uri = bob;
    stranger.from = "sip:mallory@example.com";
    stranger.lines.push_back("Route: <sip:example.net;lr>");
    CHECK(port.ask(udp(5070), stranger).status() == 403);
    CHECK(port.zone.asked() == 0);
  }
}

TEST_CASE(
    "a remote sender cannot direct requests to the server's loopback interface, whatever a name resolves "
    "to") {
  for (const char* uri : {"sip:carol@127.0.0.1:8080", "sip:carol@localhost", "sip:carol@[::1]",
                          "sip:carol@inside.example", "sip:carol@0.0.0.0:53", "sip:carol@224.0.0.1"}) {
    CAPTURE(uri);
    Port port;
    port.zone.set("inside.example", locate::Type::a, dns::addresses({"127.0.0.1"}));
    Ask request = Port::abroad(hello);
    request.uri = request.to = uri;
    CHECK(port.from_alice(request).message.status() == 404);
    CHECK(port.wire.sent.empty());
  }
}

TEST_CASE("a sender on this host may direct requests to others on it") {
  const Hop here{Protocol::udp, *parse_address("127.0.0.1:5070"), *parse_address("127.0.0.1:5060"), 0};
  for (const char* uri : {"sip:carol@127.0.0.1", "sip:carol@inside.example"}) {
    CAPTURE(uri);
    Port port;
    port.zone.set("inside.example", locate::Type::a, dns::addresses({"127.0.0.1"}));
    Ask request = Port::abroad(hello);
    request.uri = request.to = uri;
    port.receive(here, port.text_of(port.with_credentials(request)));
    CHECK(port.take().to.remote == *parse_address("127.0.0.1:5060"));
  }
}

TEST_CASE("a Route that a local user adds is followed by its host name") {
  Port port;
  Ask request = Port::abroad(hello);
  request.uri = "sip:carol@elsewhere.example";
  request.lines.push_back("Route: <sip:example.net;lr>");
  const auto got = port.from_alice(request);
  CHECK(got.to == server_a);
  CHECK(got.message.values(HeaderId::route).size() == 1);
}

TEST_CASE("after a server fails the domain's next one is tried, in a new transaction (RFC 3263 4.3)") {
  Port port;
  const auto first = port.from_alice(Port::abroad(hello));
  CHECK(first.to == server_a);
  SUBCASE("503") { port.answer(first, 503); }
  SUBCASE("unreachable") {
    first.failed(std::make_error_code(std::errc::connection_refused));
    port.run();
  }
  const auto second = port.take();
  CHECK(second.to == server_b);
  CHECK(second.message.body() == "hi");
  CHECK(second.message.top_via()->branch() != first.message.top_via()->branch());
  port.answer(second, 200);
  CHECK(port.take().message.status() == 200);

  // The one that failed comes last for a while.
  const auto next = port.from_alice(Port::again(Port::abroad(hello), "m2"));
  CHECK(next.to == server_b);
  port.answer(next, 200);
  port.take();
  port.wait(locate::failed_pause);
  CHECK(port.from_alice(Port::again(Port::abroad(hello), "m3")).to == server_a);
}

TEST_CASE("after a silent server's transaction times out the next server is tried (RFC 3263 4.3)") {
  Port port;
  CHECK(port.from_alice(Port::abroad(invite)).to == server_a);
  while (port.wire.sent.empty() || port.wire.sent.front().to != server_b) {
    if (!port.wire.sent.empty()) {
      port.wire.sent.pop_front();  // a copy for server a, or a 100 for alice
      continue;
    }
    REQUIRE(port.timers.next().has_value());
    port.wait(std::max(Duration::zero(), *port.timers.next() - port.clock.now().mono));
  }
  port.answer(port.take(), 200, "c1", "Contact: <sip:carol@198.51.100.2:5080>\r\n");
  const auto back = port.take();
  CHECK(back.to == udp(5070));
  CHECK(back.message.status() == 200);
}

TEST_CASE("Retry-After sets how long a server comes last (RFC 3261 21.5.4)") {
  Port port;
  port.answer(port.from_alice(Port::abroad(hello)), 503, "b1", "Retry-After: 300\r\n");
  port.answer(port.take(), 200);
  port.take();
  port.wait(299s);
  const auto next = port.from_alice(Port::again(Port::abroad(hello), "m2"));
  CHECK(next.to == server_b);
  port.answer(next, 200);
  port.take();
  port.wait(1s);
  CHECK(port.from_alice(Port::again(Port::abroad(hello), "m3")).to == server_a);
}

TEST_CASE("an answer ends the fail-over; only the last server's 503 goes back, as 500 (RFC 3261 16.7)") {
  Port port;
  SUBCASE("486") {
    port.answer(port.from_alice(Port::abroad(hello)), 486);
    CHECK(port.take().message.status() == 486);
    CHECK(port.wire.sent.empty());
  }
  SUBCASE("503 of both") {
    port.answer(port.from_alice(Port::abroad(hello)), 503);
    port.answer(port.take(), 503);
    CHECK(port.take().message.status() == 500);
    CHECK(port.wire.sent.empty());
  }
}

TEST_CASE("a domain that is not found is 404, name servers that do not answer are 504 (RFC 3261 21.5.5)") {
  Port port;
  Ask request = Port::abroad(hello);
  request.uri = "sip:carol@nowhere.example";
  CHECK(port.from_alice(request).message.status() == 404);
  for (const char* name :
       {"dead.example", "_sips._tcp.dead.example", "_sip._tcp.dead.example", "_sip._udp.dead.example"}) {
    for (const auto type : {locate::Type::naptr, locate::Type::srv, locate::Type::a})
      port.zone.set(name, type, locate::Answer{});
  }
  request.uri = "sip:carol@dead.example";
  CHECK(port.from_alice(Port::again(request, "m2")).message.status() == 504);
  request.uri = "sip:carol@192.0.2.77;transport=sctp";
  CHECK(port.from_alice(Port::again(request, "m3")).message.status() == 404);
}

TEST_CASE("a call to another domain stays with the server that answered it, both ways") {
  Port port;
  Ask call = Port::abroad(invite);
  port.answer(port.from_alice(call), 503);
  port.take();  // our ACK
  const auto got = port.take();
  CHECK(got.to == server_b);
  const auto routes = got.message.values(HeaderId::record_route);
  REQUIRE(routes.size() == 1);
  const std::string route(routes[0]);
  port.answer(got, 200, "c1", "Contact: <sip:carol@pc.example.net>\r\n");
  CHECK(port.take().message.status() == 200);
  for (const char* method : {"ACK", "BYE"}) {
    Ask ask = in_call(method, "sip:carol@pc.example.net", {"Route: " + route});
    ask.to = "<sip:carol@example.net>;tag=c1";
    port.receive(udp(5070), port.text_of(ask));
    CHECK(port.take().to == server_b);
  }
  Ask bye = callees_bye({"Route: " + route});
  bye.from = "sip:carol@example.net";
  bye.from_tag = "c1";
  port.receive(server_b, port.text_of(bye));
  CHECK(port.take().to == udp(5070));
}

TEST_CASE("a call cancelled while its server is being located is not sent") {
  Port port;
  port.zone.latency = 10ms;
  Ask call = Port::abroad(invite);
  call.branch = "z9hG4bKcall";
  call = port.with_credentials(call);
  port.receive(udp(5070), port.text_of(call));
  port.receive(udp(5070), port.text_of(cancel_of(call)));
  port.wait(100ms);
  std::vector<int> statuses;
  for (const Sent& sent : port.wire.sent) {
    CHECK(sent.message.is_response());
    statuses.push_back(sent.message.status());
  }
  CHECK(std::ranges::count(statuses, 487) >= 1);
}

TEST_CASE("a contact with a host's name is looked up; where it fails its REGISTER's source is tried") {
  Town town;
  town.zone.set("pc.example.org", locate::Type::a, dns::addresses({"203.0.113.5"}));
  town.enter(bob, udp(5080), "sip:bob@pc.example.org");
  const auto first = town.from_alice(hello);
  CHECK(first.to.remote == *parse_address("203.0.113.5:5060"));
  first.failed(std::make_error_code(std::errc::connection_refused));
  town.run();
  const auto second = town.take();
  CHECK(second.to == udp(5080));
  town.answer(second, 200);
  CHECK(town.take().message.status() == 200);

  SUBCASE("so is a contact in .invalid (RFC 7118 5)") {
    const int asked = town.zone.asked();
    town.enter(alice, udp(5090), "sip:alice@df7jal23ls0d.invalid");
    Ask request = Port::again(hello, "m2");
    request.uri = request.to = alice;
    CHECK(town.from_alice(request).to == udp(5090));
    CHECK(town.zone.asked() == asked);
  }
}

TEST_CASE("an unserved event package at a device's own URI is proxied to the device (RFC 6665 4.3)") {
  Port port;
  port.enter(bob, udp(5080), "sip:bob@192.0.2.9:5080", ";+sip.instance=\"<urn:uuid:1>\"");
  Ask ask{.method = "SUBSCRIBE",
          .uri = "sip:bob@192.0.2.9:5080",
          .from = alice,
          .to = bob,
          .call_id = "s",
          .lines = {"Event: x-weather", "Contact: <sip:alice@192.0.2.9:5070>"}};
  SUBCASE("its contact") {}
  SUBCASE("its GRUU") { ask.uri = "sip:bob@example.org;gr=urn:uuid:1"; }
  SUBCASE("but not at the user's address-of-record") {
    ask.uri = bob;
    CHECK(port.ask_as(udp(5070), ask, "alice").status() == 405);  // 489 where some package is served
    return;
  }
  const auto got = port.from_alice(ask);
  CHECK(got.to.remote.port == 5080);
  CHECK(got.message.method_text() == "SUBSCRIBE");
  REQUIRE(got.message.has(HeaderId::record_route));
  port.answer(got, 200, "b1", "Contact: <sip:bob@192.0.2.9:5080>\r\n");
  CHECK(port.take().message.status() == 200);

  // Its NOTIFY comes through the dialog, and needs no credentials.
  const std::string route(got.message.first(HeaderId::record_route));
  port.receive(udp(5080), port.text_of({.method = "NOTIFY",
                                        .uri = "sip:alice@192.0.2.9:5070",
                                        .from = bob,
                                        .to = "<sip:alice@example.org>;tag=from1",
                                        .call_id = "s",
                                        .lines = {"Route: " + route, "Event: x-weather"},
                                        .from_tag = "b1"}));
  const auto notify = port.take();
  CHECK(notify.message.method_text() == "NOTIFY");
  CHECK(notify.to.remote.port == 5070);
}

TEST_CASE(
    "an unserved event package at a name of the server's own is refused, whoever registered that name") {
  Port port;
  Ask ask{.method = "SUBSCRIBE",
          .from = alice,
          .to = bob,
          .call_id = "s",
          .lines = {"Event: x-weather", "Contact: <sip:alice@192.0.2.9:5070>"}};
  SUBCASE("a device's contact in a served domain") { ask.uri = "sip:bobs-phone@example.org"; }
  SUBCASE("another user's address as a contact") { ask.uri = alice; }
  SUBCASE("the address and port where the server listens") { ask.uri = "sip:bob@192.0.2.1:5060"; }
  port.enter(bob, udp(5080), ask.uri);
  CHECK(port.ask_as(udp(5070), ask, "alice").status() == 405);  // 489 where some package is served
  CHECK(port.wire.is_silent());
}

TEST_CASE("an unserved event package reaches a device behind the server's own address, by its port") {
  Port port;
  const auto got = port.from_alice({.method = "SUBSCRIBE",
                                    .uri = "sip:bob@192.0.2.1:5080",
                                    .from = alice,
                                    .to = bob,
                                    .call_id = "s",
                                    .lines = {"Event: x-weather", "Contact: <sip:alice@192.0.2.9:5070>"}});
  CHECK(got.to.remote == *parse_address("192.0.2.1:5080"));
}

TEST_CASE("an unserved event package at a device's contact leaves the domain only where requests may") {
  Town town;
  town.enter_bob();
  const Ask ask{.method = "SUBSCRIBE",
                .uri = "sip:bob@192.0.2.9:5080",
                .from = alice,
                .to = bob,
                .call_id = "s",
                .lines = {"Event: x-weather", "Contact: <sip:alice@192.0.2.9:5070>"}};
  CHECK(town.from_alice(ask).message.status() == 403);
  CHECK(town.wire.is_silent());
}
