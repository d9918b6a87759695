#pragma once

#include <filesystem>
#include <optional>

#include "tools/bench/load/servers.hpp"
#include "tools/bench/load/subject.hpp"

namespace beckon::bench {

/// The Kamailio of this machine with its presence modules; empty if it is not installed.
std::optional<std::filesystem::path> find_kamailio();

/// Has it the modules for that? Its databases are Debian's package kamailio-sqlite-modules.
bool kamailio_can(const Setting& setting);

/// Runs it on `core` with `kamailio.cfg`, its files in `folder`, and waits until it answers OPTIONS. Unless
/// its memory is measured, that is allocated at the start. Throws std::runtime_error if it does not answer
/// within 90 s.
Subject start_kamailio(const std::filesystem::path& program, const std::filesystem::path& folder, int core,
                       const Setting& setting);

}  // namespace beckon::bench
