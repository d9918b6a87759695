#pragma once

#include <filesystem>
#include <iosfwd>
#include <string>
#include <vector>

#include "server/config/command_line.hpp"

namespace beckon::server::admin {

/// Files of a data folder.
std::filesystem::path users_file(const std::filesystem::path& data);
std::filesystem::path state_file(const std::filesystem::path& data);

/// `beckond user ...`: works on the users file itself, whether a server runs or not, and tells a running one.
/// Passwords come from `in`, one line each; `out` is for what was asked for, `err` for what went wrong.
Exit run_user_command(const CommandLine& line, std::istream& in, std::ostream& out, std::ostream& err);

/// The domains the administrator named when the server last started: kept beside the users, so that `user
/// add` knows them when it does not run. Best effort.
void save_domains(const std::filesystem::path& data, const std::vector<std::string>& domains);
std::vector<std::string> load_domains(const std::filesystem::path& data);

}  // namespace beckon::server::admin
