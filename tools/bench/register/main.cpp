// OPTIONS and REGISTER per second of server CPU, and octets of memory for each binding.

#include "tools/bench/load/cases.hpp"

namespace beckon::bench {
namespace {

constexpr std::uint32_t users = 10000;
constexpr Job bind_all{.operation = Operation::bind, .actors = users};

const std::vector<RateCase> rates{
    {.name = "options", .job = {.operation = Operation::options, .actors = 512, .window = 256}},
    {.name = "register",
     .before = {bind_all},
     .job = {.operation = Operation::bind, .actors = users, .window = 128}},
    {.name = "register-process",
     .setting = {.durability = Durability::process},
     .beside_kamailio = false,
     .before = {bind_all},
     .job = {.operation = Operation::bind, .actors = users, .window = 128}},
};

const std::vector<MemoryCase> memory{{"memory-binding", Operation::bind, 1}};

}  // namespace
}  // namespace beckon::bench

int main(int argc, char** argv) {
  return beckon::bench::run_bench("register", beckon::bench::rates, beckon::bench::memory, {}, argc, argv);
}
