#include "protocol/sdp/negotiation.hpp"

#include <doctest/doctest.h>

#include <algorithm>

using namespace beckon;
using namespace beckon::sdp;

namespace {

Crypto make_key(std::uint32_t tag, const std::string& suite, std::uint8_t octet) {
  return {tag, suite, {{Bytes(30, octet), {}, {}, {}}}, {}};
}

constexpr const char* suite_80 = "AES_CM_128_HMAC_SHA1_80";
constexpr const char* suite_32 = "AES_CM_128_HMAC_SHA1_32";

Audio make_audio(std::uint16_t port = 40000) {
  Audio out;
  out.session_id = "77";
  out.local = *parse_address("192.0.2.1:" + std::to_string(port));
  out.formats = {{111, "opus", 48000, 2, "useinbandfec=1"},
                 {0, "PCMU", 8000, 1, {}},
                 {8, "PCMA", 8000, 1, {}},
                 {101, "telephone-event", 8000, 1, "0-16"},
                 {110, "telephone-event", 48000, 1, "0-16"}};
  return out;
}

Audio make_secured(bool takes_plain = false, std::uint16_t port = 40000) {
  Audio out = make_audio(port);
  out.keys = {make_key(1, suite_80, 1), make_key(2, suite_32, 2)};
  out.takes_plain = takes_plain;
  return out;
}

std::string make_offer(const std::string& lines, const std::string& session_lines = "") {
  return "v=0\r\no=- 5 1 IN IP4 198.51.100.7\r\ns=-\r\nc=IN IP4 198.51.100.7\r\nt=0 0\r\n" + session_lines +
         lines;
}

Session answer_to(Negotiation& negotiation, const std::string& offer) {
  const auto taken = negotiation.take_offer(offer);
  REQUIRE_MESSAGE(taken, taken.error().message());
  return parse(negotiation.answer()).value();
}

bool has(const Media& media, const char* name) { return find(media.attributes, name) != nullptr; }
std::string value(const Attributes& attributes, const char* name) {
  const auto* const found = find(attributes, name);
  return found == nullptr ? "-" : found->value.value_or("");
}

/// baresip 1.0, as it dials.
const std::string baresip_offer = make_offer(
    "m=audio 21822 RTP/AVP 96 0 8 101\r\na=rtpmap:96 opus/48000/2\r\n"
    "a=fmtp:96 stereo=1;sprop-stereo=1\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n"
    "a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=rtcp:21823\r\na=sendrecv\r\n"
    "a=label:1\r\na=rtcp-rsize\r\na=ssrc:3 cname:sip:a@b\r\na=ptime:20\r\n");

}  // namespace

TEST_CASE("two ends agree on the first codec of the offer, and on events with its clock (RFC 3264 5, 6)") {
  Negotiation caller(make_audio(40000)), callee(make_audio(50000));
  const std::string offer = caller.offer();
  CHECK(caller.state() == Negotiation::State::offered);
  REQUIRE(callee.take_offer(offer));
  CHECK(callee.state() == Negotiation::State::offer_received);
  const std::string answer = callee.answer();
  REQUIRE(caller.take_answer(answer));
  CHECK(caller.state() == Negotiation::State::stable);
  CHECK(callee.state() == Negotiation::State::stable);

  for (const Negotiation* end : {&caller, &callee}) {
    CHECK(end->agreement()->format.encoding == "opus");
    CHECK(end->agreement()->format.payload_type == 111);
    CHECK(end->agreement()->received_type == 111);
    CHECK(end->agreement()->events->clock_rate == 48000);
    CHECK(end->agreement()->received_events == 110);
    CHECK(end->agreement()->direction == Direction::sendrecv);
    CHECK_FALSE(end->agreement()->remote_key);
  }
  CHECK(caller.agreement()->remote == parse_address("192.0.2.1:50000"));
  CHECK(callee.agreement()->remote == parse_address("192.0.2.1:40000"));
  CHECK(callee.agreement()->remote_rtcp == parse_address("192.0.2.1:40000"));
}

