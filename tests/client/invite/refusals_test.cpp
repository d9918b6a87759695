#include <doctest/doctest.h>

#include "tests/client/invite/pair.hpp"

using namespace beckon;
using namespace beckon::client;
using namespace beckon::client::test;
using sip::HeaderId;
using sip::Method;

namespace {

const std::string offer =
    "v=0\r\no=- 1 1 IN IP4 198.51.100.7\r\ns=-\r\nc=IN IP4 198.51.100.7\r\nt=0 0\r\n"
    "m=audio 4000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n";

/// A peer that the test plays, and bob's calls over UDP.
struct Peer {
  MediaNetwork network;
  End bob{network, "bob", transaction::Protocol::udp, {}};
  std::uint32_t cseq = 0;
  std::string to_tag;
  int branch = 0;

  sip::Message make(std::string_view method, const Headers& headers = {}, const std::string& body = offer,
                    const std::string& type = "application/sdp", std::uint32_t number = 0) {
    auto builder = sip::Builder::request(method, "sip:bob@192.0.2.1");
    builder.add(HeaderId::via, "SIP/2.0/UDP 192.0.2.9:5061;branch=z9hG4bK" + std::to_string(++branch) + "x")
        .add(HeaderId::max_forwards, 70U)
        .add(HeaderId::from, "<sip:carol@example.org>;tag=c")
        .add(HeaderId::to, "<sip:bob@example.org>" + (to_tag.empty() ? "" : ";tag=" + to_tag))
        .add(HeaderId::call_id, "one")
        .add(HeaderId::cseq, std::to_string(number != 0 ? number : ++cseq) + " " + std::string(method))
        .add(HeaderId::contact, "<sip:carol@198.51.100.7:5070>");
    for (const auto& [id, value] : headers) builder.add(id, value);
    const auto text = body.empty() ? std::move(builder).finish() : std::move(builder).finish(type, body);
    return *sip::Message::parse(share(text));
  }
  std::vector<sip::Message> ask(const sip::Message& request) {
    auto responses = bob.ask(request);
    for (const auto& each : responses) {
      if (to_tag.empty() && each.status() > 100 && each.status() < 300) to_tag = each.to_tag();
    }
    return responses;
  }
  int last_status(const sip::Message& request) {
    const auto responses = ask(request);
    REQUIRE_FALSE(responses.empty());
    return responses.back().status();
  }
  void answer() {
    REQUIRE(bob.book.answer(bob.call(), bob.now()));
    const auto ok = bob.wire.take().message;
    CHECK(ok.status() == 200);
    bob.receive(make("ACK", {}, "", "", cseq));
    CHECK(bob.state() == "active");
  }
};

}  // namespace

TEST_CASE_FIXTURE(Peer, "what cannot be taken is refused before it rings") {
  SUBCASE("no common codec: 488") {
    std::string foreign = offer;
    foreign.replace(foreign.find("AVP 0"), 5, "AVP 3");
    const auto responses = ask(make("INVITE", {}, foreign));
    CHECK(responses.back().status() == 488);
    CHECK(responses.back().has(HeaderId::warning));
  }
  SUBCASE("malformed: 400") { CHECK(last_status(make("INVITE", {}, "v=1\r\n")) == 400); }
  SUBCASE("another body: 415") {
    const auto responses = ask(make("INVITE", {}, "hello", "text/plain"));
    CHECK(responses.back().status() == 415);
    CHECK(responses.back().header(HeaderId::accept) == "application/sdp");
  }
  SUBCASE("a short session: 422") {
    const auto responses =
        ask(make("INVITE", {{HeaderId::session_expires, "30"}, {HeaderId::supported, "timer"}}));
    CHECK(responses.back().status() == 422);
    CHECK(responses.back().header(HeaderId::min_se) == "90");
  }
  SUBCASE("an unknown extension: 420") {
    CHECK(last_status(make("INVITE", {{HeaderId::require, "teleportation"}})) == 420);
  }
  SUBCASE("no port: 500") {
    bob.ports.fails = true;
    CHECK(last_status(make("INVITE")) == 500);
  }
  SUBCASE("no dialog: 481") {
    to_tag = "x";
    for (const char* method : {"BYE", "UPDATE", "INFO", "PRACK", "INVITE"})
      CHECK(last_status(make(method)) == 481);
  }
  CHECK(bob.count("call") == 0);
  CHECK(network.ports.size() <= 1);
  bob.pass(1s);
  CHECK(network.ports.empty());
}

