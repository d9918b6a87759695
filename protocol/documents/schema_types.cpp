#include "protocol/documents/schema_types.hpp"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <optional>

#include "protocol/base/text.hpp"

namespace beckon::documents {

namespace {

struct Range {
  std::uint32_t first, last;
};

/// NameStartChar beyond ASCII (XML 1.0 2.3).
constexpr Range start_ranges[] = {{0xc0, 0xd6},     {0xd8, 0xf6},     {0xf8, 0x2ff},    {0x370, 0x37d},
                                  {0x37f, 0x1fff},  {0x200c, 0x200d}, {0x2070, 0x218f}, {0x2c00, 0x2fef},
                                  {0x3001, 0xd7ff}, {0xf900, 0xfdcf}, {0xfdf0, 0xfffd}, {0x10000, 0xeffff}};
/// What NameChar adds to them.
constexpr Range more_ranges[] = {{0xb7, 0xb7}, {0x300, 0x36f}, {0x203f, 0x2040}};

template <std::size_t N>
bool is_in(const Range (&ranges)[N], std::uint32_t character) {
  return std::any_of(std::begin(ranges), std::end(ranges), [character](const Range& range) {
    return range.first <= character && character <= range.last;
  });
}

bool is_name_start(std::uint32_t c) {
  if (c < 0x80) return is_alpha(static_cast<char>(c)) || c == '_';
  return is_in(start_ranges, c);
}

bool is_name_part(std::uint32_t c) {
  if (c < 0x80) return is_name_start(c) || is_digit(static_cast<char>(c)) || c == '-' || c == '.';
  return is_in(start_ranges, c) || is_in(more_ranges, c);
}

/// Takes the first character of a text that is UTF-8 and not empty.
std::uint32_t take_character(std::string_view& text) {
  const auto lead = static_cast<unsigned char>(text.front());
  const std::size_t size = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  std::uint32_t character = size == 1 ? lead : lead & (0x7fU >> size);
  for (std::size_t i = 1; i < size; ++i)
    character = character << 6 | (static_cast<unsigned char>(text[i]) & 0x3fU);
  text.remove_prefix(size);
  return character;
}

/// Takes so many digits.
std::optional<unsigned> take_number(std::string_view& text, std::size_t digits) {
  const auto number = parse_number<unsigned>(text.substr(0, digits));
  if (text.size() < digits || !number) return std::nullopt;
  text.remove_prefix(digits);
  return number;
}

bool take(std::string_view& text, char c) {
  if (text.empty() || text.front() != c) return false;
  text.remove_prefix(1);
  return true;
}

/// "", "Z", "+09:00"; up to 14 hours.
bool is_zone(std::string_view text) {
  if (text.empty() || text == "Z") return true;
  if (!take(text, '+') && !take(text, '-')) return false;
  const auto hours = take_number(text, 2);
  if (!hours || !take(text, ':')) return false;
  const auto minutes = take_number(text, 2);
  return minutes && text.empty() && *minutes < 60 && (*hours < 14 || (*hours == 14 && *minutes == 0));
}

}  // namespace

bool is_xs_id(std::string_view text) {
  if (text.empty() || !is_utf8(text)) return false;
  if (!is_name_start(take_character(text))) return false;
  while (!text.empty())
    if (!is_name_part(take_character(text))) return false;
  return true;
}

bool is_xs_date_time(std::string_view text) {
  using namespace std::chrono;
  const auto y = take_number(text, 4);
  if (!y || *y == 0 || !take(text, '-')) return false;
  const auto mo = take_number(text, 2);
  if (!mo || !take(text, '-')) return false;
  const auto d = take_number(text, 2);
  if (!d || !take(text, 'T')) return false;
  if (!year_month_day(year(static_cast<int>(*y)), month(*mo), day(*d)).ok()) return false;
  const auto h = take_number(text, 2);
  if (!h || !take(text, ':')) return false;
  const auto mi = take_number(text, 2);
  if (!mi || !take(text, ':')) return false;
  const auto s = take_number(text, 2);
  // The end of a day is hour 24 (XML Schema 1.0 part 2, 3.2.7).
  if (!s || *mi > 59 || *s > 59 || *h > 24 || (*h == 24 && (*mi != 0 || *s != 0))) return false;
  if (take(text, '.')) {
    const auto rest = std::find_if_not(text.begin(), text.end(), is_digit);
    if (rest == text.begin()) return false;
    text.remove_prefix(static_cast<std::size_t>(rest - text.begin()));
  }
  return is_zone(text);
}

bool is_xs_language(std::string_view text) {
  for (bool is_first = true;; is_first = false) {
    const auto [part, rest] = cut(text, '-');
    const bool is_good = !part.empty() && part.size() <= 8 && std::ranges::all_of(part, [&](char c) {
      return is_alpha(c) || (!is_first && is_digit(c));
    });
    if (!is_good) return false;
    if (part.size() == text.size()) return true;
    text = rest;
  }
}

namespace {

/// A letter, digit or mark of a URI; what it cannot have counts as escaped.
bool is_uri_character(char c) {
  const auto octet = static_cast<unsigned char>(c);
  if (is_alpha(c) || is_digit(c) || octet <= 0x20 || octet >= 0x7f) return true;
  return std::string_view("-._~!$&'()*+,;=<>\"{}|\\^`").find(c) != std::string_view::npos;
}

/// Takes characters and escapes, and those of `also`, from the front.
void skip_uri_characters(std::string_view& text, std::string_view also) {
  for (;;) {
    if (!text.empty() && (is_uri_character(text[0]) || also.find(text[0]) != also.npos)) {
      text.remove_prefix(1);
    } else if (text.size() > 2 && text[0] == '%' && parse_number<std::uint8_t>(text.substr(1, 2), 16)) {
      text.remove_prefix(3);
    } else {
      return;
    }
  }
}

/// Takes "user@host:port"; false: it is broken.
bool skip_authority(std::string_view& text) {
  const auto authority = text.substr(0, text.find_first_of("/?#"));
  std::string_view rest = authority;
  skip_uri_characters(rest, ":");
  if (rest.starts_with('@')) {
    rest.remove_prefix(1);
  } else {
    rest = authority;
  }
  if (rest.starts_with('[')) {
    const auto end = rest.find(']');
    if (end == rest.npos) return false;
    rest.remove_prefix(end + 1);
  } else {
    skip_uri_characters(rest, "");
  }
  if (rest.starts_with(':')) {
    rest.remove_prefix(1);
    const auto digits = rest.substr(0, std::min(rest.find_first_not_of("0123456789"), rest.size()));
    if (!digits.empty() && !parse_number<std::int32_t>(digits)) return false;
    rest.remove_prefix(digits.size());
  }
  text.remove_prefix(authority.size());
  return rest.empty();
}

/// The scheme with its ":", if there is one.
std::string_view scheme_of(std::string_view text) {
  if (text.empty() || !is_alpha(text[0])) return {};
  const auto end = std::ranges::find_if_not(
      text, [](char c) { return is_alpha(c) || is_digit(c) || c == '+' || c == '-' || c == '.'; });
  const auto size = static_cast<std::size_t>(end - text.begin());
  return size < text.size() && text[size] == ':' ? text.substr(0, size + 1) : std::string_view();
}

}  // namespace

bool is_xs_any_uri(std::string_view text) {
  const auto scheme = scheme_of(text);
  text.remove_prefix(scheme.size());
  if (text.starts_with("//")) {
    text.remove_prefix(2);
    if (!skip_authority(text) || (!text.empty() && text.find_first_of("/?#") != 0)) return false;
  } else if (scheme.empty()) {
    // The first segment of a relative path has no colon.
    std::string_view segment = text.substr(0, text.find_first_of("/?#"));
    if (segment.find(':') != segment.npos) return false;
  }
  skip_uri_characters(text, "/:@");
  if (text.starts_with('?')) skip_uri_characters(text, "/:@?");
  if (text.starts_with('#')) {
    text.remove_prefix(1);
    skip_uri_characters(text, "/:@?[]");
  }
  return text.empty();
}

}  // namespace beckon::documents
