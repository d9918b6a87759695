#include "media/stream/tone.hpp"

#include <doctest/doctest.h>

#include "tests/media/device/tone.hpp"

using namespace beckon;
using namespace beckon::stream;

TEST_CASE("a tone has nearly all the power of its frame, and little of that of another") {
  device::test::ToneSource source(440);
  codec::Frame frame{};
  source.pull(frame);
  CHECK(share_of_tone(frame, 440) > 0.9);
  CHECK(share_of_tone(frame, 600) < 0.1);
  frame.fill(0);
  CHECK(share_of_tone(frame, 440) == 0);
}

TEST_CASE("a tone is heard once it has lasted for ten frames, and again after a break") {
  device::test::ToneSource source(440);
  ToneMeter meter;
  codec::Frame frame{};
  CHECK(meter.push(frame).empty());
  meter.listen_for(440);
  meter.listen_for(600);
  for (const bool again : {false, true}) {
    CAPTURE(again);
    for (int i = 1; i < ToneMeter::frames_needed; ++i) {
      source.pull(frame);
      CHECK(meter.push(frame).empty());
    }
    source.pull(frame);
    CHECK(meter.push(frame) == std::vector{440});
    source.pull(frame);
    CHECK(meter.push(frame).empty());
    frame.fill(0);
    CHECK(meter.push(frame).empty());
  }
}
