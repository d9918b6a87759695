#include "tests/simulation/messages.hpp"

#include <doctest/doctest.h>

#include <cstdlib>

#include "protocol/base/log.hpp"
#include "tests/simulation/seeds.hpp"

using namespace beckon;

TEST_CASE(
    "1 000 messages each way between two people with two devices each, which come and go, under 20 % loss "
    "and "
    "kill -9: none is lost, none comes twice, their order is kept (RFC 3428, server/message)") {
  log::set_level(log::Level::off);
  const auto seeds = simulation::seeds(3);
  for (auto seed = seeds.first; seed <= seeds.last; ++seed) {
    const auto script = simulation::make_messages(seed);
    CAPTURE(print(script));
    const auto history = simulation::play(script);
    CHECK(history.fault == "");
    CHECK(history.relayed + history.stored == 2 * script.messages + 1);  // and the one that ends
    CHECK(history.relayed > script.messages / 10);
    CHECK(history.stored > script.messages / 10);
    CHECK(history.failed > 0);
  }
}

TEST_CASE("messages survive a server that crashes anywhere: 40 short histories of messages") {
  log::set_level(log::Level::off);
  if (std::getenv("BECKON_SEED") != nullptr) return;
  for (std::uint64_t seed = 100; seed < 140; seed += BECKON_STRIDE) {
    auto script = simulation::make_messages(seed);
    script.messages = 60;
    script.crashes += 4;
    CAPTURE(print(script));
    CHECK(simulation::play(script).fault == "");
  }
}

TEST_CASE(
    "the server is killed while messages expire: each sender is told, once (seeds that found it otherwise)") {
  log::set_level(log::Level::off);
  if (std::getenv("BECKON_SEED") != nullptr) return;
  CHECK(simulation::play(simulation::make_messages(900132)).fault == "");
}

TEST_CASE("one seed is one history of messages") {
  log::set_level(log::Level::off);
  auto script = simulation::make_messages(1);
  script.messages = 40;
  const auto first = simulation::play(script);
  CHECK(first.happened > 100);
  CHECK(simulation::play(script).digest == first.digest);
}
