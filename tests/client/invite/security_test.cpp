#include <doctest/doctest.h>

#include "media/dtls/association.hpp"
#include "protocol/stun/message.hpp"
#include "tests/client/invite/pair.hpp"

using namespace beckon;
using namespace beckon::client;
using namespace beckon::client::test;
using invite::Options;
using sip::HeaderId;
using sip::Method;

namespace {

std::uint64_t heard(End& end) {
  REQUIRE(end.book.report_statistics(end.call(), end.now()));
  return end.last("call-statistics").at("received").to_number<std::uint64_t>();
}

bool is_secured(const End& end) {
  const auto event = end.last("call");
  const auto* const secured = event.if_contains("secured");
  return secured != nullptr && secured->as_bool();
}

std::string print_digest(const Bytes& digest) { return sdp::print(sdp::Fingerprint{"sha-256", digest}); }

/// A browser, as far as its media goes: it checks its way, nominates, and waits for the hello.
struct Browser {
  const Address at = *parse_address("198.51.100.7:4000");
  dtls::Identity identity;
  MediaNetwork& network;
  dtls::Association association{
      identity, [this](const Address& to, ByteView datagram) {
        network.waiting.push_back({at, to, Bytes(datagram.begin(), datagram.end())});
      }};
  std::size_t media = 0, checks = 0, hellos = 0;
  const End* clock;

  Browser(MediaNetwork& of, const End& end) : network(of), clock(&end) {
    network.ports[at] = [this](const Address& from, ByteView datagram) {
      if (datagram[0] < 4) {
        ++checks;
      } else if (datagram[0] < 64) {
        ++hellos;
        association.on_datagram(from, datagram, clock->now().mono);
      } else {
        ++media;
      }
    };
  }
  std::string offer() const {
    return "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\n"
           "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\nc=IN IP4 0.0.0.0\r\na=rtcp:9 IN IP4 0.0.0.0\r\n"
           "a=ice-ufrag:Kx2v\r\na=ice-pwd:l1VbVEGLJGB1HZkJCjLBZgRQ\r\na=fingerprint:" +
           print_digest(identity.fingerprint().digest) +
           "\r\na=setup:actpass\r\na=mid:0\r\na=sendrecv\r\na=rtcp-mux\r\na=rtpmap:0 PCMU/8000\r\n";
  }
  void check(const sdp::Session& answer, bool nominates) {
    const auto& stream = answer.media.at(0);
    const auto line = [&](const char* name) { return *sdp::find(stream.attributes, name)->value; };
    stun::Writer out(stun::Class::request, stun::binding, {7});
    out.add(stun::attribute::username, as_bytes(line("ice-ufrag") + ":Kx2v"));
    out.add(stun::attribute::priority, Bytes{0x6e, 0, 1, 0xff});
    out.add(stun::attribute::ice_controlling, Bytes(8, 7));
    if (nominates) out.add(stun::attribute::use_candidate, {});
    out.add_sha1_integrity(as_bytes(line("ice-pwd"))).add_fingerprint();
    network.waiting.push_back({at, target(answer), out.bytes()});
  }
  static Address target(const sdp::Session& answer) {
    const auto candidate =
        sdp::parse_candidate(*sdp::find(answer.media.at(0).attributes, "candidate")->value).value();
    return {*parse_ip(candidate.address), candidate.port};
  }
};

}  // namespace

TEST_CASE("DTLS-SRTP over both kinds of signalling: nobody can listen, and both hear each other (RFC 5763)") {
  for (const auto protocol : {transaction::Protocol::udp, transaction::Protocol::tls}) {
    CAPTURE(static_cast<int>(protocol));
    // bob takes it whatever he offers himself.
    Pair pair(protocol, {.security = Options::Security::dtls}, {.security = Options::Security::sdes});
    pair.talk();
    CHECK(is_secured(pair.alice));
    CHECK(is_secured(pair.bob));
    pair.run(1s);
    // The handshake is done within some round trips of 10 ms, as alice listens from her offer on.
    CHECK(heard(pair.alice) >= 35);
    CHECK(heard(pair.bob) >= 35);

    const auto before = heard(pair.alice);
    CHECK(pair.bob.book.hold(pair.bob.call(), true, pair.bob.now()) == call::Book::Found::done);
    pair.run(200ms);
    CHECK(pair.bob.book.hold(pair.bob.call(), false, pair.bob.now()) == call::Book::Found::done);
    pair.run(500ms);
    CHECK(heard(pair.alice) >= before + 20);
    CHECK(heard(pair.bob) >= 45);
    REQUIRE(pair.alice.book.hang_up(pair.alice.call(), pair.alice.now()));
    pair.settle();
    CHECK(pair.bob.of_last("cause") == "done");
  }
}