TEST_CASE_FIXTURE(Peer, "a peer without SDES is refused over TLS") {
  End secured{network, "bob", transaction::Protocol::tls, {}};
  const auto responses = secured.ask(make("INVITE"));
  CHECK(responses.back().status() == 488);
  CHECK(responses.back().header(HeaderId::warning).find("SRTP") != std::string_view::npos);
  End lax{network, "bob", transaction::Protocol::tls, {.takes_plain = true}};
  CHECK(lax.ask(make("INVITE")).back().status() == 180);
}

TEST_CASE_FIXTURE(Peer, "responses that make the dialog name the proxies of the request (RFC 3261 12.1.1)") {
  const auto responses = ask(make("INVITE", {{HeaderId::record_route, "<sip:p1;lr>, <sip:p2;lr>"}}));
  CHECK(responses.back().header(HeaderId::record_route) == "<sip:p1;lr>, <sip:p2;lr>");
  REQUIRE(bob.book.answer(bob.call(), bob.now()));
  CHECK(bob.wire.take().message.values(HeaderId::record_route).size() == 2);
}

TEST_CASE_FIXTURE(Peer, "the same INVITE over another way is merged: 482 (RFC 3261 8.2.2.2)") {
  CHECK(last_status(make("INVITE")) == 180);
  to_tag.clear();
  CHECK(last_status(make("INVITE", {}, offer, "application/sdp", cseq)) == 482);
}

TEST_CASE_FIXTURE(Peer, "an INVITE without offer is answered with one, and the ACK has the answer") {
  CHECK(last_status(make("INVITE", {}, "")) == 180);
  REQUIRE(bob.book.answer(bob.call(), bob.now()));
  const auto ok = bob.wire.take().message;
  CHECK(ok.body().find("m=audio 30000 RTP/AVP 111 0 8") != std::string_view::npos);
  SUBCASE("one that fits") {
    bob.receive(make("ACK", {}, offer, "application/sdp", cseq));
    CHECK(bob.state() == "active");
  }
  SUBCASE("none: the call ends") {
    bob.receive(make("ACK", {}, "", "", cseq));
    CHECK(bob.state() == "ended");
    CHECK(bob.wire.take().message.method() == Method::bye);
  }
}

TEST_CASE_FIXTURE(Peer, "a caller that requires 100rel gets a 180 until its PRACK (RFC 3262 3)") {
  const auto responses = ask(make("INVITE", {{HeaderId::require, "100rel"}}));
  REQUIRE(responses.back().status() == 180);
  CHECK(responses.back().lists(HeaderId::require, "100rel"));
  const std::string number(responses.back().header(HeaderId::rseq));
  bob.pass(500ms);
  CHECK(bob.wire.take().message.status() == 180);
  const auto invite = std::to_string(cseq);
  SUBCASE("confirmed") {
    CHECK(last_status(make("PRACK", {{HeaderId::rack, number + " 99 INVITE"}}, "")) == 481);
    CHECK(last_status(make("PRACK", {{HeaderId::rack, number + " " + invite + " INVITE"}}, "")) == 200);
    bob.pass(5s);
    CHECK(bob.wire.is_silent());
  }
  SUBCASE("not confirmed within 64*T1: 504") {
    bob.pass(40s);
    CHECK(bob.state() == "ended");
    bool refused = false;
    while (!bob.wire.is_silent()) refused |= bob.wire.take().message.status() == 504;
    CHECK(refused);
  }
}

