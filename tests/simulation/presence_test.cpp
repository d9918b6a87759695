#include "tests/simulation/presence.hpp"

#include <doctest/doctest.h>

#include "protocol/base/log.hpp"
#include "tests/simulation/seeds.hpp"

using namespace beckon;

TEST_CASE(
    "each watcher ends with what it may see, and nothing that was acknowledged is lost, whatever the network "
    "does and wherever the server crashes: 500 histories of presence") {
  log::set_level(log::Level::off);
  const auto seeds = simulation::seeds(500);
  std::uint64_t checks = 0, diffs = 0;
  for (auto seed = seeds.first; seed <= seeds.last; ++seed) {
    const auto script = simulation::make_presence(seed);
    CAPTURE(print(script));
    const auto history = simulation::play(script);
    CHECK(history.fault == "");
    checks += history.checks;
    diffs += history.diffs;
  }
  CHECK(checks > 20 * seeds.count());
  CHECK(diffs >= (seeds.count() - 1) / 10);
}

TEST_CASE("a crash before and after each commit and each message of a short history") {
  log::set_level(log::Level::off);
  simulation::PresenceScript script{.seed = 3, .people = 2, .devices = 2, .acts = 10, .gone = 1};
  const auto whole = simulation::play(script);
  CHECK(whole.fault == "");
  CHECK(whole.points > 100);
  for (script.crash_point = 1; script.crash_point <= whole.points; script.crash_point += BECKON_STRIDE) {
    CAPTURE(print(script));
    CHECK(simulation::play(script).fault == "");
  }
}

TEST_CASE("one seed is one history of presence") {
  log::set_level(log::Level::off);
  for (const std::uint64_t seed : {1U, 2U, 3U}) {
    const auto script = simulation::make_presence(seed);
    const auto first = simulation::play(script);
    CHECK(first.happened > 100);
    CHECK(simulation::play(script).digest == first.digest);
    auto other = script;  // the same weather, other dice
    other.seed += 1000;
    CHECK(simulation::play(other).digest != first.digest);
  }
}
