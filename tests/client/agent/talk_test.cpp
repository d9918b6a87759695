#include <doctest/doctest.h>

#include "tests/client/agent/fixture.hpp"
#include "tests/client/invite/pair.hpp"

using namespace beckon;
using namespace beckon::agent_test;
using sip::Method;

namespace {

/// bob talks to alice, whose presence he may not see yet.
struct Talking : client::test::OwnPorts, Fixture {
  Talking() : Fixture(transaction::Protocol::tls, {}, &ports) {}

  /// The first request of that method that waits; what was sent before it is dropped.
  sip::Message next(Method method) {
    while (!wire.is_silent()) {
      auto message = wire.take().message;
      if (message.is_request() && message.method() == method) return message;
    }
    FAIL("nothing of that method was sent");
    return {};
  }
  /// The INVITE of a talk.
  sip::Message dial(std::vector<std::string> words) {
    words.insert(words.begin(), {"talk", "alice@example.org"});
    id = execute(std::move(words));
    const auto subscribe = next(Method::subscribe);
    reply(subscribe, 200, {{HeaderId::expires, "3600"}});
    notify(subscribe, "pending;expires=3600");
    pass(1ms);
    return next(Method::invite);
  }
  void take(const sip::Message& invite) {
    sdp::Audio audio;
    audio.session_id = "1";
    audio.local = *parse_address("192.0.2.66:4002");
    audio.formats = {{0, "PCMU", 8000, 1, {}}};
    audio.keys.push_back({1, "AES_CM_128_HMAC_SHA1_80", {{Bytes(30, 7), {}, {}, {}}}, {}});
    sdp::Negotiation negotiation(audio);
    REQUIRE(negotiation.take_offer(invite.body()));
    auto success = sip::Builder::reply(invite, 200, "alice");
    success.add(HeaderId::contact, "<sip:alice@192.0.2.66>");
    receive(*sip::Message::parse(share(std::move(success).finish("application/sdp", negotiation.answer()))));
  }
  std::string reason() const { return std::string(result(id).at("reason").as_string()); }
  bool has_ended() const { return !results(id).empty(); }

  std::string id;
};

}  // namespace

TEST_CASE_FIXTURE(
    Talking, "talk looks at the callee's presence, calls, talks for the time given, and ends with the call") {
  const auto invite = dial({"--for", "10s"});
  CHECK(last("call").at("why_not_direct") == "no active subscription to the callee's presence");
  pass(5s);
  take(invite);
  CHECK(last("call").at("state") == "active");
  pass(9999ms);
  CHECK_FALSE(has_ended());
  pass(2ms);
  CHECK(next(Method::bye).method() == Method::bye);
  CHECK(result(id).at("cause") == "done");
  CHECK(result(id).at("call") == "1");
}

TEST_CASE_FIXTURE(Talking, "talk without a call writes a message instead, if there is one") {
  SUBCASE("busy") {
    reply(dial({"--message", "call me back"}), 486);
    pass(1ms);
    const auto message = next(Method::message);
    CHECK(message.body().find("call me back") != std::string_view::npos);
    reply(message, 202);
    CHECK(result(id).at("cause") == "done");
    CHECK(result(id).at("state") == "stored");
    CHECK(reason().starts_with("the message was sent, as no call was possible: Busy Here"));
  }
  SUBCASE("busy, and nothing to write") {
    reply(dial({}), 486);
    pass(1ms);
    CHECK(result(id).at("cause") == "unavailable");
    CHECK(reason() == "no call: Busy Here");
  }
  SUBCASE("declined: nothing is written") {
    reply(dial({"--message", "call me back"}), 603);
    pass(1ms);
    CHECK(result(id).at("cause") == "refused");
  }
  SUBCASE("nobody answers") {
    const auto invite = dial({"--within", "20s"});
    reply(invite, 180);
    pass(20s);
    CHECK(next(Method::cancel).method() == Method::cancel);
    pass(1ms);
    CHECK(result(id).at("cause") == "timeout");
  }
  SUBCASE("a direct session or nothing") {
    id = execute({"talk", "alice@example.org", "--by", "direct"});
    reply(next(Method::subscribe), 403);
    pass(1ms);
    CHECK(result(id).at("cause") == "no-direct");
  }
}

TEST_CASE_FIXTURE(Talking, "talk that cannot be understood, or has nothing to play, calls nobody") {
  id = execute({"talk", "alice@example.org", "--for", "ever"});
  CHECK(result(id).at("cause") == "usage");
  id = execute({"talk", "alice@example.org", "--by", "invite", "--play", "/nowhere/at/all.wav"});
  CHECK(result(id).at("cause") == "usage");
  CHECK(wire.is_silent());
}
