#include "tests/simulation/traffic.hpp"

#include <doctest/doctest.h>

#include <cstdlib>

#include "protocol/base/log.hpp"
#include "protocol/base/text.hpp"

using namespace beckon;

TEST_CASE("each request has one end, each answer its ACK, and no state is left: 500 histories of traffic") {
  log::set_level(log::Level::off);
  std::uint64_t first = 1, last = 500;
  if (const char* one = std::getenv("BECKON_SEED"))
    first = last = parse_number<std::uint64_t>(one).value_or(1);
  std::uint64_t happened = 0;
  for (auto seed = first; seed <= last; ++seed) {
    const auto script = simulation::make_traffic(seed);
    CAPTURE(print(script));
    const auto history = simulation::play(script);
    CHECK(history.fault == "");
    happened += history.happened;
  }
  CHECK(happened > 100 * (last - first + 1));
}

TEST_CASE("one seed is one history of traffic") {
  log::set_level(log::Level::off);
  for (const std::uint64_t seed : {1U, 2U, 3U}) {
    const auto script = simulation::make_traffic(seed);
    const auto first = simulation::play(script);
    CHECK(simulation::play(script).digest == first.digest);
    auto other = script;  // the same weather, other dice
    other.seed += 1000;
    CHECK(simulation::play(other).digest != first.digest);
  }
}
