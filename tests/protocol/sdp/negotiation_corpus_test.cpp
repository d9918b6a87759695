#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "protocol/sdp/negotiation.hpp"

using namespace beckon;

namespace {

sdp::Audio make_audio() {
  sdp::Audio out;
  out.local = *parse_address("192.0.2.1:40000");
  out.formats = {{111, "opus", 48000, 2, {}},
                 {0, "PCMU", 8000, 1, {}},
                 {8, "PCMA", 8000, 1, {}},
                 {101, "telephone-event", 8000, 1, {}}};
  out.keys = {{1, "AES_CM_128_HMAC_SHA1_80", {{Bytes(30, 1), {}, {}, {}}}, {}}};
  return out;
}

}  // namespace

TEST_CASE("each offer of the corpora is answered stream by stream, or refused; the own next offer fits it") {
  int answered = 0, refused = 0;
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(std::filesystem::path(BECKON_CORPORA) / "sdp")) {
    if (!entry.is_regular_file()) continue;
    CAPTURE(entry.path().string());
    std::ostringstream text;
    text << std::ifstream(entry.path(), std::ios::binary).rdbuf();
    const auto offer = sdp::parse(text.str());
    if (!offer) continue;
    sdp::Negotiation negotiation(make_audio());
    const auto taken = negotiation.take_offer(text.str());
    if (!taken) {
      CHECK(taken.error() == sdp::Errc::no_common_stream);
      ++refused;
      continue;
    }
    ++answered;
    const auto answer = sdp::parse(negotiation.answer());
    REQUIRE(answer.has_value());
    REQUIRE(answer->media.size() == offer->media.size());
    int streams = 0;
    for (std::size_t i = 0; i < answer->media.size(); ++i) {
      CHECK(answer->media[i].kind == offer->media[i].kind);
      CHECK(answer->media[i].protocol == offer->media[i].protocol);
      CHECK_FALSE(answer->media[i].formats.empty());
      if (answer->media[i].port != 0) ++streams;
    }
    CHECK(streams == 1);
    const auto next = sdp::parse(negotiation.offer());
    REQUIRE(next.has_value());
    CHECK(next->media.size() == offer->media.size());
  }
  MESSAGE("answered " << answered << ", refused " << refused);
  CHECK(answered >= 30);
  CHECK(refused >= 30);
}
