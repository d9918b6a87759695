#pragma once

#include <cstdint>

#include "server/config/config.hpp"

namespace beckon::server {

/// How many files the server may have open at a time when all connections it admits are there.
std::uint64_t wanted_files(const Config& config);

/// Raises the soft limit of open files to that: a connection is an open file, and the usual limit (1024) is
/// far below what is admitted. Logs a warning when the hard limit is too low.
void raise_file_limit(const Config& config);

}  // namespace beckon::server
