// Calls per second of server CPU: INVITE, 180, 200, ACK, BYE, 200, each by way of the server.

#include "tools/bench/load/cases.hpp"

namespace beckon::bench {
namespace {

constexpr std::uint32_t users = known_users;

RateCase calls(bool digest) {
  return {.name = digest ? "call-digest" : "call",
          .setting = {.digest = digest},
          .before = {{.operation = Operation::bind, .actors = users}},
          .job = {.operation = Operation::call, .actors = users, .window = 128}};
}

const std::vector<RateCase> rates{calls(false), calls(true)};

}  // namespace
}  // namespace beckon::bench

int main(int argc, char** argv) {
  return beckon::bench::run_bench("call", beckon::bench::rates, {}, {}, argc, argv);
}