TEST_CASE_FIXTURE(Peer, "in a call: re-INVITE and UPDATE with offers, INFO with digits") {
  CHECK(last_status(make("INVITE", {{HeaderId::allow, "INVITE, ACK, UPDATE"}})) == 180);
  answer();
  std::string held = offer + "a=sendonly\r\n";
  SUBCASE("re-INVITE") {
    CHECK(last_status(make("INVITE", {}, held)) == 200);
    CHECK(bob.of_last("held") == "there");
    // "MUST return a 500" to a second one before the ACK (14.2).
    CHECK(last_status(make("INVITE", {}, offer)) == 500);
    bob.receive(make("ACK", {}, "", "", cseq - 1));
    CHECK(last_status(make("INVITE", {}, offer)) == 200);
    CHECK(bob.of_last("held") == "");
  }
  SUBCASE("UPDATE") {
    const auto responses = ask(make("UPDATE", {}, held));
    CHECK(responses.back().status() == 200);
    CHECK(responses.back().body().find("a=recvonly") != std::string_view::npos);
    CHECK(bob.of_last("held") == "there");
    CHECK(last_status(make("UPDATE", {}, "")) == 200);
  }
  SUBCASE("an offer that cannot be taken leaves the call as it was") {
    std::string foreign = offer;
    foreign.replace(foreign.find("AVP 0"), 5, "AVP 3");
    CHECK(last_status(make("INVITE", {}, foreign)) == 488);
    CHECK(bob.state() == "active");
  }
  SUBCASE("INFO") {
    CHECK(last_status(make("INFO", {}, "Signal=7\r\nDuration=100\r\n", "application/dtmf-relay")) == 200);
    CHECK(bob.last("dtmf").at("digit") == "7");
    CHECK(last_status(make("INFO", {}, "x", "text/plain")) == 415);
    CHECK(last_status(make("INFO", {}, "")) == 200);
  }
  SUBCASE("digits go by INFO to a peer without telephone-event, one after the other") {
    CHECK(bob.book.send_digits(bob.call(), "12", bob.now()) == call::Book::Found::done);
    const auto first = bob.wire.take().message;
    CHECK(first.body().starts_with("Signal=1\r\n"));
    CHECK(bob.wire.is_silent());
    bob.receive(reply_to(first, 200));
    CHECK(bob.wire.take().message.body().starts_with("Signal=2\r\n"));
  }
  SUBCASE("a request out of order: 500") { CHECK(last_status(make("INFO", {}, "", "", 1)) == 500); }
  SUBCASE("the peer says BYE with a reason") {
    CHECK(last_status(make("BYE", {{HeaderId::reason, "SIP ;cause=480 ;text=\"Out of battery\""}}, "")) ==
          200);
    CHECK(bob.of_last("reason") == "Out of battery");
    CHECK(bob.of_last("cause") == "unavailable");
  }
  SUBCASE("the dialog is lost for the peer: the call ends") {
    CHECK(bob.book.hold(bob.call(), true, bob.now()) == call::Book::Found::done);
    bob.answer(481);
    CHECK(bob.state() == "ended");
    CHECK(bob.of_last("cause") == "unreachable");
  }
  SUBCASE("the peer refuses to be held: the call goes on") {
    CHECK(bob.book.hold(bob.call(), true, bob.now()) == call::Book::Found::done);
    bob.answer(488);
    CHECK(bob.state() == "active");
    CHECK(bob.of_last("held") == "");
  }
}