TEST_CASE("what was offered is refused with 488: DTLS-SRTP is offered instead, once") {
  MediaNetwork network;
  for (const auto security : {Options::Security::best, Options::Security::sdes, Options::Security::dtls}) {
    CAPTURE(static_cast<int>(security));
    End alice{network, "alice", transaction::Protocol::tls, {.security = security}};
    REQUIRE(alice.calls->dial("sip:bob@example.org", {}, "", alice.now()));
    const auto first = alice.answer(488);
    const bool is_dtls = first.body().find("UDP/TLS/RTP/SAVPF") != std::string_view::npos;
    CHECK(is_dtls == (security == Options::Security::dtls));
    while (!alice.wire.sent.empty() && alice.wire.sent.front().message.method() == Method::ack)
      (void)alice.wire.take();
    if (security != Options::Security::best) {
      CHECK(alice.state() == "ended");
      continue;
    }
    CHECK(alice.state() == "dialing");
    const auto second = alice.answer(488);
    CHECK(second.method() == Method::invite);
    CHECK(second.body().find("UDP/TLS/RTP/SAVPF") != std::string_view::npos);
    CHECK(second.body().find("a=ice-lite") != std::string_view::npos);
    CHECK(alice.state() == "ended");
  }
}

TEST_CASE("a browser's ICE is answered; media and the hello go where it nominates, and not before") {
  Pair pair;
  Browser browser(pair.network, pair.bob);
  auto builder = sip::Builder::request("INVITE", "sip:bob@192.0.2.1");
  builder.add(HeaderId::via, "SIP/2.0/TLS 192.0.2.9:5061;branch=z9hG4bKx")
      .add(HeaderId::max_forwards, 70U)
      .add(HeaderId::from, "<sip:carol@example.org>;tag=c")
      .add(HeaderId::to, "<sip:bob@example.org>")
      .add(HeaderId::call_id, "one")
      .add(HeaderId::cseq, "1 INVITE")
      .add(HeaderId::contact, "<sip:carol@198.51.100.7:5070;transport=tls>");
  const auto invite =
      *sip::Message::parse(share(std::move(builder).finish("application/sdp", browser.offer())));
  CHECK(pair.bob.ask(invite).back().status() == 180);
  REQUIRE(pair.bob.book.answer(pair.bob.call(), pair.bob.now()));
  const auto ok = pair.bob.wire.take().message;
  REQUIRE(ok.status() == 200);
  const auto answer = sdp::parse(ok.body()).value();
  browser.association.agree(
      {dtls::Role::server,
       {{"sha-256", sdp::parse_fingerprint(*sdp::find(answer.media.at(0).attributes, "fingerprint")->value)
                        .value()
                        .digest}},
       {}},
      pair.bob.now().mono);
  const auto pass = [&](Duration time) {
    for (Duration passed{}; passed < time; passed += 10ms) {
      pair.bob.pass(10ms);
      pair.network.deliver();
    }
  };
  pass(200ms);
  CHECK(browser.hellos + browser.media == 0);
  browser.check(answer, false);
  pass(100ms);
  CHECK(browser.checks == 1);
  CHECK(browser.hellos + browser.media == 0);
  browser.check(answer, true);
  pass(150ms);
  CHECK(browser.hellos > 0);
  CHECK(browser.association.state() == dtls::Association::State::verified);
  pass(500ms);
  CHECK(browser.media >= 20);
  CHECK(is_secured(pair.bob));
  pair.network.ports.erase(browser.at);
}

TEST_CASE("a peer with another certificate than it says is not talked to") {
  Pair pair(transaction::Protocol::udp, {.security = Options::Security::dtls});
  // Somebody on the way puts another fingerprint into bob's answer, and alice's port hears bob nevertheless.
  pair.change = [](const std::string& text) {
    const auto at = text.find("a=fingerprint:sha-256 ");
    if (at == std::string::npos || text.find("a=setup:active") == std::string::npos) return text;
    std::string out = text;
    out[at + 22] = out[at + 22] == '0' ? '1' : '0';
    return out;
  };
  pair.talk();
  pair.run(1s);
  CHECK(heard(pair.alice) == 0);
}
