#include "server/archive/archive.hpp"
#include "tests/server/proxy/town.hpp"

using namespace beckon;
using namespace beckon::server;
using namespace beckon::server::test;
using sip::HeaderId;

namespace {

namespace dns = locate::test;

const std::string far_carol = "sip:carol@example.net";
/// carol's server where requests find it, and at the other end of a connection that it made.
const Hop far_server{Protocol::tls, *parse_address("198.51.100.1:5061"), {}, 0, "example.net"};
const Hop far_flow{Protocol::tls, *parse_address("198.51.100.1:40000"), *parse_address("192.0.2.1:5061"), 7};

/// example.org, which federates with example.net; bob is at a UDP phone.
class Border : public Town {
 public:
  explicit Border(Settings settings = federated(), unsigned shards = 1) : Town(shards, std::move(settings)) {
    zone.set("_sips._tcp.example.net", locate::Type::srv,
             dns::services({{1, 0, 5061, "a.example.net"}}, 3600s));
    zone.set("_sip._udp.example.net", locate::Type::srv,
             dns::services({{1, 0, 5060, "a.example.net"}}, 3600s));
    zone.set("a.example.net", locate::Type::a, dns::addresses({"198.51.100.1"}, 3600s));
    node().shard(0).on_peer_verified(far_flow.flow, {"example.net"});
    enter_bob();
  }
  static Settings federated() {
    Settings settings = default_settings();
    settings.foreign = ForeignPolicy::forward;
    settings.federation.domains = {"example.net"};
    return settings;
  }
  /// From carol's server.
  static Ask from_carol(Ask ask) {
    ask.from = far_carol;
    ask.from_tag = "carol1";
    return ask;
  }
  static Ask to_carol(Ask ask) {
    ask.uri = ask.to = far_carol;
    return ask;
  }
};

/// A call of carol's with bob, which has been answered.
struct FarCall {
  explicit FarCall(Border& border) {
    Ask call = Border::from_carol(invite);
    call.lines = {"Contact: <sip:carol@203.0.113.9>"};
    border.receive(far_flow, border.text_of(call));
    const auto got = border.take();
    REQUIRE(got.to.remote.port == 5080);
    for (const auto value : got.message.values(HeaderId::record_route)) routes.emplace_back(value);
    border.accept(got);
    CHECK(border.take().to.flow == far_flow.flow);
  }
  Ask bobs_bye() const {
    std::string route;
    for (const auto& each : routes) route += (route.empty() ? "Route: " : ", ") + each;
    return {.method = "BYE",
            .uri = "sip:carol@203.0.113.9",
            .from = bob,
            .to = "<sip:carol@example.net>;tag=carol1",
            .call_id = "i",
            .lines = {route},
            .from_tag = "b1"};
  }
  std::vector<std::string> routes;
};

}  // namespace

TEST_CASE(
    "a user of another domain reaches a user of ours through its server, without a password (RFC 5922 7.4)") {
  for (const unsigned shards : {1U, 2U}) {
    CAPTURE(shards);
    Border border(Border::federated(), shards);
    border.receive(far_flow, border.text_of(Border::from_carol(hello)));
    const auto got = border.take();
    CHECK(got.to.remote.port == 5080);
    CHECK(got.message.first(HeaderId::p_asserted_identity) == "<sip:carol@example.net>");
    border.answer(got, 200);
    const auto back = border.take();
    CHECK(back.message.status() == 200);
    CHECK(back.to.flow == far_flow.flow);
  }
}

