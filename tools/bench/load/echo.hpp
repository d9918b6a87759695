#pragma once

#include "tools/bench/load/subject.hpp"

namespace beckon::bench {

/// What the machine can do at best: sends each datagram back as it came, 64 for each system call, in a
/// process of its own.
Subject start_echo(int core);

}  // namespace beckon::bench
