#include "tests/simulation/story.hpp"

#include <doctest/doctest.h>

#include <cstdlib>

#include "protocol/base/log.hpp"
#include "protocol/base/text.hpp"
#include "tests/simulation/heap.hpp"
#include "tests/simulation/seeds.hpp"

using namespace beckon;

TEST_CASE("the story ends in the right state whatever the network does: 200 histories") {
  log::set_level(log::Level::off);
  const auto seeds = simulation::seeds(200);
  for (auto seed = seeds.first; seed <= seeds.last; ++seed) {
    const auto script = simulation::make_script(seed);
    CAPTURE(print(script));
    const std::string fault = simulation::play(script).fault;
    CHECK(fault == "");
  }
}

TEST_CASE("one seed is one history, to the microsecond and the octet; two seeds are two") {
  log::set_level(log::Level::off);
  for (const std::uint64_t seed : {7U, 8U, 9U, 10U}) {
    CAPTURE(seed);
    const auto script = simulation::make_script(seed);
    const auto first = simulation::play(script), again = simulation::play(script);
    CHECK(first.happened > 100);
    CHECK(again.happened == first.happened);
    CHECK(again.digest == first.digest);
    auto other = script;  // the same weather, other dice
    ++other.seed;
    CHECK(simulation::play(other).digest != first.digest);
  }
}

TEST_CASE("a history in which the server leaks one block of memory is reported") {
  log::set_level(log::Level::off);
  auto script = simulation::make_script(7);
  script.crashes = 0;
  CHECK(simulation::play(script).fault == "");
  script.leak = true;
  CHECK(simulation::play(script).fault ==
        (simulation::heap::is_counted() ? "the second play cost the server 1 blocks of memory" : ""));
}
