#include "tests/simulation/traffic.hpp"

#include <doctest/doctest.h>

#include "protocol/base/log.hpp"
#include "tests/simulation/seeds.hpp"

using namespace beckon;

TEST_CASE("each request has one end, each answer its ACK, and no state is left: 500 histories of traffic") {
  log::set_level(log::Level::off);
  const auto seeds = simulation::seeds(500);
  std::uint64_t happened = 0;
  for (auto seed = seeds.first; seed <= seeds.last; ++seed) {
    const auto script = simulation::make_traffic(seed);
    CAPTURE(print(script));
    const auto history = simulation::play(script);
    CHECK(history.fault == "");
    happened += history.happened;
  }
  CHECK(happened > 100 * seeds.count());
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
