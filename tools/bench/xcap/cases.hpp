#pragma once

#include "tools/bench/load/cases.hpp"

namespace beckon::bench {

/// Reading and compiling the rules of 10, 100 and 1 000 watchers, and what they say of one watcher: CPU time
/// of each, in this process.
void run_rules(const Options& options);

}  // namespace beckon::bench
