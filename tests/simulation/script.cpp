#include "tests/simulation/script.hpp"

#include <fmt/format.h>

#include "protocol/base/random.hpp"

namespace beckon::simulation {

Script make_script(std::uint64_t seed) {
  SeededRandom random(seed ^ 0x5eed);
  Script script;
  script.seed = seed;
  script.protocol = random.below(2) == 0 ? transaction::Protocol::udp : transaction::Protocol::tls;
  script.loss = 0.3 * random.unit();
  script.duplication = 0.2 * random.unit();
  script.reordering = 0.2 * random.unit();
  script.shards = static_cast<unsigned>(1 + random.below(3));
  script.crashes = random.below(4) == 0 ? static_cast<unsigned>(1 + random.below(2)) : 0;
  if (script.protocol == transaction::Protocol::tls) script.cuts = static_cast<unsigned>(random.below(3));
  return script;
}

std::string print(const Script& script) {
  return fmt::format(
      "seed {}: {}, loss {:.0f} %, duplication {:.0f} %, reordering {:.0f} %, {} shard(s), {} crash(es), {} "
      "cut(s)",
      script.seed, transaction::via_name(script.protocol), 100 * script.loss, 100 * script.duplication,
      100 * script.reordering, script.shards, script.crashes, script.cuts);
}

}  // namespace beckon::simulation
