#include "client/invite/calls.hpp"

#include <doctest/doctest.h>

#include "tests/client/invite/pair.hpp"

using namespace beckon;
using namespace beckon::client;
using namespace beckon::client::test;
using sip::HeaderId;
using sip::Method;

namespace {

const sip::Message* find(const Pair& pair, std::string_view start) {
  for (std::size_t i = pair.seen.size(); i-- > 0;) {
    if (pair.seen[i] == start) return &pair.messages[i];
  }
  return nullptr;
}

std::uint64_t received(const End& end) {
  REQUIRE(const_cast<End&>(end).book.report_statistics(end.call(), end.now()));
  return end.last("call-statistics").at("received").to_number<std::uint64_t>();
}

}  // namespace

//   alice              bob
//    |--INVITE (offer)-->|
//    |<-180--------------|
//    |<-200 (answer)-----|
//    |--ACK------------->|
//    |<======SRTP=======>|
//    |--BYE------------->|
TEST_CASE("a call: it rings, is answered, both hear each other, one hangs up") {
  Pair pair;
  const auto number = pair.alice.calls->dial("sip:bob@example.org", {}, "because", pair.alice.now());
  REQUIRE(number);
  CHECK(pair.alice.state() == "dialing");
  CHECK(pair.alice.of_last("kind") == "invite");
  CHECK(pair.alice.of_last("why_not_direct") == "because");
  pair.settle();
  CHECK(pair.alice.state() == "ringing");
  CHECK(pair.bob.state() == "ringing");
  CHECK(pair.bob.of_last("direction") == "in");
  CHECK(pair.bob.of_last("peer") == "sip:alice@example.org");
  CHECK(pair.bob.of_last("kind") == "invite");

  REQUIRE(pair.bob.book.answer(pair.bob.call(), pair.bob.now()));
  CHECK(pair.bob.state() == "answered");
  pair.settle();
  CHECK(pair.alice.state() == "active");
  CHECK(pair.bob.state() == "active");
  CHECK(pair.alice.last("call").at("secured").as_bool());
  CHECK_FALSE(pair.alice.last("call").contains("held"));
  pair.run(1s);
  CHECK(received(pair.alice) >= 45);
  CHECK(received(pair.bob) >= 45);
  CHECK(pair.alice.count("media") == 2);

  SUBCASE("the caller hangs up") { REQUIRE(pair.alice.book.hang_up(pair.alice.call(), pair.alice.now())); }
  SUBCASE("the callee hangs up") { REQUIRE(pair.bob.book.hang_up(pair.bob.call(), pair.bob.now())); }
  pair.settle();
  for (const End* end : {&pair.alice, &pair.bob}) {
    CHECK(end->state() == "ended");
    CHECK(end->of_last("cause") == "done");
    CHECK(end->of_last("reason") == "normal");
    CHECK(end->count("call-statistics") >= 1);
  }
  CHECK(pair.count("alice BYE") + pair.count("bob BYE") == 1);
  const auto carried = pair.network.carried;
  pair.run(1s);
  CHECK(pair.network.carried <= carried + 2);  // the last reports
  CHECK(pair.network.ports.empty());
}

TEST_CASE("a challenge costs one more round trip, and the call goes on (RFC 3261 22.2)") {
  Pair pair;
  REQUIRE(pair.alice.calls->dial("sip:bob@example.org", {}, "", pair.alice.now()));
  const auto first = pair.alice.answer(407, {{HeaderId::proxy_authenticate, challenge("n1").second}});
  const auto ack = pair.alice.wire.take().message;
  CHECK(ack.method() == Method::ack);
  CHECK(pair.alice.wire.sent.front().message.has(HeaderId::proxy_authorization));
  CHECK(pair.alice.wire.sent.front().message.cseq()->number == first.cseq()->number + 1);
  pair.settle();
  CHECK(pair.alice.state() == "ringing");
}

