#pragma once

#include "client/cli/options.hpp"

namespace beckon::client::cli {

/// Runs the user agent over real sockets until its command has ended, `quit`, or a signal. Returns the exit
/// code (control::Cause).
int run(const Options& options);

}  // namespace beckon::client::cli