TEST_CASE("an offer describes the stream in the manner of RFC 8866 and 3264") {
  Negotiation negotiation(make_audio());
  const auto offer = parse(negotiation.offer()).value();
  CHECK(offer.origin.session_id == "77");
  CHECK(offer.origin.version == "1");
  REQUIRE(offer.media.size() == 1);
  const Media& audio = offer.media[0];
  CHECK(audio.protocol == "RTP/AVP");
  CHECK(audio.formats == std::vector<std::string>{"111", "0", "8", "101", "110"});
  CHECK(value(audio.attributes, "rtpmap") == "111 opus/48000/2");
  CHECK(value(audio.attributes, "ptime") == "20");
  CHECK(value(audio.attributes, "rtcp") == "40000");
  CHECK(has(audio, "rtcp-mux"));
  CHECK(has(audio, "sendrecv"));
  CHECK_FALSE(has(audio, "crypto"));
}

TEST_CASE("an answer keeps the peer's payload types, and names one codec") {
  Negotiation negotiation(make_audio());
  const auto answer = answer_to(negotiation, baresip_offer);
  CHECK(answer.media[0].formats == std::vector<std::string>{"96", "101"});
  const Agreement& agreed = *negotiation.agreement();
  CHECK(agreed.format.encoding == "opus");
  CHECK(agreed.format.payload_type == 96);
  CHECK(agreed.received_type == 96);
  // COMPAT: baresip has events at 8000 Hz only.
  CHECK(agreed.events->clock_rate == 8000);
  CHECK(agreed.received_events == 101);
  CHECK(agreed.remote_rtcp == parse_address("198.51.100.7:21823"));
  CHECK_FALSE(has(answer.media[0], "rtcp-mux"));
  CHECK(value(answer.media[0].attributes, "rtcp") == "40000");
}

TEST_CASE("an answer may give other payload types than the offer") {
  Negotiation negotiation(make_audio());
  (void)negotiation.offer();
  REQUIRE(
      negotiation.take_answer(make_offer("m=audio 6000 RTP/AVP 107 97\r\na=rtpmap:107 opus/48000/2\r\n"
                                         "a=rtpmap:97 telephone-event/48000\r\n")));
  CHECK(negotiation.agreement()->format.payload_type == 107);
  CHECK(negotiation.agreement()->received_type == 111);
  CHECK(negotiation.agreement()->events->payload_type == 97);
  CHECK(negotiation.agreement()->received_events == 110);
}

TEST_CASE("streams that are not taken are refused with port 0, in their places (RFC 3264 6)") {
  Negotiation negotiation(make_audio());
  const auto answer =
      answer_to(negotiation, make_offer("m=video 5000 RTP/AVP 31\r\nm=audio 5002 RTP/AVP 0\r\n"
                                        "m=audio 5004 RTP/AVP 0\r\nm=text 5006 TCP/MSRP *\r\n"));
  REQUIRE(answer.media.size() == 4);
  std::vector<std::uint16_t> ports;
  for (const Media& each : answer.media) ports.push_back(each.port);
  CHECK(ports == std::vector<std::uint16_t>{0, 40000, 0, 0});
  CHECK(answer.media[3].formats == std::vector<std::string>{"*"});

  SUBCASE("and an own offer keeps all the places") {
    const auto offer = parse(negotiation.offer()).value();
    REQUIRE(offer.media.size() == 4);
    CHECK(offer.media[0].port == 0);
    CHECK(offer.media[0].kind == "video");
    CHECK(offer.media[1].port == 40000);
    CHECK(offer.origin.version == "2");
    REQUIRE(negotiation.take_answer(
        make_offer("m=video 0 RTP/AVP 31\r\nm=audio 5002 RTP/AVP 0\r\nm=audio 0 RTP/AVP 0\r\n"
                   "m=text 0 TCP/MSRP *\r\n")));
  }
}

TEST_CASE("an offer without a usable stream is refused, and changes nothing") {
  for (const char* lines :
       {"", "m=video 5000 RTP/AVP 31\r\n", "m=audio 0 RTP/AVP 0\r\n", "m=audio 5000 RTP/AVP 3\r\n",
        "m=audio 5000 RTP/AVP 101\r\na=rtpmap:101 telephone-event/8000\r\n",
        "m=audio 5000 UDP/TLS/RTP/SAVPF 0\r\n", "m=audio 5000 RTP/SAVP 0\r\n",
        "m=audio 5000 RTP/SAVP 0\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:AAAA\r\n"}) {
    CAPTURE(lines);
    Negotiation negotiation(make_secured(true));
    CHECK(negotiation.take_offer(make_offer(lines)).error() == Errc::no_common_stream);
    CHECK(negotiation.state() == Negotiation::State::stable);
  }
  Negotiation negotiation(make_audio());
  CHECK(negotiation.take_offer("nonsense").error() == Errc::bad_line);
}

