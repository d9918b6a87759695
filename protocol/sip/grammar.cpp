#include "protocol/sip/grammar.hpp"

#include <cassert>
#include <charconv>

#include "protocol/sip/scan.hpp"

namespace beckon::sip::grammar {

std::size_t find_outside(std::string_view text, std::string_view stops, std::size_t from) {
  assert(stops.size() == 1 || stops.size() == 2);
  const char one = stops.front(), other = stops.back();
  for (std::size_t at = from; at < text.size();) {
    at = scan::find_any(text, at, one, other, '"', '<');
    if (at == text.size() || text[at] == one || text[at] == other) return at;
    const auto end = text[at] == '"' ? skip_quoted(text, at) : text.find('>', at);
    if (end == std::string_view::npos) break;
    at = text[at] == '"' ? end : end + 1;
  }
  return text.size();
}

bool next_piece(std::string_view& rest, char separator, std::string_view& piece) {
  if (rest.empty()) return false;
  const auto end = find_outside(rest, {&separator, 1});
  piece = rest.substr(0, end);
  rest.remove_prefix(end == rest.size() ? end : end + 1);
  return true;
}

bool next_parameter(std::string_view& rest, std::string_view& name, std::string_view& value) {
  for (std::string_view piece; next_piece(rest, ';', piece);) {
    if (trim(piece).empty()) continue;
    const auto [left, right] = cut(piece, '=');
    name = trim(left);
    value = trim(right);
    return true;
  }
  return false;
}

void append_number(std::string& out, std::uint64_t number) {
  std::array<char, 20> digits;
  const char* end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  out.append(digits.data(), static_cast<std::size_t>(end - digits.data()));
}

std::string unquote(std::string_view text) {
  if (text.size() < 2 || text.front() != '"' || text.back() != '"') return std::string(text);
  text = text.substr(1, text.size() - 2);
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size()) ++i;
    out.push_back(text[i]);
  }
  return out;
}

bool valid_parameters(std::string_view text) {
  return each_parameter(text, [](std::string_view, std::string_view) {});
}

}  // namespace beckon::sip::grammar
