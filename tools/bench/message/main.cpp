// MESSAGE per second of server CPU: relayed to a user who is there, stored for one who is away.

#include "tools/bench/load/cases.hpp"

namespace beckon::bench {
namespace {

constexpr std::uint32_t users = known_users;
constexpr Job bind_all{.operation = Operation::bind, .actors = users};

RateCase relay(bool digest) {
  return {.name = digest ? "relay-digest" : "relay",
          .setting = {.digest = digest},
          .before = {bind_all},
          .job = {.operation = Operation::message, .actors = users, .window = 128}};
}

RateCase store(Durability durability) {
  return {.name = std::string("store-") + to_string(durability),
          .setting = {.durability = durability, .stores = true},
          .job = {.operation = Operation::store, .actors = users, .window = 128}};
}

const std::vector<RateCase> rates{relay(false), relay(true), store(Durability::memory),
                                  store(Durability::process), store(Durability::power)};

}  // namespace
}  // namespace beckon::bench

int main(int argc, char** argv) {
  return beckon::bench::run_bench("message", beckon::bench::rates, {}, {}, argc, argv);
}
