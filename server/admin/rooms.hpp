#pragma once

#include <filesystem>
#include <iosfwd>
#include <string>
#include <vector>

#include "protocol/base/result.hpp"
#include "server/config/command_line.hpp"

namespace beckon::server::admin {

/// `beckond room add|list|remove`: asks the running server; a list is read without one, too. Errors are
/// printed on `errors`: Exit::failed when no server answers or it refuses.
Exit run_room_command(const CommandLine& line, std::ostream& out, std::ostream& errors);

/// The addresses of all rooms, in order, of the running server or, where none runs, of its state file.
Result<std::vector<std::string>> all_rooms(const std::filesystem::path& data);

}  // namespace beckon::server::admin
