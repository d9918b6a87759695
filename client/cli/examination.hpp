#pragma once

#include "client/cli/options.hpp"

namespace beckon::client::cli {

/// `beckon doctor`: asks DNS, ports, certificate, server and XCAP server as this account's agent would,
/// without the password, prints what `doctor::judge` makes of the answers, and gives the exit code: that of
/// the cause, 0 where nothing is bad.
int examine(const Options& options);

}  // namespace beckon::client::cli
