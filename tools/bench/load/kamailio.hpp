#pragma once

#include <filesystem>
#include <optional>

#include "tools/bench/load/subject.hpp"

namespace beckon::bench {

/// The Kamailio of this machine with its presence modules; empty if it is not installed.
std::optional<std::filesystem::path> find_kamailio();

/// Runs it on `core` with `kamailio.cfg`, its files in `folder`, and waits until it answers OPTIONS. Without
/// `grows`, its shared memory is allocated at the start. Throws std::runtime_error if it does not answer
/// within 90 s.
Subject start_kamailio(const std::filesystem::path& program, const std::filesystem::path& folder, int core,
                       bool grows);

}  // namespace beckon::bench
