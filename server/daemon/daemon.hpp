#pragma once

#include "server/config/command_line.hpp"

namespace beckon::server {

/// Runs the server until SIGTERM or SIGINT: opens the stores, makes a certificate if there is none, listens,
/// prints one line `ready ...` with the bound addresses on standard output, and starts a thread for each
/// shard but the first. Failures before that are printed on standard error and give the exit code.
Exit serve(const Config& config);

}  // namespace beckon::server
