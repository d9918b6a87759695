#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "client/control/command.hpp"

namespace beckon::client::control {

/// A line that somebody may type, and what it does. Each is a correct one.
struct Example {
  const char* line;
  const char* what;
};
/// Of one command; and those that a new user reads first.
std::vector<Example> examples_of(std::string_view command);
std::span<const Example> first_examples();

/// What a value of the argument looks like: "open|closed", "NUMBER", "USER@DOMAIN", "TEXT".
std::string form_of(const Argument& argument);
/// Must it be named on a command line? The required ones up to a list need no name.
bool is_named(const Specification& command, const Argument& argument);
/// "publish open|closed [--note TEXT]...", "welcome users... --text TEXT", "watchers [--log]"
std::string usage_of(const Specification& command);
/// The second words of the commands that begin with this one: "list, add, remove"; empty: none does.
std::string second_words(std::string_view first);
/// Is it a command, or the first word of some, also of the shell's?
bool has_help(std::string_view name);
/// The command that somebody who typed this may have meant; empty: none is near.
std::string nearest_command(std::string_view typed);

/// Of "help", "? message", "message --help" or "contacts add -h": the name that is asked about, which is
/// empty for the first. Nothing: no help is asked for.
std::optional<std::string> asked_help(std::span<const std::string_view> words);

}  // namespace beckon::client::control