TEST_CASE("the callee declines: 603, refused") {
  Pair pair;
  REQUIRE(pair.alice.calls->dial("sip:bob@example.org", {}, "", pair.alice.now()));
  pair.settle();
  REQUIRE(pair.bob.book.reject(pair.bob.call(), pair.bob.now()));
  CHECK_FALSE(pair.bob.book.answer(pair.bob.call(), pair.bob.now()));
  pair.settle();
  CHECK(pair.alice.state() == "ended");
  CHECK(pair.alice.of_last("cause") == "refused");
  CHECK(pair.alice.last("call").at("reason_code") == 603);
  CHECK(pair.bob.state() == "ended");
}

TEST_CASE("the caller gives up: CANCEL and 487 (RFC 3261 9)") {
  Pair pair;
  REQUIRE(pair.alice.calls->dial("sip:bob@example.org", {}, "", pair.alice.now()));
  SUBCASE("while it rings") { pair.settle(); }
  SUBCASE("before anything came back") {}
  REQUIRE(pair.alice.book.hang_up(pair.alice.call(), pair.alice.now()));
  CHECK(pair.alice.state() == "ended");
  CHECK(pair.alice.of_last("cause") == "done");
  pair.settle();
  CHECK(pair.count("alice CANCEL") == 1);
  CHECK(pair.count("bob 487") == 1);
  CHECK(pair.bob.state() == "ended");
  CHECK(pair.bob.of_last("reason") == "the caller gave up");
}

TEST_CASE("a 2xx that crosses the CANCEL is confirmed, and ended with BYE (RFC 3261 9.1)") {
  Pair pair;
  REQUIRE(pair.alice.calls->dial("sip:bob@example.org", {}, "", pair.alice.now()));
  pair.settle();
  REQUIRE(pair.bob.book.answer(pair.bob.call(), pair.bob.now()));
  REQUIRE(pair.alice.book.hang_up(pair.alice.call(), pair.alice.now()));
  pair.settle();
  CHECK(pair.count("alice ACK") >= 1);
  CHECK(pair.count("alice BYE") == 1);
  CHECK(pair.bob.state() == "ended");
  CHECK(pair.bob.of_last("cause") == "done");
}

TEST_CASE("a 2xx is repeated until its ACK comes; each copy gets an ACK (RFC 3261 13.3.1.4, 13.2.2.4)") {
  Pair pair;
  int lost = 0;
  pair.lose = [&](const sip::Message& message) {
    return message.method() == Method::ack && message.is_request() && ++lost <= 2;
  };
  pair.talk();
  CHECK(pair.bob.state() == "answered");
  pair.run(3s);
  CHECK(pair.bob.state() == "active");
  CHECK(pair.count("bob 200") == 3);
  CHECK(pair.count("alice ACK") == 3);
}

TEST_CASE("without any ACK the callee ends the call after 64*T1 (RFC 3261 13.3.1.4)") {
  Pair pair;
  pair.lose = [](const sip::Message& message) {
    return message.is_request() && message.method() == Method::ack;
  };
  pair.talk();
  pair.run(33s);
  CHECK(pair.bob.state() == "ended");
  CHECK(pair.bob.last("call").at("reason_code") == 408);
  CHECK(pair.alice.state() == "ended");
  REQUIRE(find(pair, "bob BYE") != nullptr);
  CHECK(find(pair, "bob BYE")->header(HeaderId::reason).starts_with("SIP ;cause=408"));
}

TEST_CASE("hold and resume by the caller and by the callee (RFC 3264 8.4)") {
  Pair pair;
  pair.talk();
  pair.run(200ms);
  const bool by_alice = [&] {
    bool out = true;
    SUBCASE("caller") { out = true; }
    SUBCASE("callee") { out = false; }
    return out;
  }();
  End& holder = by_alice ? pair.alice : pair.bob;
  End& held = by_alice ? pair.bob : pair.alice;
  CHECK(holder.book.hold(holder.call(), true, holder.now()) == call::Book::Found::done);
  pair.settle();
  CHECK(holder.of_last("held") == "here");
  CHECK(held.of_last("held") == "there");
  pair.run(200ms);
  const auto before = received(holder), before_there = received(held);
  pair.run(1s);
  CHECK(received(holder) <= before + 1);
  CHECK(received(held) >= before_there + 40);  // the holder may play music

  CHECK(held.book.hold(held.call(), true, held.now()) == call::Book::Found::done);
  pair.settle();
  CHECK(holder.of_last("held") == "both");
  CHECK(held.of_last("held") == "both");
  CHECK(held.book.hold(held.call(), false, held.now()) == call::Book::Found::done);
  CHECK(holder.book.hold(holder.call(), false, holder.now()) == call::Book::Found::done);
  pair.run(5s);
  CHECK(holder.of_last("held") == "");
  CHECK(held.of_last("held") == "");
  const auto after = received(holder);
  pair.run(1s);
  CHECK(received(holder) >= after + 40);
}

