#include <cstdlib>

#include "protocol/sdp/attribute.hpp"

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

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
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
