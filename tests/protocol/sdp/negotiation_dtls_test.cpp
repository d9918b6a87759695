#include <doctest/doctest.h>

#include <algorithm>

#include "protocol/sdp/negotiation.hpp"

using namespace beckon;
using namespace beckon::sdp;

namespace {

const std::string own_id = "0123456789abcdefghij";

Audio make_end(std::uint8_t octet, bool offered) {
  Audio out;
  out.session_id = "77";
  out.local = *parse_address("192.0.2.1:" + std::to_string(40000 + octet));
  out.formats = {{111, "opus", 48000, 2, {}}, {0, "PCMU", 8000, 1, {}}};
  out.keys = {{1, "AES_CM_128_HMAC_SHA1_80", {{Bytes(30, octet), {}, {}, {}}}, {}}};
  out.takes_plain = false;
  out.dtls = {{"sha-256", Bytes(32, octet)}, own_id, offered};
  out.ice = {{"ufrag" + std::to_string(octet), "passwordOf22Characters" + std::to_string(octet)}};
  return out;
}

std::string value(const Media& media, const char* name) {
  const auto* const found = find(media.attributes, name);
  return found == nullptr ? "-" : found->value.value_or("");
}

const std::string fingerprint = "a=fingerprint:sha-256 " + [] {
  std::string out = "AA";
  for (int i = 1; i < 32; ++i) out += ":AA";
  return out;
}() + "\r\n";

std::string make_sdp(const std::string& lines, const std::string& session_lines = "") {
  return "v=0\r\no=- 5 1 IN IP4 198.51.100.7\r\ns=-\r\nc=IN IP4 198.51.100.7\r\nt=0 0\r\n" + session_lines +
         lines;
}

/// Chromium, shortened: names of the session's level, ICE, a bundle.
const std::string browser_offer = make_sdp(
    "m=audio 9 UDP/TLS/RTP/SAVPF 111 63 0 126\r\nc=IN IP4 0.0.0.0\r\na=rtcp:9 IN IP4 0.0.0.0\r\n"
    "a=ice-ufrag:Kx2v\r\na=ice-pwd:l1VbVEGLJGB1HZkJCjLBZgRQ\r\na=ice-options:trickle\r\n" +
        fingerprint +
        "a=setup:actpass\r\na=mid:0\r\na=sendrecv\r\na=rtcp-mux\r\na=rtpmap:111 opus/48000/2\r\n"
        "a=rtpmap:63 red/48000/2\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:126 telephone-event/8000\r\n",
    "a=group:BUNDLE 0\r\na=msid-semantic: WMS\r\n");

}  // namespace

