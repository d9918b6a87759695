#include <doctest/doctest.h>

#include "client/invite/calls.hpp"
#include "tests/client/invite/pair.hpp"

using namespace beckon;
using namespace beckon::client;
using namespace beckon::client::test;
using sip::HeaderId;

namespace {

/// A direct session, as far as the book of calls knows it.
struct Direct final : call::Carrier {
  bool answer(Key, Now) override { return true; }
  bool reject(Key, Now) override { return true; }
  void hang_up(Key, Now) override { done.push_back("hang up"); }
  void withdraw(Key, Now) override { done.push_back("withdraw"); }
  std::optional<stream::CallStatistics> statistics(Key) const override { return {}; }
  std::vector<std::string> done;
};

/// alice's direct attempt got no answer: its INVITE, whose claim bob's device takes for what the test says.
struct Fixture : Pair {
  Fixture() {
    bob.calls->set_origin([this](const std::string& from, std::string_view claims, Now) {
      asked.push_back(from + " " + std::string(claims));
      return origin;
    });
    leg = alice.book.open({.peer = "sip:bob@example.org", .outgoing = true}, of_alice, 1, alice.now());
  }
  void fall_back() {
    REQUIRE(alice.calls->dial({.to = "sip:bob@example.org",
                               .why_not_direct = "slow",
                               .leg_of = leg,
                               .target = "sip:bob@example.org;gr=urn:uuid:1",
                               .claim = "call=1"},
                              {}, alice.now()));
    settle();
  }

  Direct of_alice, of_bob;
  call::Number leg = 0;
  invite::Origin origin;
  std::vector<std::string> asked;
};

}  // namespace

TEST_CASE_FIXTURE(
    Fixture,
    "the INVITE goes to the device that was called, and says which session it is of (DIRECT_SESSIONS 11)") {
  fall_back();
  CHECK(messages.front().request_uri_text() == "sip:bob@example.org;gr=urn:uuid:1");
  CHECK(messages.front().header("Direct-Session") == "call=1");
  CHECK(messages.front().header(HeaderId::to) == "<sip:bob@example.org>");
  CHECK(asked == std::vector<std::string>{" call=1"});  // nobody asserts who alice is
  CHECK(alice.state() == "ringing");
  CHECK(alice.call() == "1");
  SUBCASE("bob answers: the direct attempt is withdrawn") {
    REQUIRE(bob.book.answer(bob.call(), bob.now()));
    settle();
    CHECK(alice.state() == "active");
    CHECK(alice.of_last("kind") == "invite");
    CHECK(of_alice.done == std::vector<std::string>{"withdraw"});
  }
  SUBCASE("the session is answered: the INVITE is cancelled, with the reason (RFC 3326)") {
    alice.book.enter(leg, call::State::active, alice.now());
    settle();
    CHECK(count("alice CANCEL") == 1);
    CHECK(alice.state() == "active");
    CHECK(alice.of_last("kind") == "direct");
    CHECK(bob.state() == "ended");
    CHECK(bob.of_last("reason") == "Call completed elsewhere");
  }
  SUBCASE("bob answers while the CANCEL is on its way: the INVITE's dialog is ended") {
    REQUIRE(bob.book.answer(bob.call(), bob.now()));
    alice.book.enter(leg, call::State::active, alice.now());
    settle();
    CHECK(count("alice BYE") == 1);
    CHECK(alice.state() == "active");
    CHECK(alice.of_last("kind") == "direct");
  }
  SUBCASE("alice hangs up: both end") {
    REQUIRE(alice.book.hang_up("1", alice.now()));
    CHECK(of_alice.done == std::vector<std::string>{"hang up"});
    alice.book.end(leg, {"normal", 10, control::Cause::done}, alice.now());
    settle();
    CHECK(bob.state() == "ended");
  }
}

TEST_CASE_FIXTURE(Fixture, "who asserts the caller is the own server on a secured connection, nobody else") {
  lose = [this](const sip::Message& message) {
    if (message.is_response() || message.method() != sip::Method::invite) return false;
    bob.receive(*sip::Message::parse(share(
        sip::Splice(message).prepend(HeaderId::p_asserted_identity, "<sip:alice@example.org>").finish())));
    return true;
  };
  fall_back();
  CHECK(asked == std::vector<std::string>{"sip:alice@example.org call=1"});
}

TEST_CASE_FIXTURE(Fixture,
                  "a device that was not called directly gives the others two seconds before it rings") {
  origin.is_elsewhere = true;
  fall_back();
  CHECK(bob.count("call") == 0);
  SUBCASE("answered there: it never rings") {
    run(1900ms);
    alice.book.enter(leg, call::State::active, alice.now());
    settle();
    CHECK(count("bob 487") == 1);
    run(1s);
    CHECK(bob.count("call") == 0);
    CHECK(count("bob 180") == 0);
  }
  SUBCASE("not answered: it rings") {
    run(2s);
    CHECK(bob.state() == "ringing");
    CHECK(alice.state() == "ringing");
  }
}

TEST_CASE_FIXTURE(Fixture, "nobody rings twice: the INVITE of a session that rings here joins it") {
  const auto ringing =
      bob.book.open({.peer = "sip:alice@example.org", .state = call::State::ringing}, of_bob, 1, bob.now());
  origin.leg_of = ringing;
  SUBCASE("it rings") {
    fall_back();
    CHECK(bob.count("call") == 1);
    CHECK(count("bob 180") == 1);
    SUBCASE("the session is taken: the INVITE gets 486") {
      bob.book.enter(ringing, call::State::active, bob.now());
      settle();
      CHECK(count("bob 486") == 1);
      CHECK(bob.state() == "active");
    }
    SUBCASE("bob declines: 603") {
      REQUIRE(bob.book.reject("1", bob.now()));
      settle();
      CHECK(count("bob 603") == 1);
    }
  }
  SUBCASE("it has been taken: 486, and no alert") {
    bob.book.enter(ringing, call::State::active, bob.now());
    const auto reported = bob.count("call");
    fall_back();
    CHECK(count("bob 486") == 1);
    CHECK(bob.count("call") == reported);
  }
}

TEST_CASE_FIXTURE(Fixture,
                  "early media is not heard while a direct attempt may still be answered, and then is") {
  lose = [](const sip::Message& message) { return message.is_response() && message.status() == 180; };
  fall_back();
  const auto answer = [&] {
    auto copy = sip::Builder::reply(messages.front(), 183, "b");
    copy.add(HeaderId::contact, "<sip:bob@192.0.2.2>");
    sdp::Audio audio;
    audio.session_id = "1";
    audio.local = *parse_address("192.0.2.2:4000");
    audio.formats = {{0, "PCMU", 8000, 1, {}}};
    audio.keys.push_back({1, "AES_CM_128_HMAC_SHA1_80", {{Bytes(30, 7), {}, {}, {}}}, {}});
    sdp::Negotiation negotiation(audio);
    REQUIRE(negotiation.take_offer(messages.front().body()));
    alice.receive(
        *sip::Message::parse(share(std::move(copy).finish("application/sdp", negotiation.answer()))));
  };
  answer();
  CHECK(alice.last("call").contains("secured") == false);
  alice.book.end(leg, {"path lost", 11, control::Cause::unreachable, true}, alice.now());
  CHECK(alice.last("call").at("secured").as_bool());
}
