#pragma once

#include <boost/json/object.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/result.hpp"

namespace beckon::client::control {

enum class Errc {
  not_json = 1,      ///< The line is no JSON object, or longer than `line_max`.
  unknown_command,   ///< No such command.
  missing_argument,  ///< A required argument is absent.
  bad_argument,      ///< An argument is unknown, of the wrong type, or not one of its words.
};
const char* to_string(Errc value);

/// Octets of one line of commands.
inline constexpr std::size_t line_max = 65536;

/// One argument of a command.
struct Argument {
  enum class Type { text, number, address };
  const char* name;
  Type type;
  bool required;
  const char* help;
  const char* words = "";  ///< Allowed values of a text, separated by '|'; empty: any.
};

/// One command of the contract: the same table serves the JSON lines, the command line, the interactive
/// prompt and their help.
struct Specification {
  const char* name;
  const char* help;
  std::vector<Argument> arguments;
};
std::span<const Specification> specifications();
const Specification* find_specification(std::string_view name);

/// A command that was checked against its specification: every required argument is there, every
/// argument has its type, addresses are canonical ("sip:alice@example.org").
struct Command {
  std::string id;  ///< The caller's correlation id; may be empty.
  std::string name;
  boost::json::object arguments;

  bool has(std::string_view argument) const { return arguments.contains(argument); }
  std::string text(std::string_view argument, std::string_view otherwise = {}) const;
  std::int64_t number(std::string_view argument, std::int64_t otherwise) const;
};

/// A command that could not be read; `id` is kept where it was readable, so that the answer finds its asker.
struct Rejected {
  ErrorCode error;
  std::string id;
  std::string detail;
};

/// Reads {"id": "7", "command": "message", "to": "alice@example.org", "text": "hi"}.
boost::system::result<Command, Rejected> parse_command(std::string_view line);

/// Reads the words of a command line: required arguments by position, the others as --name VALUE
/// message alice@example.org "hi", allow bob@example.org --direct auto.
boost::system::result<Command, Rejected> parse_words(std::span<const std::string> words);

}  // namespace beckon::client::control

BECKON_ERROR_ENUM(beckon::client::control, Errc, "beckon.control")
