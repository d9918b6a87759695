#include "tests/simulation/story.hpp"

#include <doctest/doctest.h>

#include <cstdlib>

#include "protocol/base/log.hpp"
#include "protocol/base/text.hpp"

using namespace beckon;

namespace {

/// One seed alone: BECKON_SEED in the environment.
std::pair<std::uint64_t, std::uint64_t> seeds() {
  const char* one = std::getenv("BECKON_SEED");
  const auto number = one != nullptr ? parse_number<std::uint64_t>(one) : std::nullopt;
  return number ? std::pair{*number, *number} : std::pair<std::uint64_t, std::uint64_t>{1, 200};
}

}  // namespace

TEST_CASE("the story ends in truth and order whatever the network does: 200 histories") {
  log::set_level(log::Level::off);
  const auto [first, last] = seeds();
  for (auto seed = first; seed <= last; ++seed) {
    const auto script = simulation::make_script(seed);
    CAPTURE(print(script));
    const std::string fault = simulation::play(script);
    CHECK(fault == "");
  }
}

TEST_CASE("one seed is one history: the same script gives the same events to the microsecond") {
  log::set_level(log::Level::off);
  const auto script = simulation::make_script(7);
  CHECK(simulation::play(script) == simulation::play(script));
}
