#include "media/device/synthetic.hpp"

#include <doctest/doctest.h>

#include <algorithm>

using namespace beckon;
using namespace beckon::device;

TEST_CASE("silence is silent and never ends") {
  SilenceSource source;
  codec::Frame frame;
  frame.fill(1);
  CHECK(source.pull(frame));
  CHECK(std::count(frame.begin(), frame.end(), 0) == 960);
}

TEST_CASE("a tone keeps its pitch across frames and its level") {
  ToneSource source(1000, 0.5);
  int crossings = 0;
  codec::Sample last = 0;
  codec::Sample peak = 0;
  for (int i = 0; i < 50; ++i) {
    codec::Frame frame;
    CHECK(source.pull(frame));
    for (const codec::Sample sample : frame) {
      crossings += last < 0 && sample >= 0 ? 1 : 0;
      last = sample;
      peak = std::max(peak, sample);
    }
  }
  CHECK(crossings >= 998);
  CHECK(crossings <= 1001);
  CHECK(peak == doctest::Approx(16384).epsilon(0.01));
}