TEST_CASE("an answer that does not fit the offer is an error, and the old agreement holds") {
  Negotiation negotiation(make_audio());
  (void)answer_to(negotiation, baresip_offer);
  const auto before = negotiation.agreement();
  for (const char* lines : {"", "m=audio 0 RTP/AVP 0\r\n", "m=audio 5000 RTP/AVP 3\r\n",
                            "m=audio 5000 RTP/SAVP 0\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 "
                            "inline:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB\r\n"}) {
    CAPTURE(lines);
    (void)negotiation.offer();
    CHECK(negotiation.take_answer(make_offer(lines)).error() == Errc::bad_answer);
    CHECK(negotiation.state() == Negotiation::State::stable);
    CHECK(negotiation.agreement() == before);
  }
}

TEST_CASE("a format of RFC 3551 needs no rtpmap; names of codecs have no case") {
  Negotiation negotiation(make_audio());
  (void)answer_to(negotiation, make_offer("m=audio 5000 RTP/AVP 8\r\n"));
  CHECK(negotiation.agreement()->format == Format{8, "PCMA", 8000, 1, {}});
  CHECK_FALSE(negotiation.agreement()->events);
  (void)answer_to(negotiation, make_offer("m=audio 5000 RTP/AVP 99\r\na=rtpmap:99 OPUS/48000\r\n"));
  CHECK(negotiation.agreement()->format.payload_type == 99);
}

TEST_CASE("hold and resume (RFC 3264 8.4)") {
  Negotiation alice(make_audio(40000)), bob(make_audio(50000));
  const auto exchange = [](Negotiation& from, Negotiation& to) {
    REQUIRE(to.take_offer(from.offer()));
    REQUIRE(from.take_answer(to.answer()));
  };
  exchange(alice, bob);
  alice.set_held(true);
  exchange(alice, bob);
  CHECK(alice.agreement()->direction == Direction::sendonly);
  CHECK(bob.agreement()->direction == Direction::recvonly);
  CHECK(bob.is_held_by_peer());
  CHECK_FALSE(alice.is_held_by_peer());

  SUBCASE("the held end may hold, too: then nothing flows") {
    bob.set_held(true);
    exchange(bob, alice);
    CHECK(alice.agreement()->direction == Direction::inactive);
    CHECK(bob.agreement()->direction == Direction::inactive);
    alice.set_held(false);
    exchange(alice, bob);
    CHECK(alice.agreement()->direction == Direction::recvonly);
  }
  SUBCASE("resumed, both send again") {
    alice.set_held(false);
    exchange(alice, bob);
    CHECK(alice.agreement()->direction == Direction::sendrecv);
    CHECK(bob.agreement()->direction == Direction::sendrecv);
  }
  SUBCASE("an offer that is refused leaves the state as it was") {
    alice.set_held(false);
    (void)alice.offer();
    alice.abandon();
    CHECK(alice.state() == Negotiation::State::stable);
    CHECK(alice.agreement()->direction == Direction::sendonly);
  }
}

TEST_CASE("an address of 0.0.0.0 holds, as in RFC 2543") {
  Negotiation negotiation(make_audio());
  (void)answer_to(negotiation, make_offer("m=audio 5000 RTP/AVP 0\r\nc=IN IP4 0.0.0.0\r\n"));
  CHECK(negotiation.agreement()->direction == Direction::recvonly);
  CHECK_FALSE(negotiation.agreement()->remote);
}

