#pragma once

#include "server/config/command_line.hpp"

namespace beckon::server {

/// Runs the server until SIGTERM or SIGINT: opens the store, makes a certificate if there is none, listens,
/// prints one line `ready ...` with the addresses bound on standard output, and starts a thread for each
/// shard but the first. What goes wrong before is told on standard error.
Exit serve(const Config& config);

}  // namespace beckon::server