TEST_CASE("two ends agree on DTLS-SRTP: the answerer is the client (RFC 5763 5, RFC 8842 5)") {
  Negotiation caller(make_end(1, true)), callee(make_end(2, false));
  const std::string text = caller.offer();
  const auto offer = parse(text).value();
  CHECK(offer.media[0].protocol == "UDP/TLS/RTP/SAVPF");
  CHECK(value(offer.media[0], "setup") == "actpass");
  CHECK(value(offer.media[0], "tls-id") == own_id);
  CHECK(value(offer.media[0], "crypto") == "-");
  CHECK(find(offer.media[0].attributes, "rtcp-mux") != nullptr);
  CHECK(find(offer.attributes, "ice-lite") != nullptr);
  CHECK(parse_candidate(value(offer.media[0], "candidate")).value().port == 40001);
  REQUIRE(callee.take_offer(text));
  const std::string answered = callee.answer();
  const auto answer = parse(answered).value();
  CHECK(answer.media[0].protocol == "UDP/TLS/RTP/SAVPF");
  CHECK(value(answer.media[0], "setup") == "active");
  CHECK(value(answer.media[0], "tls-id") == own_id);
  CHECK(value(answer.media[0], "ice-ufrag") == "ufrag2");
  REQUIRE(caller.take_answer(answered));

  CHECK_FALSE(caller.agreement()->dtls->is_client);
  CHECK(callee.agreement()->dtls->is_client);
  CHECK(caller.agreement()->dtls->fingerprints == std::vector{Fingerprint{"sha-256", Bytes(32, 2)}});
  CHECK(callee.agreement()->dtls->fingerprints == std::vector{Fingerprint{"sha-256", Bytes(32, 1)}});
  CHECK(caller.agreement()->ice->ufrag == "ufrag2");
  CHECK(callee.agreement()->ice->ufrag == "ufrag1");
  CHECK(caller.agreement()->is_secured());
  CHECK_FALSE(caller.agreement()->local_key);
  CHECK(caller.agreement()->peer_is_lite);  // nobody checks, and `remote` holds
  CHECK(caller.agreement()->remote == Address{*parse_ip("192.0.2.1"), 40002});

  SUBCASE("a later offer says actpass, too, and the roles stay, whoever offers") {
    for (auto [from, to] : {std::pair{&caller, &callee}, std::pair{&callee, &caller}}) {
      from->set_held(!from->is_held());
      const std::string later = from->offer();
      CHECK(value(parse(later).value().media[0], "setup") == "actpass");
      REQUIRE(to->take_offer(later));
      const std::string its = to->answer();
      CHECK(value(parse(its).value().media[0], "setup") == (to == &callee ? "active" : "passive"));
      REQUIRE(from->take_answer(its));
      CHECK_FALSE(caller.agreement()->dtls->is_client);
      CHECK(callee.agreement()->dtls->is_client);
    }
  }
}

TEST_CASE("a browser's offer is answered with ICE lite, its bundle and no tls-id") {
  Negotiation callee(make_end(2, false));
  REQUIRE(callee.take_offer(browser_offer));
  const auto answer = parse(callee.answer()).value();
  CHECK(find(answer.attributes, "ice-lite") != nullptr);
  CHECK(find(answer.attributes, "group")->value == "BUNDLE 0");
  CHECK(value(answer.media[0], "mid") == "0");
  CHECK(value(answer.media[0], "setup") == "active");
  CHECK(value(answer.media[0], "ice-ufrag") == "ufrag2");
  CHECK(value(answer.media[0], "tls-id") == "-");
  CHECK(value(answer.media[0], "candidate") == "1 1 UDP 2130706431 192.0.2.1 40002 typ host");
  CHECK(find(answer.media[0].attributes, "rtcp-mux") != nullptr);
  CHECK(callee.agreement()->ice->ufrag == "Kx2v");
  // Its checks tell where it is; the unspecified address holds nothing.
  CHECK_FALSE(callee.agreement()->remote);
  CHECK(callee.agreement()->direction == Direction::sendrecv);
  CHECK_FALSE(callee.agreement()->peer_is_lite);
}

TEST_CASE("the peer's role, and where its lines stand") {
  struct Row {
    const char* what;
    std::string media, session;
    bool taken, is_client;
  };
  const std::string stream = "m=audio 5000 UDP/TLS/RTP/SAVP 0\r\n";
  const Row rows[] = {
      {"active", stream + fingerprint + "a=setup:active\r\n", "", true, false},
      {"passive", stream + fingerprint + "a=setup:passive\r\n", "", true, true},
      {"actpass", stream + fingerprint + "a=setup:actpass\r\n", "", true, true},
      {"no word", stream + fingerprint, "", true, true},
      {"of the session", stream, fingerprint + "a=setup:active\r\n", true, false},
      {"not now", stream + fingerprint + "a=setup:holdconn\r\n", "", false, false},
      {"no fingerprint", stream + "a=setup:active\r\n", "", false, false},
      {"an old browser", "m=audio 5000 RTP/SAVPF 0\r\n" + fingerprint + "a=setup:actpass\r\n", "", true,
       true},
  };
  for (const Row& row : rows) {
    CAPTURE(row.what);
    Negotiation callee(make_end(2, false));
    const auto taken = callee.take_offer(make_sdp(row.media, row.session));
    REQUIRE(taken.has_value() == row.taken);
    if (!taken) continue;
    const auto answer = parse(callee.answer()).value();
    CHECK(callee.agreement()->dtls->is_client == row.is_client);
    CHECK(value(answer.media[0], "setup") == (row.is_client ? "active" : "passive"));
    CHECK(find(answer.attributes, "ice-lite") == nullptr);
    // Reports go where media goes: one association, one port.
    CHECK(callee.agreement()->remote_rtcp == callee.agreement()->remote);
  }
}

