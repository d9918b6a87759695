#include <doctest/doctest.h>

#include "client/agent/agent.hpp"
#include "protocol/stun/message.hpp"
#include "tests/client/agent/fixture.hpp"

using namespace beckon;
using namespace beckon::agent_test;
using client::Agent;
using sip::HeaderId;

TEST_CASE(
    "over UDP a failed keep-alive is a lost connection: everything is requested again (RFC 5626 4.4.2)") {
  Fixture udp(transaction::Protocol::udp);
  const client::Headers promise{{HeaderId::require, "outbound"}};
  udp.execute({"register"});
  udp.execute({"subscribe", "alice@example.org"});
  udp.serve(promise);
  udp.execute({"publish", "open"});
  udp.serve(promise);
  while (udp.wire.datagrams.empty()) udp.pass(1s);
  const auto asked = stun::parse_message(as_bytes(udp.wire.datagrams.back()))->transaction();
  stun::Writer refusal(stun::Class::error, stun::binding, asked);
  refusal.add_error_code(500, "no");
  udp.agent->on_stun(udp.server.remote, refusal.bytes(), udp.now());
  CHECK(udp.last("connection").at("state") == "down");
  CHECK(udp.last("connection").at("reason") == "keep-alives are refused");
  CHECK(udp.wire.is_silent());
  while (udp.wire.is_silent()) udp.pass(10ms);
  REQUIRE(udp.wire.sent.size() == 1);
  udp.answer(200, promise);
  CHECK(udp.last("connection").at("state") == "up");
  REQUIRE(udp.wire.sent.size() == 2);
  CHECK(udp.wire.sent[0].message.method() == sip::Method::subscribe);
  CHECK(udp.wire.sent[1].message.method() == sip::Method::publish);
}

TEST_CASE(
    "a machine that slept leaves its connection for a new one, registers, subscribes and publishes again") {
  for (const auto protocol : {transaction::Protocol::tls, transaction::Protocol::udp}) {
    CAPTURE(protocol);
    Fixture fixture(protocol);
    fixture.execute({"register"});
    fixture.execute({"subscribe", "alice@example.org"});
    fixture.execute({"publish", "open"});
    fixture.serve();
    fixture.pass(1min);
    CHECK(fixture.wire.is_silent());
    CHECK(fixture.closed.empty());
    fixture.clock.at.wall += 10min;  // timers stand still meanwhile
    fixture.pass(15s);
    CHECK(fixture.last("connection").at("state") == "down");
    CHECK(fixture.last("connection").at("reason") == "this machine slept for 600 s");
    CHECK(fixture.located == 1);
    if (fixture.server.flow != 0) {
      CHECK(fixture.closed == std::vector{fixture.server.flow});
      fixture.agent->on_flow_closed(fixture.server.flow, fixture.now());
    }
    while (fixture.wire.is_silent()) fixture.pass(10ms);
    CHECK(fixture.wire.last_hop.flow == 0);
    if (fixture.server.flow != 0) fixture.turn_to(fixture.server.remote);
    CHECK(fixture.serve() == std::vector<std::string>{"REGISTER", "SUBSCRIBE", "PUBLISH"});
    CHECK(fixture.last("connection").at("state") == "up");
    const auto downs = std::ranges::count_if(fixture.events, [](const auto& event) {
      return event.at("event") == "connection" && event.at("state") == "down";
    });
    CHECK(downs == 1);
  }
}

TEST_CASE_FIXTURE(Fixture, "a short sleep, and a wall clock that is set back, end no connection") {
  execute({"register"});
  serve();
  clock.at.wall += 25s;
  pass(1min);
  clock.at.wall -= 1h;
  pass(1min);
  CHECK(closed.empty());
  CHECK(wire.is_silent());
}

TEST_CASE("a device whose address has changed registers with the new one over UDP, and subscribes again") {
  Fixture udp(transaction::Protocol::udp);
  const client::Headers promise{{HeaderId::require, "outbound"}};
  udp.execute({"register"});
  udp.serve(promise);
  udp.execute({"subscribe", "alice@example.org"});
  udp.serve(promise);
  while (udp.wire.datagrams.empty()) udp.pass(1s);
  udp.wire.last_failed(boost::system::errc::make_error_code(boost::system::errc::network_unreachable));
  CHECK(udp.last("connection").at("state") == "down");
  CHECK(udp.located == 1);
  auto moved = udp.server;
  moved.local = *parse_address("198.51.100.7:40000");
  udp.agent->set_servers({moved});
  udp.wire.own_address = "198.51.100.7:40000";
  while (udp.wire.is_silent()) udp.pass(10ms);
  CHECK(udp.wire.last_hop.local == moved.local);
  CHECK(udp.wire.sent.front().message.header(HeaderId::contact).find("198.51.100.7") !=
        std::string_view::npos);
  CHECK(udp.serve(promise) == std::vector<std::string>{"REGISTER", "SUBSCRIBE"});
  CHECK(udp.last("connection").at("state") == "up");
}