TEST_CASE("another domain's server reaches nobody else, and speaks for nobody else") {
  Settings settings = Border::federated();
  Ask ask = Border::from_carol(hello);
  Hop from = far_flow;
  int status = 403;
  SUBCASE("a domain that is not listed") { settings.federation.domains = {"example.com"}; }
  SUBCASE("no domain is, which is the default") { settings.federation.domains = {}; }
  SUBCASE("a connection that proves nothing") { from.flow = 8; }
  SUBCASE("a datagram with the address of the server") { from.protocol = Protocol::udp, from.flow = 0; }
  SUBCASE("a user of a third domain") { ask.from = "sip:eve@example.com"; }
  SUBCASE("a user of a subdomain") { ask.from = "sip:eve@sub.example.net"; }
  SUBCASE("a user of ours") { ask.from = alice; }
  SUBCASE("to a third domain") { ask.uri = ask.to = "sip:eve@example.com"; }
  SUBCASE("back to its own") { ask.uri = ask.to = "sip:dan@example.net"; }
  SUBCASE("to an address") { ask.uri = "sip:eve@203.0.113.1"; }
  SUBCASE("by a Route") { ask.lines.emplace_back("Route: <sip:203.0.113.1;lr>"); }
  SUBCASE("by a Route of ours and another") {
    ask.lines.emplace_back("Route: <sip:192.0.2.1:5061;lr;transport=tls>, <sip:203.0.113.1;lr>");
  }
  SUBCASE("a subscription elsewhere") {
    ask.method = "SUBSCRIBE";
    ask.uri = ask.to = "sip:eve@example.com";
    ask.lines = {"Event: presence", "Contact: <sip:carol@203.0.113.9>"};
  }
  SUBCASE("a registration of its own user") {
    ask.method = "REGISTER";
    ask.uri = "sip:example.org";
    ask.to = far_carol;
    status = 404;
  }
  SUBCASE("a registration of a user of ours: it is challenged") {
    ask.method = "REGISTER";
    ask.uri = "sip:example.org";
    status = 401;
  }
  Border border(settings);
  border.receive(from, border.text_of(ask));
  CHECK(border.take().message.status() == status);
  CHECK(border.wire.is_silent());
  CHECK(border.zone.asked() == 0);
}

TEST_CASE("a user of ours whose request comes by another domain's server shows credentials") {
  Border border;
  Ask ask = hello;
  const auto challenge = border.ask(udp(5070), ask);
  ask.lines.push_back(World::credentials(challenge, ask, "alice", "secret"));
  ask.cseq = 2;
  border.receive(far_flow, border.text_of(ask));
  CHECK(border.take().to.remote.port == 5080);
}

TEST_CASE("a domain past its rate is answered 503 with Retry-After; nobody else suffers") {
  Settings settings = Border::federated();
  settings.federation.requests_per_second = 1;
  settings.federation.requests_burst = 2;
  Border border(settings);
  const auto ask = [&](const std::string& call_id) {
    Ask request = Border::from_carol(hello);
    request.call_id = call_id;
    border.receive(far_flow, border.text_of(request));
    return border.take().message;
  };
  for (const char* id : {"m1", "m2"}) CHECK(ask(id).is_request());
  const auto refused = ask("m3");
  CHECK(refused.status() == 503);
  CHECK(refused.has(HeaderId::retry_after));
  CHECK(border.from_alice(hello).message.is_request());
  border.clock.advance(1s);
  CHECK(ask("m4").is_request());
}

TEST_CASE("a server of another domain is no source of unproven requests, however many it sends") {
  Settings settings = Border::federated();
  settings.unauthenticated_per_second = 1;
  settings.unauthenticated_burst = 1;
  settings.trusted_networks = {*parse_network("192.0.2.0/24")};
  Border border(settings);
  for (const char* id : {"m1", "m2", "m3", "m4"}) {
    Ask request = Border::from_carol(hello);
    request.call_id = id;
    border.receive(far_flow, border.text_of(request));
    CHECK(border.take().message.is_request());
  }
}