TEST_CASE("answers to an offer of DTLS-SRTP without a usable fingerprint are refused") {
  for (const std::string& lines :
       {std::string("m=audio 5000 UDP/TLS/RTP/SAVPF 0\r\n"), std::string("m=audio 5000 RTP/AVP 0\r\n"),
        std::string("m=audio 5000 RTP/SAVP 0\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 "
                    "inline:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB\r\n"),
        "m=audio 5000 UDP/TLS/RTP/SAVPF 0\r\n" + fingerprint + "a=setup:holdconn\r\n"}) {
    CAPTURE(lines);
    Negotiation caller(make_end(1, true));
    (void)caller.offer();
    CHECK(caller.take_answer(make_sdp(lines)).error() == Errc::bad_answer);
  }
  // And one to SDES may not turn to DTLS.
  Negotiation caller(make_end(1, false));
  (void)caller.offer();
  CHECK(caller.take_answer(make_sdp("m=audio 5000 UDP/TLS/RTP/SAVPF 0\r\n" + fingerprint)).error() ==
        Errc::bad_answer);
}

TEST_CASE("an answer to a later offer that says actpass, as baresip's, changes no role") {
  for (const char* first : {"active", "passive"}) {
    CAPTURE(first);
    const std::string stream = "m=audio 5000 UDP/TLS/RTP/SAVPF 0\r\n" + fingerprint + "a=setup:";
    Negotiation caller(make_end(1, true));
    (void)caller.offer();
    REQUIRE(caller.take_answer(make_sdp(stream + first + "\r\n")));
    const auto before = caller.agreement()->dtls;
    (void)caller.offer();
    REQUIRE(caller.take_answer(make_sdp(stream + "actpass\r\n")));
    CHECK(caller.agreement()->dtls == before);
  }
}

TEST_CASE("an end without DTLS takes none, and one without ICE ignores it") {
  Audio audio = make_end(2, false);
  audio.ice.reset();
  Negotiation without_ice(audio);
  REQUIRE(without_ice.take_offer(browser_offer));
  CHECK(find(parse(without_ice.answer()).value().attributes, "ice-lite") == nullptr);
  audio.dtls.reset();
  CHECK(Negotiation(audio).take_offer(browser_offer).error() == Errc::no_common_stream);
}

TEST_CASE("with SDES the peer's ICE is answered, too; of a plain and a secured stream the secured is taken") {
  Negotiation callee(make_end(2, false));
  REQUIRE(
      callee.take_offer(make_sdp("m=audio 5000 RTP/SAVP 0\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 "
                                 "inline:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB\r\n",
                                 "a=ice-ufrag:Kx2v\r\na=ice-pwd:l1VbVEGLJGB1HZkJCjLBZgRQ\r\n")));
  CHECK(find(parse(callee.answer()).value().attributes, "ice-lite") != nullptr);
  CHECK(callee.agreement()->ice);

  Audio audio = make_end(2, false);
  audio.takes_plain = true;
  Negotiation lax(audio);
  REQUIRE(lax.take_offer(make_sdp("m=audio 5000 RTP/AVP 0\r\nm=audio 5002 UDP/TLS/RTP/SAVPF 0\r\n" +
                                  fingerprint + "a=setup:actpass\r\n")));
  const auto answer = parse(lax.answer()).value();
  CHECK(answer.media[0].port == 0);
  CHECK(answer.media[1].port == 40002);
}
