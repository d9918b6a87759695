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