TEST_CASE(
    "requests go to other domains over TLS alone, whatever DNS and URI offer, and fail rather than fall "
    "back") {
  Border border;
  Ask ask = Border::to_carol(hello);
  SUBCASE("by the domain") {}
  SUBCASE("UDP in the URI") { ask.uri += ";transport=udp"; }
  SUBCASE("TCP in the URI") { ask.uri += ";transport=tcp"; }
  const auto got = border.from_alice(ask);
  CHECK(got.to == far_server);
  got.failed(std::make_error_code(std::errc::connection_refused));
  border.run();
  const auto answer = border.take().message;
  CHECK(answer.status() == 504);
  CHECK(answer.reason() == "Domain Cannot Be Reached");
  CHECK(border.wire.is_silent());
}

TEST_CASE("a domain without TLS is not found by UDP") {
  Border border;
  border.zone.set("_sip._udp.old.example", locate::Type::srv,
                  dns::services({{1, 0, 5060, "a.example.net"}}, 3600s));
  Ask ask = hello;
  ask.uri = ask.to = "sip:dora@old.example";
  CHECK(border.from_alice(ask).message.status() == 404);
}

TEST_CASE("our Via asks another domain's server to use the connection for its requests, too (RFC 5923 8.1)") {
  Border border;
  CHECK(border.from_alice(Border::to_carol(hello)).message.first(HeaderId::via).find(";alias") !=
        std::string::npos);
}

TEST_CASE("a call to another domain goes on with the server that proved to be its own") {
  Border border;
  const auto got = border.from_alice(Border::to_carol(invite));
  CHECK(got.to == far_server);
  const auto ours = got.message.values(HeaderId::record_route);
  REQUIRE(ours.size() == 2);  // her phone is reached over UDP
  std::string route = "Route: " + std::string(ours[1]) + ", " + std::string(ours[0]) +
                      ", <sip:bk001.r1~2~3~4@198.51.100.1:5061;transport=tls;lr>";
  border.answer(got, 200, "c1", "Contact: <sip:carol@203.0.113.9>\r\n");
  border.take();
  for (const char* method : {"ACK", "INVITE", "BYE"}) {
    CAPTURE(method);
    Ask ask = in_call(method, "sip:carol@203.0.113.9", {route});
    ask.to = "<sip:carol@example.net>;tag=c1";
    border.receive(udp(5070), border.text_of(ask));
    const auto next = border.take();
    CHECK(next.to == far_server);
    CHECK(next.message.values(HeaderId::route).size() == 1);
  }
  Ask bye = callees_bye({"Route: " + std::string(ours[0]) + ", " + std::string(ours[1])});
  bye.from = far_carol;
  bye.from_tag = "c1";
  border.receive(far_flow, border.text_of(bye));
  CHECK(border.take().to == udp(5070));
}

TEST_CASE(
    "the next server of a dialog with another domain may be at another port, never without TLS or its name") {
  Border border;
  const auto got = border.from_alice(Border::to_carol(invite));
  const auto ours = got.message.values(HeaderId::record_route);
  std::string route = "Route: " + std::string(ours[1]) + ", " + std::string(ours[0]) + ", ";
  border.answer(got, 200, "c1", "Contact: <sip:carol@203.0.113.9>\r\n");
  border.take();
  Hop expected = far_server;
  SUBCASE("another port") {
    route += "<sip:198.51.100.1:5071;transport=tls;lr>";
    expected.remote.port = 5071;
  }
  SUBCASE("UDP") { route += "<sip:198.51.100.1:5060;lr>"; }
  Ask bye = in_call("BYE", "sip:carol@203.0.113.9", {route});
  bye.to = "<sip:carol@example.net>;tag=c1";
  border.receive(udp(5070), border.text_of(bye));
  CHECK(border.take().to == expected);
}

TEST_CASE(
    "a call from another domain outlives the connection it came by: its server is dialled by its name") {
  Border border;
  const FarCall call(border);
  border.receive(udp(5080), border.text_of(call.bobs_bye()));
  const auto first = border.take();
  CHECK(first.to.flow == far_flow.flow);
  first.failed(std::make_error_code(std::errc::not_connected));
  border.run();
  const auto second = border.take();
  Hop dialled = far_server;
  dialled.remote.port = 5070;  // of the Via
  dialled.local = far_flow.local;
  CHECK(second.to == dialled);
  border.answer(second, 200, "carol1");
  CHECK(border.take().message.status() == 200);
}

