#pragma once

#include <string>

#include "tests/simulation/script.hpp"

namespace beckon::simulation {

/// Plays the demo's story: register, publish, ask, allow, message, talk (over TLS), block, leave, under the
/// script's weather. Returns what went wrong, empty if nothing did:
/// - every step happens;
/// - what is sent keeps the order (`Order`), and nobody sees an older state after a newer one;
/// - once the network has healed each watcher holds the truth;
/// - when all have left the server holds what it held at its start.
std::string play(const Script& script);

}  // namespace beckon::simulation
