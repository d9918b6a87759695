#include "client/terminal/characters.hpp"

#include <fmt/format.h>

namespace beckon::client::terminal {
namespace {

bool continues(char octet) { return (static_cast<unsigned char>(octet) & 0xc0) == 0x80; }

bool joins(const Character& character) {
  return character.is_valid && columns_of(character.code) == 0 && !is_dangerous(character.code);
}

}  // namespace

std::size_t start_of_character(std::string_view text, std::size_t at) {
  std::size_t begin = at - 1;
  while (begin > 0 && at - begin < 4 && continues(text[begin])) --begin;
  // Octets that are not UTF-8 are a character each.
  return first_character(text.substr(begin)).octets.size() == at - begin ? begin : at - 1;
}

std::size_t start_of_cluster(std::string_view text, std::size_t at) {
  do at = start_of_character(text, at);
  while (at > 0 && joins(first_character(text.substr(at))));
  return at;
}

std::size_t end_of_cluster(std::string_view text, std::size_t at) {
  do at += first_character(text.substr(at)).octets.size();
  while (at < text.size() && joins(first_character(text.substr(at))));
  return at;
}

bool is_dangerous(char32_t code) {
  return code < 0x20 || (code >= 0x7f && code <= 0x9f) || code == 0x061c || code == 0x200e ||
         code == 0x200f || (code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
}

std::string shown(const Character& character) {
  if (character.code == '\n') return "\u23ce";
  if (character.code == '\t') return " ";
  if (is_dangerous(character.code)) return fmt::format("<U+{:04X}>", static_cast<unsigned>(character.code));
  return character.is_valid ? std::string(character.octets) : "\ufffd";
}

std::string shown(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const Character character = first_character(text);
    out += shown(character);
    text.remove_prefix(character.octets.size());
  }
  return out;
}

std::string shorten(std::string_view text, std::size_t width) {
  if (columns(text) <= width) return std::string(text);
  std::size_t end = 0, taken = 1;  // the ellipsis
  while (end < text.size()) {
    const std::size_t next = end_of_cluster(text, end);
    taken += columns(text.substr(end, next - end));
    if (taken > width) break;
    end = next;
  }
  return std::string(text.substr(0, end)) + (width > 0 ? "\u2026" : "");
}

}  // namespace beckon::client::terminal
