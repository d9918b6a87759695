#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "client/terminal/names.hpp"

namespace beckon::client::terminal {

/// What may stand at the cursor.
struct Completion {
  std::size_t from = 0;              ///< Where the word begins that is completed.
  std::vector<std::string> words{};  ///< Whole words, sorted; each begins with what is typed.
  std::string hint{};                ///< One line to show where no word is proposed.
};

/// What the words of the table of commands, and what is known, allow behind `before`, the line up to the
/// cursor: names of commands, values of arguments, names of options, users, groups, calls. `own` are commands
/// of the prompt itself, beside the table's.
Completion complete(std::string_view before, const Names& names, const std::vector<std::string>& own);

/// The longest beginning that all words share; not within a character.
std::string common_beginning(const std::vector<std::string>& words);

}  // namespace beckon::client::terminal
