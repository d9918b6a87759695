#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "client/control/help.hpp"

namespace beckon::client::control {

/// What `beckon` does by itself, on a command line alone: neither the prompt nor the JSON lines have it.
/// Help, manual and the completions of shells follow the table, as they follow that of the commands.
struct ShellCommand {
  struct Argument {
    const char* name;   ///< "LINK", or "--server".
    const char* value;  ///< What an option takes, "URI"; empty: nothing.
    const char* help;
    const char* words = "";  ///< Allowed values, separated by '|'; empty: any.
    bool is_option() const { return name[0] == '-'; }
  };
  const char* name;      ///< One word, or two: "account add".
  const char* synopsis;  ///< What follows the name: "[LINK|USER@DOMAIN]".
  const char* help;
  std::vector<Argument> arguments{};
  std::vector<Example> examples{};
  const char* more = "";  ///< Further sentences.
};
std::span<const ShellCommand> shell_commands();
const ShellCommand* find_shell_command(std::string_view name);
/// Is it the first word of one? "account", "test"
bool is_shell_word(std::string_view first);
/// The second words of those that begin with this one: "add, list, default, remove"; empty: none does.
std::string second_shell_words(std::string_view first);

/// For people: the one of that name, with its arguments and examples; else those that begin with that word;
/// else all.
std::string print_shell_help(std::string_view name = {});

}  // namespace beckon::client::control
