#include "protocol/invitation/invitation.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "protocol/base/text.hpp"

namespace beckon::invitation {
namespace {

constexpr std::string_view scheme = "beckon:";
constexpr std::string_view algorithm = "sha256:";
constexpr std::size_t fingerprint_digits = 64;

struct Value {
  std::string_view name;
  std::string Invitation::* place;
};
constexpr std::array values{Value{"server", &Invitation::server}, Value{"xcap", &Invitation::xcap},
                            Value{"cert", &Invitation::certificate},
                            Value{"password", &Invitation::password}};

bool is_plain(char c) {
  return is_alpha(c) || is_digit(c) || std::string_view("-._@:/+").find(c) != std::string_view::npos;
}

std::string encode(std::string_view text) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    if (is_plain(c)) {
      out += c;
      continue;
    }
    const auto octet = static_cast<unsigned char>(c);
    out += '%';
    out += digits[octet >> 4U];
    out += digits[octet & 0x0fU];
  }
  return out;
}

/// Nothing: an escape is broken, or the text is not one that a person could have written.
std::optional<std::string> decode(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    const auto octet = parse_number<unsigned char>(text.substr(i + 1, 2), 16);
    if (!octet || text.size() - i < 3) return std::nullopt;
    out += static_cast<char>(*octet);
    i += 2;
  }
  const bool controls = std::ranges::any_of(out, [](char c) {
    return static_cast<unsigned char>(c) < ' ' || static_cast<unsigned char>(c) == 0x7f;
  });
  return controls || !is_utf8(out) ? std::nullopt : std::optional(std::move(out));
}

bool is_account(std::string_view text) {
  const auto [user, domain] = cut(text, '@');
  return !user.empty() && !domain.empty() && text.find_first_of(" \"<>") == std::string_view::npos &&
         domain.find('@') == std::string_view::npos;
}

}  // namespace

const char* to_string(Errc value) {
  switch (value) {
    case Errc::not_a_link:
      return "not an invitation: it begins with \"beckon:\"";
    case Errc::too_long:
      return "longer than an invitation may be";
    case Errc::bad_account:
      return "the invitation names no account such as alice@example.org";
    case Errc::bad_value:
      return "the invitation is damaged; was all of it copied?";
    case Errc::bad_fingerprint:
      return "the fingerprint of the certificate is not \"sha256:\" and 64 hexadecimal digits";
  }
  return "unknown";
}

Result<Invitation> parse_link(std::string_view text) {
  text = trim(text);
  if (text.size() > link_max) return Errc::too_long;
  if (!iequals(text.substr(0, scheme.size()), scheme)) return Errc::not_a_link;
  auto [account, rest] = cut(text.substr(scheme.size()), ',');
  if (text.ends_with(',')) return Errc::bad_value;
  Invitation invitation;
  auto name = decode(account);
  if (!name || !is_account(*name)) return Errc::bad_account;
  invitation.account = std::move(*name);
  for (std::string_view each : split(rest, ',')) {
    const auto [key, encoded] = cut(each, '=');
    if (key.empty() || key.size() == each.size()) return Errc::bad_value;
    auto value = decode(encoded);
    if (!value || value->empty()) return Errc::bad_value;
    const auto known = std::ranges::find(values, key, &Value::name);
    if (known == values.end()) continue;
    std::string& place = invitation.*(known->place);
    if (!place.empty()) return Errc::bad_value;
    place = std::move(*value);
  }
  if (invitation.certificate.empty()) return invitation;
  const auto fingerprint = parse_fingerprint(invitation.certificate);
  if (!fingerprint) return Errc::bad_fingerprint;
  invitation.certificate = *fingerprint;
  return invitation;
}

std::string print(const Invitation& invitation) {
  std::string out = std::string(scheme) + encode(invitation.account);
  for (const Value& each : values) {
    const std::string& value = invitation.*each.place;
    if (!value.empty()) out.append(",").append(each.name).append("=").append(encode(value));
  }
  return out;
}

std::optional<std::string> parse_fingerprint(std::string_view text) {
  text = trim(text);
  if (!iequals(text.substr(0, algorithm.size()), algorithm)) return std::nullopt;
  std::string digits = to_lower(text.substr(algorithm.size()));
  std::erase(digits, ':');
  if (digits.size() != fingerprint_digits || !from_hex(digits)) return std::nullopt;
  return std::string(algorithm) + digits;
}

std::string make_password(Random& random) {
  constexpr std::string_view letters = "abcdefghijkmnpqrstuvwxyz23456789";  // no l, o, 0, 1
  static_assert(letters.size() == 32);
  constexpr int groups = 4, length = 5;
  std::string out;
  for (int i = 0; i < groups * length; ++i) {
    if (i > 0 && i % length == 0) out += '-';
    out += letters[random.below(letters.size())];
  }
  return out;
}

}  // namespace beckon::invitation
