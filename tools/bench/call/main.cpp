// Calls per second of server CPU: INVITE, 180, 200, ACK, BYE, 200, each by way of the server.

#include "tools/bench/load/cases.hpp"

namespace beckon::bench {
namespace {

constexpr std::uint32_t users = 10000;

const std::vector<RateCase> rates{
    {.name = "call",
     .before = {{.operation = Operation::bind, .actors = users}},
     .job = {.operation = Operation::call, .actors = users, .window = 128}},
};

}  // namespace
}  // namespace beckon::bench

int main(int argc, char** argv) {
  return beckon::bench::run_bench("call", beckon::bench::rates, {}, {}, argc, argv);
}
