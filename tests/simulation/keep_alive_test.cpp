#include <doctest/doctest.h>

#include "protocol/base/log.hpp"
#include "tests/simulation/client.hpp"

using namespace beckon;
using namespace beckon::simulation;

namespace {

/// alice over UDP and one server, in fine weather.
struct Fixture {
  Fixture() {
    log::set_level(log::Level::off);
    SeededRandom keys(1);
    server.add_user(*users::make_user("alice@example.org", "wonderland", keys));
    server.start();
    alice.start();
  }
  bool registers() {
    const std::string id = alice.execute({"register", "--expires", "3600"});
    return world.run_until([&] { return alice.result(id) != nullptr; }, 1min);
  }
  bool is_connected(std::string_view state) {
    const auto* event = alice.last("connection");
    return event != nullptr && text(*event, "state") == state;
  }

  World world{1};
  Network network{world};
  SipNetwork sip{network};
  Server server{sip, *parse_address("192.0.2.9:5060"), 2};
  Client alice{sip, server, {"alice@example.org", "wonderland", *parse_address("192.0.2.1:5060")}};
};

}  // namespace

TEST_CASE_FIXTURE(Fixture,
                  "keep-alives over UDP detect that the server is gone long before the registration expires, "
                  "and the client registers anew when it is back (RFC 5626 4.4.2)") {
  REQUIRE(registers());
  CHECK_FALSE(world.run_until([&] { return alice.last("connection") != nullptr; }, 40min));
  server.crash();
  CHECK(world.run_until([&] { return is_connected("down"); }, 29s + 40s));
  server.start();
  CHECK(world.run_until([&] { return is_connected("up"); }, 5min));
  CHECK(server.size().at("bindings") == 1);
}

TEST_CASE_FIXTURE(Fixture, "a working flow is not given up when a fifth of all datagrams is lost") {
  REQUIRE(registers());
  network.set_weather({.loss = 0.2});
  CHECK_FALSE(world.run_until([&] { return alice.last("connection") != nullptr; }, 40min));
}
