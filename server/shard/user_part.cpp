#include "server/shard/user_part.hpp"

#include <array>
#include <utility>

#include "protocol/base/text.hpp"
#include "protocol/sip/grammar.hpp"

namespace beckon::server {

namespace {

constexpr std::string_view digits_of_user =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr unsigned digit_bits = 6, octet_bits = 8;

constexpr auto values_of_user = [] {
  std::array<std::int8_t, 256> table{};
  table.fill(-1);
  for (std::size_t i = 0; i < digits_of_user.size(); ++i)
    table[static_cast<unsigned char>(digits_of_user[i])] = static_cast<std::int8_t>(i);
  return table;
}();

}  // namespace

std::string to_user_part(ByteView octets) {
  std::string text;
  text.reserve((octets.size() * octet_bits + digit_bits - 1) / digit_bits);
  std::uint32_t bits = 0;
  unsigned count = 0;
  for (const std::uint8_t octet : octets) {
    bits = bits << octet_bits | octet;
    for (count += octet_bits; count >= digit_bits;) {
      count -= digit_bits;
      text += digits_of_user[bits >> count & 63];
    }
  }
  if (count > 0) text += digits_of_user[bits << (digit_bits - count) & 63];
  return text;
}

std::optional<Bytes> from_user_part(std::string_view text) {
  Bytes octets;
  octets.reserve(text.size() * digit_bits / octet_bits);
  std::uint32_t bits = 0;
  unsigned count = 0;
  for (const char digit : text) {
    const int value = values_of_user[static_cast<unsigned char>(digit)];
    if (value < 0) return std::nullopt;
    bits = bits << digit_bits | static_cast<std::uint32_t>(value);
    count += digit_bits;
    if (count < octet_bits) continue;
    count -= octet_bits;
    octets.push_back(static_cast<std::uint8_t>(bits >> count & 255));
  }
  const bool is_whole = count < digit_bits && (bits & ((1U << count) - 1)) == 0;
  return is_whole ? std::optional(std::move(octets)) : std::nullopt;
}

std::string without_escapes(std::string_view text) {
  std::string plain;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const bool escaped = sip::grammar::is_escape(text, at);
    if (!escaped) {
      plain += text[at];
      continue;
    }
    plain += static_cast<char>(parse_number<std::uint8_t>(text.substr(at + 1, 2), 16).value_or(0));
    at += 2;
  }
  return plain;
}

}  // namespace beckon::server
