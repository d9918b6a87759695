// PUBLISH, SUBSCRIBE and NOTIFY per second of server CPU, and octets of memory for each publication and
// subscription; how the server scales (million) and how it shares its time (slices).

#include "tools/bench/presence/own_cases.hpp"

namespace beckon::bench {
namespace {

constexpr std::uint32_t presentities = 10000;
constexpr std::uint32_t dialogs = 20000;
constexpr Job publish_all{.operation = Operation::publish, .actors = presentities};

/// As many dialogs in all, whatever the number of watchers of one presentity.
RateCase fan_out(std::uint32_t watchers, std::uint32_t window) {
  const std::uint32_t watched = dialogs / watchers;
  return {
      .name = "fan-out-" + std::to_string(watchers),
      .presentities = watched,
      .before = {{.operation = Operation::publish, .actors = watched},
                 {.operation = Operation::subscribe, .actors = dialogs}},
      .job = {.operation = Operation::publish, .actors = watched, .window = window, .notifies = watchers}};
}

RateCase publish(Durability durability) {
  return {.name = durability == Durability::memory ? "publish" : "publish-process",
          .setting = {.durability = durability},
          .beside_kamailio = durability == Durability::memory,
          .presentities = presentities,
          .before = {publish_all},
          .job = {.operation = Operation::publish, .actors = presentities, .window = 128}};
}

RateCase subscribe(Durability durability) {
  return {.name = durability == Durability::memory ? "subscribe" : "subscribe-process",
          .setting = {.durability = durability},
          .beside_kamailio = durability == Durability::memory,
          .presentities = presentities,
          .before = {publish_all},
          .job = {.operation = Operation::subscribe, .window = 128}};
}

const std::vector<RateCase> rates{
    publish(Durability::memory),
    subscribe(Durability::memory),
    {.name = "refresh",
     .presentities = presentities,
     .before = {publish_all, {.operation = Operation::subscribe, .actors = dialogs}},
     .job = {.operation = Operation::refresh, .actors = dialogs, .window = 128}},
    fan_out(1, 128),
    fan_out(10, 16),
    fan_out(100, 2),
    publish(Durability::process),
    subscribe(Durability::process),
};

const std::vector<MemoryCase> memory{{"memory-publication", Operation::publish, 1},
                                     {"memory-subscription", Operation::subscribe, 10}};

const std::vector<OwnCase> own{{"million", run_million},
                               {"slices", run_slices},
                               {"forms", run_forms},
                               {"last-notify", run_last_notify},
                               {"lists", run_lists}};

}  // namespace
}  // namespace beckon::bench

int main(int argc, char** argv) {
  using namespace beckon::bench;
  return run_bench("presence", rates, memory, own, argc, argv);
}
