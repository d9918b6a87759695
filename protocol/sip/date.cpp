#include <algorithm>
#include <array>

#include "protocol/base/text.hpp"
#include "protocol/sip/grammar.hpp"
#include "protocol/sip/header_value.hpp"

namespace beckon::sip {

namespace {

constexpr std::array<std::string_view, 7> weekdays{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array<std::string_view, 12> months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                  "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

template <std::size_t N>
std::optional<unsigned> index_of(const std::array<std::string_view, N>& names, std::string_view name) {
  for (unsigned i = 0; i < N; ++i) {
    if (iequals(names[i], name)) return i;
  }
  return std::nullopt;
}

std::optional<unsigned> two_digits(std::string_view text, unsigned most) {
  const auto value = grammar::all_digits(text) ? parse_number<unsigned>(text) : std::nullopt;
  return value && *value <= most ? value : std::nullopt;
}

void append_two(std::string& out, unsigned value) {
  out.push_back(static_cast<char>('0' + value / 10 % 10));
  out.push_back(static_cast<char>('0' + value % 10));
}

}  // namespace

Result<DateTime> parse_date(std::string_view text) {
  namespace chrono = std::chrono;
  // "Sat, 13 Nov 2010 23:29:00 GMT"
  text = trim(text);
  if (text.size() != 29 || !iequals(text.substr(25), " GMT") || text.substr(3, 2) != ", " || text[7] != ' ' ||
      text[11] != ' ' || text[16] != ' ' || text[19] != ':' || text[22] != ':') {
    return Errc::bad_value;
  }
  const auto day = two_digits(text.substr(5, 2), 31);
  const auto month = index_of(months, text.substr(8, 3));
  const auto year =
      grammar::all_digits(text.substr(12, 4)) ? parse_number<int>(text.substr(12, 4)) : std::nullopt;
  const auto hour = two_digits(text.substr(17, 2), 23);
  const auto minute = two_digits(text.substr(20, 2), 59);
  const auto second = two_digits(text.substr(23, 2), 60);
  if (!index_of(weekdays, text.substr(0, 3)) || !day || !month || !year || !hour || !minute || !second)
    return Errc::bad_value;
  const chrono::year_month_day date{chrono::year(*year), chrono::month(*month + 1), chrono::day(*day)};
  if (!date.ok()) return Errc::bad_value;
  return chrono::sys_days(date) + chrono::hours(*hour) + chrono::minutes(*minute) + chrono::seconds(*second);
}

std::string print_date(DateTime time) {
  namespace chrono = std::chrono;
  const auto days = chrono::floor<chrono::days>(time);
  const chrono::year_month_day date{days};
  const chrono::hh_mm_ss clock{time - days};
  const auto year = static_cast<unsigned>(static_cast<int>(date.year()));
  std::string out(weekdays[chrono::weekday(days).c_encoding()]);
  out += ", ";
  append_two(out, static_cast<unsigned>(date.day()));
  out.append(" ").append(months[static_cast<unsigned>(date.month()) - 1]).append(" ");
  append_two(out, year / 100);
  append_two(out, year % 100);
  out += ' ';
  append_two(out, static_cast<unsigned>(clock.hours().count()));
  out += ':';
  append_two(out, static_cast<unsigned>(clock.minutes().count()));
  out += ':';
  append_two(out, static_cast<unsigned>(clock.seconds().count()));
  return out + " GMT";
}

}  // namespace beckon::sip
