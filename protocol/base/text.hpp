#pragma once

#include <charconv>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/bytes.hpp"

namespace beckon {

/// ASCII only: the locale does not change how a protocol text is read.
constexpr char to_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }
constexpr char to_upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - ('a' - 'A')) : c; }
constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
constexpr bool is_alpha(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
constexpr bool is_blank(char c) { return c == ' ' || c == '\t'; }

std::string to_lower(std::string_view text);
std::string to_upper(std::string_view text);

/// Equal without regard to ASCII case.
inline bool iequals(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i] != b[i] && to_lower(a[i]) != to_lower(b[i])) return false;
  }
  return true;
}

/// `text` without blanks, tabs, CR and LF at either end.
inline std::string_view trim(std::string_view text) {
  const auto is_space = [](char c) { return is_blank(c) || c == '\r' || c == '\n'; };
  const char* begin = text.data();
  const char* end = begin + text.size();
  while (begin != end && is_space(*begin)) ++begin;
  while (begin != end && is_space(end[-1])) --end;
  return {begin, static_cast<std::size_t>(end - begin)};
}

/// The pieces between `separator`s, each trimmed; an empty text gives no piece.
std::vector<std::string_view> split(std::string_view text, char separator);

/// Splits at the first `separator`: {before, after}; {text, ""} where there is none.
std::pair<std::string_view, std::string_view> cut(std::string_view text, char separator);

/// Of the address-of-record "sip:alice@example.org" or "sip:example.org": "example.org", and of
/// "sip:alice@[::1]" the address without brackets. Empty where there is no scheme.
std::string_view domain_of_aor(std::string_view aor);

/// A number that fills the whole text and fits T; empty for anything else.
template <class T>
std::optional<T> parse_number(std::string_view text, int base = 10) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc{} || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return value;
}

/// Lower-case hexadecimal and back; empty for an odd length or other characters.
std::string to_hex(ByteView bytes);
std::optional<Bytes> from_hex(std::string_view text);

/// Base64 of RFC 4648 4, padded. `from_base64` skips blanks and line ends (XML folds them in) and
/// refuses everything else that is not canonical.
std::string to_base64(ByteView bytes);
std::optional<Bytes> from_base64(std::string_view text);

/// True for well-formed UTF-8 (RFC 3629: no surrogates, no overlong forms).
bool is_utf8(std::string_view text);

/// Reads and writes `2026-11-21T04:00:00Z` (RFC 3339; fractions and offsets are understood).
std::string print_time(std::chrono::sys_time<std::chrono::milliseconds> time);
std::optional<std::chrono::sys_time<std::chrono::milliseconds>> parse_time(std::string_view text);

}  // namespace beckon
