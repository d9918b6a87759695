#pragma once

#include <string>

#include "client/control/command.hpp"
#include "client/control/shell_commands.hpp"
#include "client/manual/option.hpp"

namespace beckon::client::manual {

/// Pages of the manual, section 1, in the language of man(7). They are made of the table of commands, the
/// table of causes, the options and the commands of the shell, and have nothing that those do not have.
/// beckon(1): what it is, examples, options, all commands, exit codes.
std::string main_page(const Options& options);
/// beckon-allow(1), beckon-contacts-add(1): one command, its arguments with their values, examples.
std::string command_page(const control::Specification& command);
/// beckon-account-add(1), beckon-test(1)
std::string shell_page(const control::ShellCommand& command);
/// Of "contacts add": "beckon-contacts-add"
std::string page_name(std::string_view command);

}  // namespace beckon::client::manual
