#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "protocol/base/text.hpp"

/// Character classes and small scanners of RFC 3261 25.1. No locale, no allocation.
namespace beckon::sip::grammar {

/// Bits of `classes`, one per rule of RFC 3261 25.1. Escapes ("%41") are outside of them.
enum Class : std::uint16_t {
  token = 1,
  unreserved = 2,
  user = 4,  ///< unreserved and user-unreserved.
  password = 8,
  parameter = 16,  ///< paramchar of a URI.
  header = 32,     ///< hnv-unreserved and unreserved of a URI.
  uric = 64,       ///< RFC 2396: reserved and unreserved.
  host = 128,      ///< Letters, digits, '-' and '_' of a host name's label.
  value = 256,     ///< What an unquoted header parameter may hold here: visible, no separator of lists.
};

constexpr auto classes = [] {
  std::array<std::uint16_t, 256> table{};
  const auto add = [&table](std::string_view characters, unsigned bits) {
    for (const char c : characters) table[static_cast<unsigned char>(c)] |= static_cast<std::uint16_t>(bits);
  };
  add("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789",
      token | unreserved | user | password | parameter | header | uric | host);
  add("-.!%*_+`'~", token);
  add("-_.!~*'()", unreserved | user | password | parameter | header | uric);
  add("&=+$,;?/", user);
  add("&=+$,", password);
  add("[]/:&+$", parameter);
  add("[]/?:+$", header);
  add(";/?:@&=+$,", uric);
  // COMPAT: names of container networks hold '_', which RFC 3261 has in no host name.
  add("-_", host);
  for (unsigned c = 0x21; c < 256; ++c) {
    if (c != 0x7f && std::string_view("\",;<>").find(static_cast<char>(c)) == std::string_view::npos) {
      table[c] |= value;
    }
  }
  return table;
}();

constexpr bool is(char c, unsigned bits) { return (classes[static_cast<unsigned char>(c)] & bits) != 0; }

constexpr bool all(std::string_view text, unsigned bits) {
  for (const char c : text) {
    if (!is(c, bits)) return false;
  }
  return true;
}

constexpr bool is_token(std::string_view text) { return !text.empty() && all(text, token); }

/// COMPAT: RFC 3261 25.1 has fewer characters in a word; Call-IDs in the wild hold any visible one.
constexpr bool is_call_id(std::string_view text) {
  for (const char c : text) {
    if (c <= 0x20 || c >= 0x7f) return false;
  }
  return !text.empty();
}

constexpr std::uint32_t max_cseq = 0x7fffffff;  ///< RFC 3261 8.1.1.5: less than 2^31.

/// The value of a hexadecimal digit, or -1.
constexpr int hex_value(char c) {
  if (is_digit(c)) return c - '0';
  const char low = to_lower(c);
  return low >= 'a' && low <= 'f' ? low - 'a' + 10 : -1;
}

/// True where "%" HEX HEX begins at `at`.
constexpr bool is_escape(std::string_view text, std::size_t at) {
  return text.size() - at >= 3 && text[at] == '%' && hex_value(text[at + 1]) >= 0 &&
         hex_value(text[at + 2]) >= 0;
}

/// Index of the first octet from `at` on that is not of `bits`.
constexpr std::size_t skip(std::string_view text, std::size_t at, unsigned bits) {
  while (at < text.size() && is(text[at], bits)) ++at;
  return at;
}

/// The same, escapes passed over.
constexpr std::size_t skip_or_escaped(std::string_view text, std::size_t at, unsigned bits) {
  while ((at = skip(text, at, bits)) < text.size() && is_escape(text, at)) at += 3;
  return at;
}

constexpr bool all_or_escaped(std::string_view text, unsigned bits) {
  return skip_or_escaped(text, 0, bits) == text.size();
}

/// Index after the quoted string that begins at `at` (RFC 3261 25.1: '\' takes one octet with it);
/// npos when it does not end.
constexpr std::size_t skip_quoted(std::string_view text, std::size_t at) {
  for (++at; at < text.size(); ++at) {
    if (text[at] == '\\') {
      ++at;
    } else if (text[at] == '"') {
      return at + 1;
    }
  }
  return std::string_view::npos;
}

/// Index of the first of `stops` (one or two) that stands outside of quoted strings and angle brackets; the
/// size of the text where there is none.
std::size_t find_outside(std::string_view text, std::string_view stops, std::size_t from = 0);

/// Cuts the next piece before `separator` off the front of `rest`, untrimmed. False at the end.
bool next_piece(std::string_view& rest, char separator, std::string_view& piece);

/// The content of a quoted string without its quotes and escapes; other text as it stands.
std::string unquote(std::string_view text);

constexpr bool all_digits(std::string_view text) {
  for (const char c : text) {
    if (!is_digit(c)) return false;
  }
  return !text.empty();
}

void append_number(std::string& out, std::uint64_t number);  ///< Decimal.

/// True for one whole quoted string.
constexpr bool is_quoted(std::string_view text) {
  return text.size() >= 2 && text.front() == '"' && skip_quoted(text, 0) == text.size();
}

/// Takes the next ";name=value" off the front of `rest`: the value as written, empty where there is none.
/// False at the end.
bool next_parameter(std::string_view& rest, std::string_view& name, std::string_view& value);

/// Reads *( SEMI name [ EQUAL value ] ): each name a token, nothing empty between two semicolons. Calls
/// `visit(name, value)` for each, the value as written, empty where there is none; false when it is
/// malformed.
template <class Visit>
bool each_parameter(std::string_view text, Visit visit) {
  text = trim(text);
  std::size_t at = 0;
  const auto skip_blanks = [&] {
    while (at < text.size() && (is_blank(text[at]) || text[at] == '\r' || text[at] == '\n')) ++at;
  };
  const auto take = [&](std::size_t end) {
    const auto taken = text.substr(at, end - at);
    at = end;
    return taken;
  };
  while (at < text.size()) {
    if (text[at] != ';') return false;
    ++at;
    skip_blanks();
    const auto name = take(skip(text, at, token));
    if (name.empty()) return false;
    skip_blanks();
    auto value = text.substr(at, 0);
    if (at < text.size() && text[at] == '=') {
      ++at;
      skip_blanks();
      const bool quoted = at < text.size() && text[at] == '"';
      const auto end = quoted ? skip_quoted(text, at) : skip(text, at, Class::value);
      if (end == at || end == std::string_view::npos) return false;
      value = take(end);
      skip_blanks();
    }
    visit(name, value);
  }
  return true;
}

/// Is it such a list?
bool valid_parameters(std::string_view text);

}  // namespace beckon::sip::grammar
