#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace beckon::client::cli {

/// The words of a command, and the options of the program that stood behind it.
struct LateOptions {
  std::vector<std::string> options{};
  std::vector<std::string> words{};
};

/// "register --account alice@example.org" is "--account alice@example.org register". What the command itself
/// has as an argument, and everything behind the recipient of a message, stays with the command. A word
/// "--help" makes "help COMMAND" of it.
LateOptions split_late(const CLI::App& app, const std::vector<std::string>& words);

}  // namespace beckon::client::cli