TEST_CASE("directions of the peer are mirrored (RFC 3264 6.1)") {
  const std::pair<const char*, Direction> rows[] = {{"sendonly", Direction::recvonly},
                                                    {"recvonly", Direction::sendonly},
                                                    {"inactive", Direction::inactive},
                                                    {"sendrecv", Direction::sendrecv}};
  for (const auto& [theirs, own] : rows) {
    CAPTURE(theirs);
    Negotiation negotiation(make_audio());
    const auto answer =
        answer_to(negotiation, make_offer("m=audio 5000 RTP/AVP 0\r\na=" + std::string(theirs) + "\r\n"));
    CHECK(negotiation.agreement()->direction == own);
    CHECK(has(answer.media[0], std::string(to_string(own)).c_str()));
  }
}

TEST_CASE("the version rises only with a change (RFC 3264 8)") {
  Negotiation negotiation(make_audio());
  const auto offer = make_offer("m=audio 5000 RTP/AVP 0\r\n");
  CHECK(answer_to(negotiation, offer).origin.version == "1");
  CHECK(answer_to(negotiation, offer).origin.version == "1");
  negotiation.set_held(true);
  CHECK(answer_to(negotiation, offer).origin.version == "2");
}

TEST_CASE("SDES: both ends name the suite, and each gives its own key (RFC 4568 5.1)") {
  Negotiation caller(make_secured(false, 40000)), callee(make_secured(false, 50000));
  const std::string offer = caller.offer();
  CHECK(parse(offer)->media[0].protocol == "RTP/SAVP");
  const auto answer = answer_to(callee, offer);
  CHECK(answer.media[0].protocol == "RTP/SAVP");
  REQUIRE(caller.take_answer(print(answer)));
  CHECK(caller.agreement()->local_key->suite == suite_80);
  CHECK(caller.agreement()->local_key->keys == callee.agreement()->remote_key->keys);
  CHECK(caller.agreement()->remote_key->keys == callee.agreement()->local_key->keys);

  SUBCASE("the keys stay when the session changes") {
    const auto before = *caller.agreement();
    caller.set_held(true);
    REQUIRE(caller.take_answer(print(answer_to(callee, caller.offer()))));
    CHECK(caller.agreement()->local_key->keys == before.local_key->keys);
    CHECK(caller.agreement()->remote_key == before.remote_key);
  }
}

TEST_CASE("SDES: the first usable line of the offer is taken, with its tag") {
  const std::string key = "inline:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB";
  const auto offer = [&](const std::string& lines) {
    return make_offer("m=audio 5000 RTP/SAVP 0\r\n" + lines);
  };
  Negotiation negotiation(make_secured());
  const auto answer =
      answer_to(negotiation,
                offer("a=crypto:1 AES_256_CM_HMAC_SHA1_80 inline:AAAA\r\n"
                      "a=crypto:2 AES_CM_128_HMAC_SHA1_80 " +
                      key + " UNENCRYPTED_SRTP\r\n" + "a=crypto:3 AES_CM_128_HMAC_SHA1_80 " + key + "|1:4;" +
                      key + "|2:4\r\n" + "a=crypto:4 AES_CM_128_HMAC_SHA1_32 " + key + "|2^31|1:1\r\n" +
                      "a=crypto:5 AES_CM_128_HMAC_SHA1_80 " + key + "|2^31|1:4 WSH=128\r\n"));
  CHECK(value(answer.media[0].attributes, "crypto").starts_with("5 AES_CM_128_HMAC_SHA1_80 inline:"));
  CHECK(negotiation.agreement()->remote_key->keys[0].mki == 1);

  SUBCASE("an answer with another tag or suite than was offered is none") {
    Negotiation caller(make_secured());
    (void)caller.offer();
    CHECK_FALSE(caller.take_answer(offer("a=crypto:2 AES_CM_128_HMAC_SHA1_80 " + key + "\r\n")));
    (void)caller.offer();
    CHECK(caller.take_answer(offer("a=crypto:2 AES_CM_128_HMAC_SHA1_32 " + key + "\r\n")));
  }
}

TEST_CASE("an end that wants protection neither takes nor offers a plain stream") {
  Negotiation negotiation(make_secured(false));
  CHECK(negotiation.take_offer(baresip_offer).error() == Errc::no_common_stream);
  (void)negotiation.offer();
  CHECK(negotiation.take_answer(make_offer("m=audio 5000 RTP/AVP 0\r\n")).error() == Errc::bad_answer);
}

