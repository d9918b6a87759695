#include "tests/simulation/lists.hpp"

#include <doctest/doctest.h>

#include "protocol/base/log.hpp"
#include "tests/simulation/seeds.hpp"

using namespace beckon;

TEST_CASE(
    "what the watcher of a list has pieced together is what each member's rules let it see, whatever the "
    "network "
    "does and wherever the server crashes: 150 histories of lists") {
  log::set_level(log::Level::off);
  const auto seeds = simulation::seeds(150);
  std::uint64_t members = 0;
  for (auto seed = seeds.first; seed <= seeds.last; ++seed) {
    const auto script = simulation::make_lists(seed);
    CAPTURE(print(script));
    const auto history = simulation::play(script);
    CHECK(history.fault == "");
    members += history.members;
  }
  CHECK(members > 4 * (seeds.count() - 1));
}

TEST_CASE("one seed is one history of lists") {
  log::set_level(log::Level::off);
  for (const std::uint64_t seed : {1U, 2U, 3U}) {
    const auto script = simulation::make_lists(seed);
    const auto first = simulation::play(script);
    CHECK(first.happened > 100);
    CHECK(simulation::play(script).digest == first.digest);
    auto other = script;  // the same weather, other dice
    other.seed += 1000;
    CHECK(simulation::play(other).digest != first.digest);
  }
}