TEST_CASE("the caller: early media, reliable responses, forks, refusals") {
  MediaNetwork network;
  End alice{network, "alice", transaction::Protocol::udp, {}};
  REQUIRE(alice.calls->dial("sip:bob@example.org", {}, "", alice.now()));
  const auto invite = alice.wire.take().message;
  CHECK(invite.lists(HeaderId::supported, "100rel"));
  CHECK(invite.lists(HeaderId::supported, "timer"));
  const auto respond = [&](int status, const std::string& tag, const Headers& headers,
                           const std::string& body) {
    auto builder = sip::Builder::reply(invite, status, tag);
    builder.add(HeaderId::contact, "<sip:" + tag + "@198.51.100.7:5070>");
    for (const auto& [id, value] : headers) builder.add(id, value);
    const auto text =
        body.empty() ? std::move(builder).finish() : std::move(builder).finish("application/sdp", body);
    alice.receive(*sip::Message::parse(share(text)));
  };

  SUBCASE("a reliable 183 with an answer is confirmed with PRACK, and its media is played (RFC 3262 4)") {
    respond(183, "b", {{HeaderId::require, "100rel"}, {HeaderId::rseq, "7"}}, offer);
    const auto prack = alice.wire.take().message;
    CHECK(prack.method() == Method::prack);
    CHECK(prack.header(HeaderId::rack) == "7 " + std::to_string(invite.cseq()->number) + " INVITE");
    CHECK(prack.request_uri_text() == "sip:b@198.51.100.7:5070");
    alice.receive(reply_to(prack, 200));
    CHECK_FALSE(alice.last("call").at("secured").as_bool());
    alice.pass(200ms);
    CHECK(network.waiting.empty());  // a caller does not speak before the answer
    // One that overtook the next is not confirmed.
    respond(180, "b", {{HeaderId::require, "100rel"}, {HeaderId::rseq, "9"}}, "");
    CHECK(alice.wire.is_silent());
    respond(180, "b", {{HeaderId::require, "100rel"}, {HeaderId::rseq, "8"}}, "");
    const auto second = alice.wire.take().message;
    CHECK(second.cseq()->number == prack.cseq()->number + 1);
    alice.receive(reply_to(second, 200));
    CHECK(alice.state() == "ringing");
    respond(200, "b", {}, offer);
    CHECK(alice.wire.take().message.method() == Method::ack);
    CHECK(alice.state() == "active");
    alice.pass(200ms);
    CHECK(network.waiting.size() >= 9);
    REQUIRE(alice.book.hang_up(alice.call(), alice.now()));
    CHECK(alice.wire.take().message.cseq()->number == second.cseq()->number + 1);
  }
  SUBCASE("of two forks that answer the second gets BYE (RFC 3261 13.2.2.4)") {
    respond(180, "b", {}, "");
    respond(180, "c", {}, "");
    respond(200, "c", {}, offer);
    CHECK(alice.wire.take().message.method() == Method::ack);
    CHECK(alice.state() == "active");
    respond(200, "b", {}, offer);
    CHECK(alice.wire.take().message.method() == Method::ack);
    const auto bye = alice.wire.take().message;
    CHECK(bye.method() == Method::bye);
    CHECK(bye.to_tag() == "b");
    CHECK(alice.state() == "active");
    respond(200, "c", {}, offer);
    CHECK(alice.wire.take().message.method() == Method::ack);
    CHECK(alice.wire.is_silent());
  }
  SUBCASE("an answer that does not fit ends the call") {
    respond(200, "b", {}, "v=0\r\no=- 1 1 IN IP4 1.2.3.4\r\ns=-\r\nt=0 0\r\nm=audio 0 RTP/AVP 0\r\n");
    CHECK(alice.wire.take().message.method() == Method::ack);
    CHECK(alice.wire.take().message.method() == Method::bye);
    CHECK(alice.state() == "ended");
    CHECK(alice.of_last("cause") == "failed");
  }
  SUBCASE("busy") {
    respond(486, "b", {}, "");
    CHECK(alice.of_last("cause") == "unavailable");
    CHECK(alice.last("call").at("reason_code") == 486);
    CHECK(alice.of_last("reason") == "Busy Here");
  }
  SUBCASE("a longer session is asked for: once more (RFC 4028 7.1)") {
    respond(422, "b", {{HeaderId::min_se, "3600"}}, "");
    CHECK(alice.wire.take().message.method() == Method::ack);
    const auto again = alice.wire.take().message;
    CHECK(again.header(HeaderId::session_expires) == "3600");
    CHECK(again.header(HeaderId::min_se) == "3600");
    CHECK(alice.state() == "dialing");
  }
  SUBCASE("no answer at all") {
    alice.pass(40s);
    CHECK(alice.state() == "ended");
    CHECK(alice.of_last("cause") == "unreachable");
  }
}
