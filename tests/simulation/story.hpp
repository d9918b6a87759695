#pragma once

#include <cstdint>
#include <string>

#include "tests/simulation/script.hpp"

namespace beckon::simulation {

/// What a history leaves.
struct History {
  std::string fault;           ///< What went wrong; empty if nothing did.
  std::uint64_t digest = 0;    ///< Of every message on the wire, its time and every event: `World::digest`.
  std::uint64_t happened = 0;  ///< How much the digest covers.
};

/// Plays the demo's story: register, publish, ask, allow, message, talk (over TLS), block, leave, under the
/// script's weather, and once more with the same server. What must hold:
/// - every step happens;
/// - what is sent keeps the order (`Order`), and no watcher sees an older state after a newer one;
/// - once the network has healed each watcher holds the truth;
/// - when all have left the server holds what it held at its start, and the second play cost it no block of
///   memory (not counted under sanitizers: `heap::is_counted`).
History play(const Script& script);

}  // namespace beckon::simulation