TEST_CASE("both hold at once: 491, then one after the other (RFC 3261 14.1)") {
  Pair pair;
  pair.talk();
  pair.run(100ms);
  CHECK(pair.alice.book.hold(pair.alice.call(), true, pair.alice.now()) == call::Book::Found::done);
  CHECK(pair.bob.book.hold(pair.bob.call(), true, pair.bob.now()) == call::Book::Found::done);
  pair.settle();
  CHECK(pair.count("alice 491") + pair.count("bob 491") == 2);
  pair.run(6s);
  CHECK(pair.alice.of_last("held") == "both");
  CHECK(pair.bob.of_last("held") == "both");
}

TEST_CASE("digits go both ways (RFC 4733)") {
  Pair pair;
  pair.talk();
  pair.run(200ms);
  CHECK(pair.alice.book.send_digits(pair.alice.call(), "19#", pair.alice.now()) == call::Book::Found::done);
  CHECK(pair.alice.book.send_digits(pair.alice.call(), "x", pair.alice.now()) ==
        call::Book::Found::not_possible);
  CHECK(pair.alice.book.send_digits("99", "1", pair.alice.now()) == call::Book::Found::no_call);
  pair.run(2s);
  CHECK(pair.bob.count("dtmf") == 3);
  CHECK(pair.bob.last("dtmf").at("digit") == "#");
}

TEST_CASE("over UDP media is plain; over TLS only where both ends are told to take that") {
  SUBCASE("UDP") {
    Pair pair(transaction::Protocol::udp);
    pair.talk();
    CHECK_FALSE(pair.alice.last("call").at("secured").as_bool());
    pair.run(500ms);
    CHECK(received(pair.bob) >= 20);
  }
  SUBCASE("an end that takes plain media still prefers SDES") {
    Pair pair(transaction::Protocol::tls, {.takes_plain = true}, {});
    pair.talk();
    CHECK(pair.alice.last("call").at("secured").as_bool());
  }
}

TEST_CASE("a session is refreshed, and ends when nobody does (RFC 4028)") {
  Pair pair;
  pair.talk();
  // On hold there is nothing to encode in half an hour.
  CHECK(pair.alice.book.hold(pair.alice.call(), true, pair.alice.now()) == call::Book::Found::done);
  pair.settle();
  CHECK(pair.bob.book.hold(pair.bob.call(), true, pair.bob.now()) == call::Book::Found::done);
  pair.settle();
  SUBCASE("the caller refreshes with UPDATE after half of 1800 s") {
    pair.alice.pass(901s);
    pair.bob.pass(901s);
    pair.settle();
    CHECK(pair.count("alice UPDATE") == 1);
    CHECK(find(pair, "bob 200")->header(HeaderId::session_expires) == "1800;refresher=uac");
    CHECK(pair.alice.state() == "active");
  }
  SUBCASE("the callee ends it shortly before the interval is over") {
    pair.lose = [](const sip::Message& message) {
      return message.is_request() && message.method() == Method::update;
    };
    pair.bob.pass(1769s);
    pair.settle();
    CHECK(pair.bob.state() == "ended");
    CHECK(pair.bob.of_last("reason") == "Session timer expired");
    CHECK(pair.alice.state() == "ended");
    CHECK(pair.alice.last("call").at("reason_code") == 408);
  }
}

TEST_CASE("several calls at once, each with a port of its own") {
  Pair pair;
  pair.talk();
  const auto first = pair.bob.call();
  pair.talk();
  CHECK(pair.bob.call() != first);
  CHECK(pair.network.ports.size() == 4);
  pair.run(500ms);
  pair.alice.book.hang_up_all(pair.alice.now());
  pair.settle();
  CHECK(pair.bob.book.json().empty());
}
