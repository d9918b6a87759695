#include "protocol/base/printable.hpp"

#include <algorithm>

#include "protocol/base/bytes.hpp"
#include "protocol/base/text.hpp"

namespace beckon {
namespace {

/// The octets that a character with this first one has.
std::size_t size_of_character(char first) {
  const auto lead = static_cast<unsigned char>(first);
  return lead < 0xc0 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
}

bool is_control(std::string_view character) {
  const auto first = static_cast<unsigned char>(character[0]);
  if (character.size() == 1) return first < 0x20 || first == 0x7f;
  const auto second = static_cast<unsigned char>(character[1]);
  if (character.size() == 2) return (first == 0xc2 && second < 0xa0) || character == "\u061c";
  if (first != 0xe2) return false;
  return character == "\u200e" || character == "\u200f" || (character >= "\u2028" && character <= "\u202e") ||
         (character >= "\u2066" && character <= "\u2069");
}

}  // namespace

std::string printable(std::string_view text, Unprintable how) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    auto character = text.substr(0, size_of_character(text[0]));
    const bool whole = is_utf8(character);
    if (!whole) character = text.substr(0, 1);
    text.remove_prefix(character.size());
    if (whole && !is_control(character)) {
      out += character;
    } else if (how == Unprintable::marked) {
      out += '?';
    } else {
      for (const char octet : character) out.append("\\x").append(to_hex(as_bytes({&octet, 1})));
    }
  }
  return out;
}

}  // namespace beckon
