#include "tests/simulation/messages.hpp"

#include <doctest/doctest.h>

#include <cstdlib>

#include "protocol/base/log.hpp"
#include "protocol/base/text.hpp"

using namespace beckon;

TEST_CASE(
    "1 000 messages each way between two people with two devices each, which come and go, under 20 % loss "
    "and "
    "kill -9: none is lost, none comes twice, their order is kept (RFC 3428, server/message)") {
  log::set_level(log::Level::off);
  std::uint64_t first = 1, last = 3;
  if (const char* one = std::getenv("BECKON_SEED"))
    first = last = parse_number<std::uint64_t>(one).value_or(1);
  for (auto seed = first; seed <= last; ++seed) {
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
  for (std::uint64_t seed = 100; seed < 140; ++seed) {
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
