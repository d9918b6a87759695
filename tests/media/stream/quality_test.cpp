#include "media/stream/quality.hpp"

#include <doctest/doctest.h>

using namespace beckon;
using namespace beckon::stream;

TEST_CASE(
    "the opinion of a call follows the E-model (ITU-T G.107): R 93.2 is 4.41, and less with delay and loss") {
  const auto score = [](Duration delay, double concealed, std::string_view codec = "PCMU") {
    return mean_opinion_score({.delay = delay, .concealed = concealed, .codec = codec});
  };
  CHECK(score(0ms, 0) == doctest::Approx(4.41).epsilon(0.002));
  CHECK(score(150ms, 0) == doctest::Approx(4.32).epsilon(0.005));
  CHECK(score(400ms, 0) == doctest::Approx(3.05).epsilon(0.005));
  CHECK(score(0ms, 0.05) == doctest::Approx(3.94).epsilon(0.02));
  CHECK(score(0ms, 0.05, "opus") < score(0ms, 0.05));
  CHECK(score(0ms, 0.2) < 3);
  CHECK(score(10s, 1) == 1);
  CHECK(score(-1s, -1) == score(0ms, 0));
}
