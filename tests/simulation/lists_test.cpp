#include "tests/simulation/lists.hpp"

#include <doctest/doctest.h>

#include <cstdlib>

#include "protocol/base/log.hpp"
#include "protocol/base/text.hpp"

using namespace beckon;

TEST_CASE(
    "what the watcher of a list has pieced together is what each member's rules let it see, whatever the "
    "network "
    "does and wherever the server crashes: 150 histories of lists") {
  log::set_level(log::Level::off);
  std::uint64_t first = 1, last = 150;
  if (const char* one = std::getenv("BECKON_SEED"))
    first = last = parse_number<std::uint64_t>(one).value_or(1);
  std::uint64_t members = 0;
  for (auto seed = first; seed <= last; ++seed) {
    const auto script = simulation::make_lists(seed);
    CAPTURE(print(script));
    const auto history = simulation::play(script);
    CHECK(history.fault == "");
    members += history.members;
  }
  CHECK(members > 4 * (last - first));
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
