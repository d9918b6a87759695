#pragma once

#include <string>
#include <string_view>

namespace beckon {

/// What becomes of a character that is not printed.
enum class Unprintable {
  marked,   ///< '?'
  escaped,  ///< "\x1b", each of its octets
};

/// `text`, which a peer may have chosen, for a terminal or a log: always UTF-8, and without the control
/// characters that could move the cursor, colour the terminal, forge a line or turn its direction. These are
/// U+0000 to U+001F, U+007F and U+0080 to U+009F, the separators U+2028 and U+2029, and the marks of
/// direction U+061C, U+200E, U+200F, U+202A to U+202E and U+2066 to U+2069; an octet that is not UTF-8 counts
/// as one.
std::string printable(std::string_view text, Unprintable how = Unprintable::marked);

}  // namespace beckon
