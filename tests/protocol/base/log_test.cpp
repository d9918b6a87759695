#include "protocol/base/log.hpp"

#include <doctest/doctest.h>

#include "protocol/base/log_output.hpp"
#include "tests/support/log_lines.hpp"

using namespace beckon;

TEST_CASE("lines of the log go where a program wants them, and to standard error again") {
  std::string taken;
  const std::string shown = test::lines_of([&] {
    log::set_output([&](std::string line) { taken += line; });
    log::warn("room", "{} is away\x1b", "bob");
    log::set_output({});
    log::warn("room", "back");
  });
  CHECK(taken == "warn room: bob is away\\x1b\n");
  CHECK(shown.ends_with("room: back\n"));
  CHECK(shown.find("away") == std::string::npos);
}
