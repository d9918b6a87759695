#pragma once

#include <iosfwd>

#include "server/config/command_line.hpp"

namespace beckon::server::admin {

/// `beckond tables` and `beckond explain`: asks the running server and prints its tables, for people or as
/// JSON. What is wrong is told on `errors`: Exit::usage for a table or name that is none, Exit::failed where
/// nobody answers or the server refuses.
Exit run_show(const CommandLine& line, std::ostream& out, std::ostream& errors);

}  // namespace beckon::server::admin