TEST_CASE("a connection that was dialled to a device proves nothing of who sends over it") {
  Border border;
  const Hop phone{Protocol::tls, *parse_address("203.0.113.5:5061"), *parse_address("192.0.2.1:40001"), 9,
                  "phone.example"};
  border.enter(alice, tls(5), "sip:alice@192.0.2.9:5071;transport=tls", ";+sip.instance=\"<urn:uuid:9>\"");
  Ask call = invite;
  call.lines = {"Contact: <sip:alice@example.org;gr=urn:uuid:9>"};
  const auto got = border.from_alice(call);
  border.accept(got);
  border.take();
  Ask info = callees_bye({});
  info.method = "INFO";
  info.uri = "sip:alice@example.org;gr=urn:uuid:9";
  info.from = "sip:director@example.org";
  for (const auto route : got.message.values(HeaderId::record_route))
    info.lines.push_back("Route: " + std::string(route));
  border.receive(phone, border.text_of(info));
  const auto sent = border.take();
  CHECK(sent.to.flow == 5);
  CHECK_FALSE(sent.message.has(HeaderId::p_asserted_identity));
}

TEST_CASE("what another server of our kind mints is not taken for our own") {
  Border border;
  Ask ask{.method = "SUBSCRIBE",
          .uri = "sip:bk001.s@198.51.100.1:5061;transport=tls",
          .from = alice,
          .to = "<sip:carol@example.net>;tag=bk001.aaaaaaaa",
          .call_id = "s",
          .lines = {"Event: presence", "Contact: <sip:alice@192.0.2.9:5070>"}};
  const auto got = border.from_alice(ask);
  CHECK(got.to.remote == far_server.remote);
  CHECK(got.message.method() == sip::Method::subscribe);
}

TEST_CASE("presence of another domain's user is asked for there, and its NOTIFYs find the watcher") {
  Border border;
  Ask ask = Border::to_carol({.method = "SUBSCRIBE",
                              .from = alice,
                              .call_id = "s",
                              .lines = {"Event: presence", "Contact: <sip:alice@192.0.2.9:5070>"}});
  const auto got = border.from_alice(ask);
  CHECK(got.to == far_server);
  const auto routes = got.message.values(HeaderId::record_route);
  REQUIRE(routes.size() == 2);
  Ask notify = Border::from_carol({.method = "NOTIFY",
                                   .uri = "sip:alice@192.0.2.9:5070",
                                   .to = "<sip:alice@example.org>;tag=from1",
                                   .call_id = "s",
                                   .lines = {"Event: presence", "Subscription-State: active"}});
  SUBCASE("through the dialog") {
    notify.lines.push_back("Route: " + std::string(routes[0]) + ", " + std::string(routes[1]));
    border.receive(far_flow, border.text_of(notify));
    CHECK(border.take().to == udp(5070));
    return;
  }
  // The tokens of a server that was killed open nothing.
  border.enter(alice, udp(5070), "sip:alice@192.0.2.9:5070");
  const std::string dead = "<sip:bk001.r1~2~3~4@192.0.2.1:5061;transport=tls;lr>";
  notify.lines.push_back("Route: " + dead + ", " + dead);
  Hop from = far_flow;
  int status = 0;
  SUBCASE("by her contact, after a restart") {}
  SUBCASE("to a contact that she has no more") {
    notify.uri = "sip:alice@192.0.2.9:9";
    status = 480;
  }
  SUBCASE("to somebody else's contact") {
    notify.uri = "sip:bob@192.0.2.9:5080";
    status = 480;
  }
  SUBCASE("from a stranger") {
    from.flow = 8;
    status = 403;
  }
  border.receive(from, border.text_of(notify));
  const auto next = border.take();
  if (status == 0) {
    CHECK(next.to == udp(5070));
    CHECK(next.message.method() == sip::Method::notify);
  } else {
    CHECK(next.message.status() == status);
  }
}