TEST_CASE("subscriptions and publication follow the registration to another server (RFC 3263 4.3)") {
  const Address second = *parse_address("192.0.2.10:5061");
  enum class Why { refusal, located_anew };
  for (const auto protocol : {transaction::Protocol::tls, transaction::Protocol::udp}) {
    for (const Why why : {Why::refusal, Why::located_anew}) {
      CAPTURE(protocol);
      CAPTURE(static_cast<int>(why));
      const bool is_known = why == Why::refusal;
      Fixture fixture(protocol, is_known ? std::vector{second} : std::vector<Address>{});
      fixture.execute({"register", "--expires", "100"});
      fixture.execute({"subscribe", "alice@example.org"});
      fixture.execute({"publish", "open"});
      fixture.serve();
      fixture.pass(80s);
      REQUIRE(fixture.wire.sent.size() == 1);
      fixture.answer(503);
      if (!is_known) {
        if (fixture.server.flow != 0) fixture.agent->on_flow_closed(fixture.server.flow, fixture.now());
        auto found = fixture.server;
        found.flow = 0;
        found.remote = second;
        fixture.agent->set_servers({found});
        while (fixture.wire.is_silent()) fixture.pass(10ms);
      }
      CHECK(fixture.wire.last_hop.remote == second);
      fixture.turn_to(second);
      CHECK(fixture.answer(200).method() == sip::Method::register_);
      CHECK(fixture.last("connection").at("state") == "up");

      REQUIRE(fixture.wire.sent.size() == 2);
      CHECK(fixture.wire.last_hop.remote == second);
      CHECK(fixture.answer(481).method() == sip::Method::subscribe);
      CHECK(fixture.answer(412).method() == sip::Method::publish);
      fixture.pass(0s);
      REQUIRE(fixture.wire.sent.size() == 2);
      CHECK(fixture.wire.last_hop.remote == second);
      CHECK_FALSE(fixture.wire.sent[0].message.has(HeaderId::sip_if_match));
      CHECK(fixture.wire.sent[1].message.to_tag().empty());
      CHECK(fixture.serve() == std::vector<std::string>{"PUBLISH", "SUBSCRIBE"});
      CHECK(fixture.last("subscription").at("state") == "active");
      CHECK(fixture.last("publication").at("state") == "published");
    }
  }
}

TEST_CASE("a stream that a long request opened beside UDP carries no other request") {
  Fixture udp(transaction::Protocol::udp);
  udp.execute({"subscribe", "alice@example.org"});
  udp.answer(200, {{HeaderId::contact, "<sip:server@192.0.2.9>"}});
  auto stream = udp.server;
  stream.protocol = transaction::Protocol::tcp;
  stream.flow = 9;
  udp.agent->on_flow_opened(stream, udp.now());
  CHECK(udp.last("connection").empty());
  udp.agent->on_message(stream, *sip::Message::parse(share(request_text("OPTIONS"))), udp.now());
  udp.wire.sent.clear();
  udp.execute({"message", "alice@example.org", "hi"});
  CHECK(udp.wire.last_hop.flow == 0);
  CHECK(udp.wire.last_hop.protocol == transaction::Protocol::udp);
}

TEST_CASE(
    "a message on the connection to a server that was left does not turn requests back (RFC 3263 4.3)") {
  const Address second = *parse_address("192.0.2.10:5061");
  Fixture fixture(transaction::Protocol::tls, {second});
  const auto old = fixture.server;
  fixture.execute({"register", "--expires", "100"});
  fixture.answer(503);
  CHECK(fixture.wire.last_hop.remote == second);
  fixture.turn_to(second);
  fixture.serve();
  const auto ups = std::ranges::count_if(fixture.events, [](const auto& event) {
    return event.at("event") == "connection" && event.at("state") == "up";
  });
  fixture.agent->on_message(old, *sip::Message::parse(share(request_text("OPTIONS"))), fixture.now());
  fixture.agent->on_flow_opened(old, fixture.now());
  CHECK(ups == 2);
  CHECK(fixture.last("connection").at("state") == "up");
  fixture.wire.sent.clear();
  fixture.execute({"message", "alice@example.org", "hi"});
  CHECK(fixture.wire.last_hop.remote == second);
  CHECK(fixture.wire.last_hop.flow == fixture.server.flow);
}

TEST_CASE_FIXTURE(Fixture,
                  "a REGISTER that dials is sent again soon when its new connection closes (RFC 5626 4.5)") {
  agent->on_flow_closed(server.flow, now());
  const auto id = execute({"register"});
  CHECK(wire.take().to.flow == 0);
  ++server.flow;
  agent->on_flow_opened(server, now());
  agent->on_flow_closed(server.flow, now());
  CHECK(result(id).at("cause") == "unreachable");
  CHECK(wire.is_silent());
  pass(1s);
  CHECK(wire.take().message.method() == sip::Method::register_);
}

TEST_CASE_FIXTURE(Fixture,
                  "the connection to a server that promised to answer pings is pinged (RFC 5626 4.4.1)") {
  execute({"register"});
  serve();
  CHECK(pinged.empty());
  execute({"register"});
  serve({{HeaderId::require, "outbound"}, {HeaderId::flow_timer, "20"}});
  const std::vector<std::pair<transaction::FlowId, Duration>> expected{{server.flow, 20s}};
  CHECK(pinged == expected);
}
