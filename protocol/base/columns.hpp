#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace beckon {

/// One code point of a text.
struct Character {
  std::string_view octets;  ///< In the text; one octet where it is not UTF-8.
  char32_t code = 0;        ///< U+FFFD where it is not UTF-8.
  bool is_valid = true;
};
/// The first one of a text that is not empty.
Character first_character(std::string_view text);

/// How many columns a terminal gives a printed character: 0 for one that joins the character before it, 2 for
/// a wide one (CJK, emoji), else 1.
int columns_of(char32_t code);
/// The columns that a text takes which has nothing but printed characters.
std::size_t columns(std::string_view text);
/// `text` with blanks behind it up to so many columns.
std::string pad(std::string text, std::size_t width);

}  // namespace beckon
