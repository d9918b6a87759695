#include <doctest/doctest.h>

#include "tests/protocol/transaction/server_requests.hpp"

using namespace beckon;
using namespace beckon::transaction;
using namespace beckon::transaction::testing::server;
using sip::HeaderId;
using testing::Fixture;

namespace {

/// Answered without a transaction, as the server does it for requests that cost too much to remember.
void answer_statelessly(Fixture& net, const Hop& from, const sip::Message& message) {
  const auto tag = net.layer.stateless_tag(message);
  net.layer.answer(from, message, sip::Builder::reply(message, 480, tag).finish());
}

}  // namespace

TEST_CASE("a stateless answer goes where one in a transaction would (RFC 3261 8.2.7, 18.2.2, RFC 3581 4)") {
  Fixture net;
  const auto message = Fixture::message(request("OPTIONS", "UDP 10.0.0.1:5062;rport;branch=z9hG4bKa"));
  SUBCASE("its Via read from the request") { answer_statelessly(net, udp, message); }
  SUBCASE("its Via as the caller has read it") {
    const auto via = message.top_via_view();
    net.layer.answer(udp, message, sip::Builder::reply(message, 480, "t").finish(), &*via);
  }
  SUBCASE("a refusal") { net.layer.refuse(udp, message, 480); }
  REQUIRE(net.sent.size() == 1);
  CHECK(net.sent[0].hop == udp);
  CHECK(net.sent[0].message.status() == 480);
  const auto vias = net.sent[0].message.values(HeaderId::via);
  REQUIRE(vias.size() == 2);
  CHECK(vias[0] == "SIP/2.0/UDP 10.0.0.1:5062;rport=40000;branch=z9hG4bKa;received=192.0.2.1");
  CHECK(vias[1] == "SIP/2.0/UDP 198.51.100.7;branch=z9hG4bKfar");
  CHECK(net.layer.size() == 0);
}

TEST_CASE("a stateless answer to a request without rport goes to the port of its sent-by (RFC 3261 18.2.2)") {
  Fixture net;
  answer_statelessly(net, udp, Fixture::message(request("OPTIONS", via_udp)));
  CHECK(print(net.sent.at(0).hop.remote) == "192.0.2.1:5062");
  CHECK(net.sent[0].message.header(HeaderId::via) == "SIP/2.0/UDP 192.0.2.1:5062;branch=z9hG4bKone");
}

TEST_CASE("what has no Via that can be read is answered statelessly where it came from, the Via as it is") {
  Fixture net;
  std::string text = request("OPTIONS", "UDP ;branch=z9hG4bKa");
  std::string_view via = "SIP/2.0/UDP ;branch=z9hG4bKa";
  SUBCASE("unreadable") {}
  SUBCASE("none") {
    text = text.substr(0, text.find("Via")) + text.substr(text.find("Max-Forwards"));
    via = {};
  }
  const auto message = Fixture::message(text);
  REQUIRE_FALSE(message.top_via_view().has_value());
  answer_statelessly(net, udp, message);
  net.layer.refuse(udp, message, 400);
  REQUIRE(net.sent.size() == 2);
  for (const auto& sent : net.sent) {
    CHECK(sent.hop == udp);
    CHECK(sent.message.header(HeaderId::via) == via);
  }
}

TEST_CASE("an ACK gets no stateless answer (RFC 3261 8.2.7)") {
  Fixture net;
  const auto ack = Fixture::message(request("ACK", via_udp));
  answer_statelessly(net, udp, ack);
  net.layer.refuse(udp, ack, 503);
  CHECK(net.sent.empty());
}

TEST_CASE("the To tag of stateless answers is the same for copies, and no other's (RFC 3261 8.2.7)") {
  Fixture net;
  const auto one = Fixture::message(request("OPTIONS", via_udp));
  const auto other = Fixture::message(request("OPTIONS", "UDP 192.0.2.1:5062;branch=z9hG4bKtwo"));
  answer_statelessly(net, udp, one);
  answer_statelessly(net, udp, Fixture::message(request("OPTIONS", via_udp)));
  net.layer.refuse(udp, one, 400);
  answer_statelessly(net, udp, other);
  REQUIRE(net.sent.size() == 4);
  CHECK_FALSE(net.sent[0].message.to_tag().empty());
  CHECK(net.sent[1].message.text() == net.sent[0].message.text());
  CHECK(net.sent[2].message.to_tag() == net.sent[0].message.to_tag());
  CHECK(net.sent[3].message.to_tag() != net.sent[0].message.to_tag());
  SeededRandom random{2};
  const Layer stranger(Layer::Config{}, net, net.timers, net, random, net);
  CHECK(stranger.stateless_tag(one) != net.sent[0].message.to_tag());
}

TEST_CASE("a refusal says when to come back where that helps, and has no To tag without a To") {
  Fixture net;
  std::string text = request("OPTIONS", via_udp);
  net.layer.refuse(udp, Fixture::message(text), 503);
  net.layer.refuse(udp, Fixture::message(text), 400, "No Good Reason");
  text.erase(text.find("To: "), text.find("Call-ID") - text.find("To: "));
  net.layer.refuse(udp, Fixture::message(text), 400);
  REQUIRE(net.sent.size() == 3);
  CHECK(net.sent[0].message.has(HeaderId::retry_after));
  CHECK_FALSE(net.sent[1].message.has(HeaderId::retry_after));
  CHECK(net.sent[1].message.reason() == "No Good Reason");
  CHECK(net.sent[2].message.to_tag().empty());
}
