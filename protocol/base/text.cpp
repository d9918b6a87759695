#include "protocol/base/text.hpp"

#include <array>
#include <cstdio>

namespace beckon {

std::string to_lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = to_lower(c);
  return out;
}

std::string to_upper(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = to_upper(c);
  return out;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> pieces;
  while (!text.empty()) {
    const auto at = text.find(separator);
    pieces.push_back(trim(text.substr(0, at)));
    if (at == std::string_view::npos) break;
    text.remove_prefix(at + 1);
  }
  return pieces;
}

std::pair<std::string_view, std::string_view> cut(std::string_view text, char separator) {
  const auto at = text.find(separator);
  if (at == std::string_view::npos) return {text, {}};
  return {text.substr(0, at), text.substr(at + 1)};
}

std::string_view domain_of_aor(std::string_view aor) {
  const std::size_t at = aor.find('@');
  const std::size_t before = at == aor.npos ? aor.find(':') : at;
  if (before == aor.npos) return {};
  const std::string_view domain = aor.substr(before + 1);
  const bool is_bracketed = domain.size() > 1 && domain.front() == '[' && domain.back() == ']';
  return is_bracketed ? domain.substr(1, domain.size() - 2) : domain;
}

std::string to_hex(ByteView bytes) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string out(bytes.size() * 2, '0');
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    out[2 * i] = digits[bytes[i] >> 4];
    out[2 * i + 1] = digits[bytes[i] & 15];
  }
  return out;
}

std::optional<Bytes> from_hex(std::string_view text) {
  if (text.size() % 2 != 0) return std::nullopt;
  Bytes out;
  out.reserve(text.size() / 2);
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const auto byte = parse_number<std::uint8_t>(text.substr(i, 2), 16);
    if (!byte) return std::nullopt;
    out.push_back(*byte);
  }
  return out;
}

namespace {

constexpr char base64_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

constexpr auto base64_values = [] {
  std::array<std::int8_t, 256> values{};
  values.fill(-1);
  for (int i = 0; i < 64; ++i)
    values[static_cast<unsigned char>(base64_digits[i])] = static_cast<std::int8_t>(i);
  return values;
}();

}  // namespace

std::string to_base64(ByteView bytes) {
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t have = std::min<std::size_t>(3, bytes.size() - i);
    std::uint32_t group = std::uint32_t{bytes[i]} << 16;
    if (have > 1) group |= std::uint32_t{bytes[i + 1]} << 8;
    if (have > 2) group |= bytes[i + 2];
    out.push_back(base64_digits[group >> 18]);
    out.push_back(base64_digits[group >> 12 & 63]);
    out.push_back(have > 1 ? base64_digits[group >> 6 & 63] : '=');
    out.push_back(have > 2 ? base64_digits[group & 63] : '=');
  }
  return out;
}

std::optional<Bytes> from_base64(std::string_view text) {
  Bytes out;
  out.reserve(text.size() / 4 * 3);
  std::uint32_t group = 0;
  int digits = 0;
  int padding = 0;
  for (const char c : text) {
    if (c == ' ' || c == '\t' || c == '\r' || c == '\n') continue;
    if (c == '=') {
      if (digits % 4 < 2 || ++padding > 2) return std::nullopt;
      group <<= 6;
      ++digits;
    } else {
      const int value = base64_values[static_cast<unsigned char>(c)];
      if (value < 0 || padding > 0) return std::nullopt;
      group = group << 6 | static_cast<std::uint32_t>(value);
      ++digits;
    }
    if (digits % 4 == 0) {
      out.push_back(static_cast<std::uint8_t>(group >> 16));
      if (padding < 2) out.push_back(static_cast<std::uint8_t>(group >> 8));
      if (padding < 1) out.push_back(static_cast<std::uint8_t>(group));
      // Bits that the padding leaves over must be zero (RFC 4648 3.5).
      if ((padding == 1 && (group & 0xff) != 0) || (padding == 2 && (group & 0xffff) != 0))
        return std::nullopt;
      group = 0;
    }
  }
  if (digits % 4 != 0) return std::nullopt;
  return out;
}

bool is_utf8(std::string_view text) {
  const auto* at = reinterpret_cast<const unsigned char*>(text.data());
  const auto* const end = at + text.size();
  while (at != end) {
    const unsigned char lead = *at;
    if (lead < 0x80) {
      ++at;
      continue;
    }
    int more = 0;
    unsigned char low = 0x80;
    unsigned char high = 0xbf;
    if (lead >= 0xc2 && lead <= 0xdf) {
      more = 1;
    } else if (lead >= 0xe0 && lead <= 0xef) {
      more = 2;
      if (lead == 0xe0) low = 0xa0;
      if (lead == 0xed) high = 0x9f;
    } else if (lead >= 0xf0 && lead <= 0xf4) {
      more = 3;
      if (lead == 0xf0) low = 0x90;
      if (lead == 0xf4) high = 0x8f;
    } else {
      return false;
    }
    if (end - at <= more) return false;
    for (int i = 1; i <= more; ++i) {
      if (at[i] < low || at[i] > high) return false;
      low = 0x80;
      high = 0xbf;
    }
    at += more + 1;
  }
  return true;
}

std::string print_time(std::chrono::sys_time<std::chrono::milliseconds> time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(std::chrono::floor<std::chrono::seconds>(time - day));
  std::array<char, 40> text{};
  std::snprintf(text.data(), text.size(), "%04d-%02u-%02uT%02d:%02d:%02dZ", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
                static_cast<int>(clock.seconds().count()));
  return text.data();
}

std::optional<std::chrono::sys_time<std::chrono::milliseconds>> parse_time(std::string_view text) {
  using namespace std::chrono;
  text = trim(text);
  if (text.size() < 20 || text[4] != '-' || text[7] != '-' || to_upper(text[10]) != 'T' || text[13] != ':' ||
      text[16] != ':') {
    return std::nullopt;
  }
  const auto number = [&](std::size_t at, std::size_t size) {
    return parse_number<unsigned>(text.substr(at, size));
  };
  const auto y = number(0, 4), mo = number(5, 2), d = number(8, 2), h = number(11, 2), mi = number(14, 2),
             s = number(17, 2);
  if (!y || !mo || !d || !h || !mi || !s || *h > 23 || *mi > 59 || *s > 60) return std::nullopt;
  const year_month_day date{year(static_cast<int>(*y)), month(*mo), day(*d)};
  if (!date.ok()) return std::nullopt;
  sys_time<milliseconds> time = sys_days(date) + hours(*h) + minutes(*mi) + seconds(*s);
  text.remove_prefix(19);
  if (text.front() == '.') {
    std::size_t digits = 1;
    int scale = 100;
    while (digits < text.size() && is_digit(text[digits])) {
      time += milliseconds((text[digits] - '0') * scale);
      scale /= 10;
      ++digits;
    }
    if (digits == 1) return std::nullopt;
    text.remove_prefix(digits);
  }
  if (text == "Z" || text == "z") return time;
  if (text.size() != 6 || (text[0] != '+' && text[0] != '-') || text[3] != ':') return std::nullopt;
  const auto oh = parse_number<int>(text.substr(1, 2)), om = parse_number<int>(text.substr(4, 2));
  if (!oh || !om || *oh > 23 || *om > 59) return std::nullopt;
  const auto offset = hours(*oh) + minutes(*om);
  return text[0] == '+' ? time - offset : time + offset;
}

}  // namespace beckon
