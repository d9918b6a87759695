#include "tests/simulation/calls.hpp"

#include <doctest/doctest.h>

#include "protocol/base/log.hpp"
#include "tests/simulation/seeds.hpp"

using namespace beckon;

TEST_CASE(
    "each call has one answer, no device rings for a caller who has gone, and no dialog is shown that is "
    "over, "
    "whatever the network does, whoever dies and wherever the server crashes: 500 histories of calls") {
  log::set_level(log::Level::off);
  const auto seeds = simulation::seeds(500);
  simulation::CallLog::Sights seen;
  std::uint64_t checks = 0;
  for (auto seed = seeds.first; seed <= seeds.last; ++seed) {
    const auto script = simulation::make_calls(seed);
    CAPTURE(print(script));
    const auto history = simulation::play(script);
    CHECK(history.fault == "");
    seen.accepted += history.sights.accepted;
    seen.refused += history.sights.refused;
    seen.forks += history.sights.forks;
    seen.late += history.sights.late;
    seen.cancelled += history.sights.cancelled;
    seen.forbidden += history.sights.forbidden;
    seen.reconnected += history.sights.reconnected;
    checks += history.checks;
  }
  if (seeds.is_one()) return;
  const auto played = seeds.count();
  CHECK(seen.accepted > 5 * played);
  CHECK(seen.refused > 5 * played);
  CHECK(seen.forks > 5 * played);
  CHECK(seen.cancelled > 2 * played);
  CHECK(seen.late > 0);
  CHECK(seen.forbidden > 0);
  CHECK(checks > played);
  if (played == 500) CHECK(seen.reconnected > 0);  // too rare for a tenth of them
}

TEST_CASE("one seed is one history of calls") {
  log::set_level(log::Level::off);
  for (const std::uint64_t seed : {1U, 2U, 3U}) {
    const auto script = simulation::make_calls(seed);
    const auto first = simulation::play(script);
    CHECK(first.happened > 100);
    CHECK(simulation::play(script).digest == first.digest);
    auto other = script;  // the same weather, other dice
    other.seed += 1000;
    CHECK(simulation::play(other).digest != first.digest);
  }
}