TEST_CASE("identities are asserted to a domain, and believed from it, where it is trusted (RFC 3325)") {
  for (const bool trusted : {false, true}) {
    CAPTURE(trusted);
    Settings settings = Border::federated();
    if (trusted) settings.federation.trusted = {"example.net"};
    Border border(settings);
    const auto out = border.from_alice(Border::to_carol(hello));
    CHECK(out.message.header(HeaderId::p_asserted_identity) == (trusted ? "<sip:alice@example.org>" : ""));
    Ask ask = Border::from_carol(hello);
    ask.lines.emplace_back("P-Asserted-Identity: <tel:+15551234567>");
    border.receive(far_flow, border.text_of(ask));
    CHECK(border.take().message.header(HeaderId::p_asserted_identity) ==
          (trusted ? "<tel:+15551234567>" : "<sip:carol@example.net>"));
  }
}

TEST_CASE("what a trusted domain asserts in a dialog is believed, too (RFC 3325 5)") {
  Settings settings = Border::federated();
  settings.federation.trusted = {"example.net"};
  Hop from = far_flow;
  bool is_believed = true;
  std::string sender = far_carol;
  SUBCASE("") {}
  SUBCASE("not of a domain that is not trusted") {
    settings.federation.trusted = {};
    is_believed = false;
  }
  SUBCASE("nor of one that has proven nothing") {
    from.flow = 8;
    is_believed = false;
  }
  SUBCASE("nor over a connection of the domain for a user of another") {
    sender = "sip:carol@example.com";
    is_believed = false;
  }
  Border border(settings);
  const FarCall call(border);
  Ask info{.method = "INFO",
           .uri = "sip:bob@192.0.2.9:5080",
           .from = sender,
           .to = "<sip:bob@example.org>;tag=b1",
           .call_id = "i",
           .cseq = 2,
           .lines = {"P-Asserted-Identity: <tel:+15551234567>"},
           .from_tag = "carol1"};
  for (auto each = call.routes.rbegin(); each != call.routes.rend(); ++each)
    info.lines.push_back("Route: " + *each);
  border.receive(from, border.text_of(info));
  const auto got = border.take();
  CHECK(got.to.remote.port == 5080);
  CHECK(got.message.header(HeaderId::p_asserted_identity) == (is_believed ? "<tel:+15551234567>" : ""));
}

TEST_CASE(
    "messages to and from another domain are in the archives of our users, and wait for them like others") {
  for (const unsigned shards : {1U, 2U}) {
    CAPTURE(shards);
    Border border(Border::federated(), shards);
    const auto sent = border.from_alice(Border::to_carol(hello));
    border.answer(sent, 200);
    CHECK(border.take().message.status() == 200);

    Ask back = Border::from_carol(hello);
    back.uri = back.to = alice;
    back.call_id = "back";
    border.receive(far_flow, border.text_of(back));
    CHECK(border.take().message.status() == 202);
    border.enter(alice, udp(5070), "sip:alice@192.0.2.9:5070");
    border.wait(1ms);
    const auto later = border.take().message;
    CHECK(later.method() == sip::Method::message);
    CHECK(sip::canonical_aor(later.from()->uri) == far_carol);

    auto& shard = border.node().shard(border.node().owner(bucket_of(alice)));
    const auto kept = shard.room<archive::Archive>().page(*shard.directory().get(alice), {}, 9).messages;
    REQUIRE(kept.size() == 2);
    CHECK(kept[0].with == far_carol);
    CHECK(kept[0].state == archive::MessageState::delivered);
    CHECK(kept[1].with == far_carol);
    CHECK(kept[1].state == archive::MessageState::stored);
  }
}
