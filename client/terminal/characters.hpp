#pragma once

#include <string>
#include <string_view>

#include "protocol/base/columns.hpp"

namespace beckon::client::terminal {

/// Where the character begins that ends at `at`, which is greater than 0; and with those it joins, as what a
/// terminal shows in one place.
std::size_t start_of_character(std::string_view text, std::size_t at);
std::size_t start_of_cluster(std::string_view text, std::size_t at);
/// Where what begins at `at`, which is less than the size, ends with all that joins it.
std::size_t end_of_cluster(std::string_view text, std::size_t at);

/// Is it one that could move the cursor, colour the terminal, forge a line or turn its direction?
/// U+0000 to U+001F, U+007F to U+009F, U+2028, U+2029, U+061C, U+200E, U+200F, U+202A to U+202E, U+2066 to
/// U+2069.
bool is_dangerous(char32_t code);

/// What is shown in place of a character: itself, "<U+202E>" for a dangerous one, "\u23ce" for the end of a
/// line, a blank for a tab, "\ufffd" for an octet that is not UTF-8.
std::string shown(const Character& character);
/// A whole text likewise: always UTF-8, one line.
std::string shown(std::string_view text);
/// `text`, or what fits into so many columns with an ellipsis.
std::string shorten(std::string_view text, std::size_t width);

}  // namespace beckon::client::terminal
