#include "tests/server/proxy/town.hpp"

using namespace beckon;
using namespace beckon::server;
using namespace beckon::server::test;
using sip::HeaderId;

TEST_CASE("strict routers are served (RFC 3261 16.4, 16.6 step 6)") {
  Town town;
  SUBCASE("after this proxy: its URI is the Request-URI, ours the last Route") {
    town.enter_bob_behind("<sip:192.0.2.77:5060>");
    const auto got = town.from_alice(hello);
    CHECK(got.message.request_uri_text() == "sip:192.0.2.77:5060");
    CHECK(got.message.header(HeaderId::route) == "<sip:bob@192.0.2.9:5080>");
    CHECK(print(got.to.remote) == "192.0.2.77:5060");
  }
  SUBCASE("before this proxy: our Record-Route is the Request-URI, the target the last Route") {
    town.enter_bob();
    const auto got = town.from_alice(invite);
    const std::string route(got.message.header(HeaderId::record_route));
    town.accept(got);
    town.take();
    const Ask bye = in_call("BYE", route.substr(1, route.size() - 2), {"Route: <sip:bob@192.0.2.9:5080>"});
    town.receive(udp(5070), town.text_of(bye));
    const auto sent = town.take();
    CHECK(sent.message.method_text() == "BYE");
    CHECK(sent.message.request_uri_text() == "sip:bob@192.0.2.9:5080");
    CHECK_FALSE(sent.message.has(HeaderId::route));
    CHECK(sent.to.remote == udp(5080).remote);
  }
}

TEST_CASE("a dialog made through the proxy goes on through it, without credentials, both ways") {
  Town town;
  const std::string device = "sip:bob@192.0.2.9:40000;transport=tls";
  town.enter(bob, tls(1), device);
  const auto got = town.from_alice(invite);
  // RFC 5658: one Record-Route for each side, the one the callee can reach on top.
  const auto routes = got.message.values(HeaderId::record_route);
  REQUIRE(routes.size() == 2);
  CHECK(routes[0].ends_with("@192.0.2.1:5061;transport=tls;lr>"));
  CHECK(routes[1].ends_with("@192.0.2.1:5060;lr>"));
  const std::string callee_side(routes[0]);
  const std::string caller_side(routes[1]);
  town.accept(got);
  CHECK(town.take().message.status() == 200);

  SUBCASE("the caller's ACK and BYE") {
    for (const char* method : {"ACK", "BYE"}) {
      const Ask ask = in_call(method, device, {"Route: " + caller_side + ", " + callee_side});
      town.receive(udp(5070), town.text_of(ask));
      const auto sent = town.take();
      CHECK(sent.message.method_text() == method);
      CHECK(sent.to.flow == 1);
      CHECK_FALSE(sent.message.has(HeaderId::route));
    }
  }
  SUBCASE("the callee's BYE") {
    const Ask bye = callees_bye({"Route: " + callee_side, "Route: " + caller_side});
    town.receive(tls(1), town.text_of(bye));
    CHECK(town.take().to == udp(5070));
  }
  SUBCASE("a Route after ours is followed to the dialog's other end, by address or by name") {
    for (const char* next : {"<sip:192.0.2.9:40000;transport=tls;lr>", "<sip:edge.example.net;lr>"}) {
      CAPTURE(next);
      const Ask bye = in_call("BYE", device, {"Route: " + caller_side + ", " + next});
      town.receive(udp(5070), town.text_of(bye));
      const auto sent = town.take();
      CHECK(sent.to.flow == 1);
      CHECK(sent.message.header(HeaderId::route) == next);
      CHECK(town.zone.asked() == 0);
    }
  }
  SUBCASE("of many Routes of ours the first few are looked at: each costs a signature before credentials") {
    std::string many = "Route: " + caller_side;
    for (int i = 0; i < 40; ++i) many += ", " + caller_side;
    const Ask bye = in_call("BYE", device, {many});
    CHECK(town.ask(udp(5070), bye).status() == 407);
  }
  SUBCASE("a Route after ours that leads elsewhere is refused, whoever sends it") {
    Ask stray =
        in_call("MESSAGE", "sip:victim@198.51.100.7", {"Route: " + caller_side + ", <sip:198.51.100.7;lr>"});
    CHECK(town.ask(udp(5070), stray).status() == 407);
    stray.cseq = 3;
    CHECK(town.ask_as(udp(5070), stray, "alice").status() == 403);
    stray.method = "ACK";
    town.receive(udp(5070), town.text_of(stray));
    CHECK(town.wire.sent.empty());
  }
  SUBCASE("for a subscription whose end is the server, the Route of a call vouches for nobody") {
    Ask subscribe =
        in_call("SUBSCRIBE", "sip:bk001.s@192.0.2.1:5060", {"Route: " + caller_side, "Event: presence"});
    subscribe.to = "<sip:bob@example.org>;tag=bk001.x";
    CHECK(town.ask(udp(5070), subscribe).status() == 401);
    // One that goes to the call's other end is none of the server's, whatever its tag looks like.
    subscribe.uri = device;
    CHECK(town.ask(udp(5070), subscribe).is_request());
  }
  SUBCASE("the same Route in another call is refused") {
    Ask ask = in_call("BYE", "sip:bob@192.0.2.9:40000", {"Route: " + caller_side});
    ask.call_id = "other";
    CHECK(town.ask(udp(5070), ask).status() == 407);
  }
}

TEST_CASE("a REFER outside a dialog makes one, whose NOTIFYs need no credentials (RFC 3515 2.4.4)") {
  Town town;
  town.enter_bob();
  Ask refer = hello;
  refer.method = "REFER";
  refer.call_id = "i";
  refer.lines = {"Refer-To: <sip:carol@example.org>", "Contact: <sip:alice@192.0.2.9:5070>"};
  const auto got = town.from_alice(refer);
  REQUIRE(got.message.has(HeaderId::record_route));
  const std::string route(got.message.first(HeaderId::record_route));
  town.answer(got, 202, "b1", "Contact: <sip:bob@192.0.2.9:5080>\r\n");
  CHECK(town.take().message.status() == 202);
  Ask notify = callees_bye({"Route: " + route, "Event: refer", "Subscription-State: active"});
  notify.method = "NOTIFY";
  town.receive(udp(5080), town.text_of(notify));
  CHECK(town.take().to == udp(5070));
}

TEST_CASE("Path of the binding is the Route of the request (RFC 3327 5.3)") {
  Town town;
  town.enter_bob_behind("<sip:192.0.2.77:5060;lr>");
  const auto got = town.from_alice(hello);
  CHECK(got.message.header(HeaderId::route) == "<sip:192.0.2.77:5060;lr>");
  CHECK(print(got.to.remote) == "192.0.2.77:5060");
}
