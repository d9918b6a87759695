#pragma once

#include <iosfwd>

#include "server/config/command_line.hpp"

namespace beckon::server::admin {

/// `beckond user ...`: works on the users file itself, whether a server runs or not, and informs a running
/// one. Passwords are read from `in`, one line each; results go to `out`, errors to `err`.
Exit run_user_command(const CommandLine& line, std::istream& in, std::ostream& out, std::ostream& err);

}  // namespace beckon::server::admin
