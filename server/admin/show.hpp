#pragma once

#include <iosfwd>

#include "server/config/command_line.hpp"

namespace beckon::server::admin {

/// `beckond tables` and `beckond explain`: asks the running server and prints its tables, for people or as
/// JSON. Errors are printed on `errors`: Exit::usage for an unknown table or a bad name, Exit::failed when no
/// server answers or it refuses.
Exit run_show(const CommandLine& line, std::ostream& out, std::ostream& errors);

}  // namespace beckon::server::admin
