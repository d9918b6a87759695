#include <cstdlib>

#include "protocol/sdp/attribute.hpp"
#include "protocol/sdp/negotiation.hpp"

using namespace beckon;

namespace {

void expect(bool good) {
  if (!good) std::abort();
}

/// What was read prints as something that reads as the same.
template <class Parse>
void round_trip(Parse parse_value, const std::string& value) {
  const auto read = parse_value(value);
  if (read) expect(parse_value(print(*read)) == read);
}

void exercise(const sdp::Attributes& attributes) {
  for (const auto& [name, value] : attributes) {
    const std::string text = value.value_or("");
    round_trip(sdp::parse_rtpmap, text);
    round_trip(sdp::parse_fmtp, text);
    round_trip(sdp::parse_crypto, text);
    round_trip(sdp::parse_fingerprint, text);
    round_trip(sdp::parse_candidate, text);
    round_trip(sdp::parse_group, text);
    round_trip(sdp::parse_rtcp, text);
    round_trip(sdp::parse_ssrc, text);
    (void)sdp::parse_packet_time(text);
    (void)sdp::parse_setup(text);
    if (const auto rtpmap = sdp::parse_rtpmap(text)) (void)rtpmap->channels();
    if (const auto fmtp = sdp::parse_fmtp(text)) (void)fmtp->parameter("minptime");
  }
}

sdp::Audio make_end(bool offers_dtls) {
  sdp::Audio out;
  out.local = {{IpAddress::Family::v4, {192, 0, 2, 20}}, 40002};
  out.formats = {{111, "opus", 48000, 2, "useinbandfec=1"},
                 {0, "PCMU", 8000, 1, {}},
                 {101, "telephone-event", 8000, 1, "0-15"}};
  out.keys = {{1, "AES_CM_128_HMAC_SHA1_80", {{Bytes(30, 1), {}, {}, {}}}, {}}};
  out.dtls = {{"sha-256", Bytes(32, 1)}, "0123456789abcdefghij", offers_dtls};
  out.ice = {{"ufrag", "passwordOf22Characters"}};
  return out;
}

/// The text as an offer, then as the answer to a later one; and as the answer to a first one.
void negotiate(std::string_view text) {
  const sdp::Limits wide{.size = 4 * text.size() + 65536, .lines = 10000};
  sdp::Negotiation callee(make_end(false));
  if (callee.take_offer(text)) {
    expect(sdp::parse(callee.answer(), wide).has_value());
    expect(sdp::parse(callee.offer(), wide).has_value());
    (void)callee.take_answer(text);
  }
  for (const bool offers_dtls : {false, true}) {
    sdp::Negotiation caller(make_end(offers_dtls));
    (void)caller.offer();
    const auto taken = caller.take_answer(text);
    expect(!taken || !offers_dtls || caller.agreement()->dtls);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  negotiate(as_text({data, size}));
  const auto session = sdp::parse(as_text({data, size}));
  if (!session) return 0;
  exercise(session->attributes);
  for (const auto& media : session->media) {
    exercise(media.attributes);
    (void)direction_of(*session, media);
    (void)connection_of(*session, media);
  }
  (void)find_mid(*session, "audio");
  const auto printed = print(*session);
  // Printing adds s= and t= and CRLFs, so it may pass the limits.
  const auto again = sdp::parse(printed, {.size = printed.size(), .lines = 3000});
  expect(again && *again == *session);
  return 0;
}