TEST_CASE(
    "an end that takes both offers RTP/AVP with keys, and the answer decides (COMPAT: baresip, Linphone)") {
  Negotiation negotiation(make_secured(true));
  const auto offer = parse(negotiation.offer()).value();
  CHECK(offer.media[0].protocol == "RTP/AVP");
  CHECK(has(offer.media[0], "crypto"));
  SUBCASE("a peer that does not know SDES answers plainly") {
    REQUIRE(negotiation.take_answer(make_offer("m=audio 5000 RTP/AVP 0\r\n")));
    CHECK_FALSE(negotiation.agreement()->local_key);
    CHECK_FALSE(has(parse(negotiation.offer())->media[0], "crypto"));
  }
  SUBCASE("a peer that knows it answers with a key") {
    Negotiation peer(make_secured(true));
    REQUIRE(peer.take_offer(print(offer)));
    REQUIRE(negotiation.take_answer(peer.answer()));
    CHECK(negotiation.agreement()->local_key);
    CHECK(peer.agreement()->remote_key);
  }
}

TEST_CASE("of a protected and a plain stream the protected one is taken") {
  Negotiation negotiation(make_secured(true));
  const auto answer =
      answer_to(negotiation, make_offer("m=audio 5000 RTP/AVP 0\r\nm=audio 5002 RTP/SAVP 0\r\n"
                                        "a=crypto:1 AES_CM_128_HMAC_SHA1_80 "
                                        "inline:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB\r\n"));
  CHECK(answer.media[0].port == 0);
  CHECK(answer.media[1].port == 40000);
}

TEST_CASE("a bundle is answered with the audio stream alone (RFC 9143 7.3)") {
  Negotiation negotiation(make_audio());
  const auto answer =
      answer_to(negotiation, make_offer("m=audio 5000 RTP/AVPF 0\r\na=mid:a1\r\na=rtcp-mux\r\n"
                                        "m=video 5000 RTP/AVPF 96\r\na=mid:v1\r\na=rtpmap:96 VP8/90000\r\n",
                                        "a=group:BUNDLE a1 v1\r\n"));
  CHECK(value(answer.attributes, "group") == "BUNDLE a1");
  CHECK(value(answer.media[0].attributes, "mid") == "a1");
  CHECK(has(answer.media[0], "rtcp-mux"));
  CHECK(answer.media[0].protocol == "RTP/AVPF");
  CHECK(answer.media[1].port == 0);
  CHECK(negotiation.agreement()->remote_rtcp == parse_address("198.51.100.7:5000"));
  const auto offer = parse(negotiation.offer()).value();
  CHECK(value(offer.attributes, "group") == "BUNDLE a1");
}

TEST_CASE("an own offer in a call keeps the codec first, with the numbers that were agreed") {
  Negotiation negotiation(make_audio());
  (void)answer_to(negotiation,
                  make_offer("m=audio 5000 RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\n"));
  CHECK(parse(negotiation.offer())->media[0].formats[0] == "0");
  negotiation.abandon();
  // The peer's number for events is the own one for Opus: Opus is left out.
  (void)answer_to(negotiation,
                  make_offer("m=audio 5000 RTP/AVP 0 111\r\na=rtpmap:111 telephone-event/8000\r\n"));
  const auto formats = parse(negotiation.offer())->media[0].formats;
  CHECK(std::ranges::count(formats, "111") == 1);
}

TEST_CASE("IPv6 (RFC 8866 5.7); rtcp at an address of its own (RFC 3605)") {
  Audio audio = make_audio();
  audio.local = *parse_address("[2001:db8::1]:40000");
  Negotiation negotiation(audio);
  CHECK(parse(negotiation.offer())->connection->address_type == "IP6");
  negotiation.abandon();
  (void)answer_to(negotiation, make_offer("m=audio 5000 RTP/AVP 0\r\nc=IN IP6 2001:db8::7\r\n"
                                          "a=rtcp:53020 IN IP6 2001:db8::8\r\n"));
  CHECK(negotiation.agreement()->remote == parse_address("[2001:db8::7]:5000"));
  CHECK(negotiation.agreement()->remote_rtcp == parse_address("[2001:db8::8]:53020"));
}
