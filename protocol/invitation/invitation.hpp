#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "protocol/base/random.hpp"
#include "protocol/base/result.hpp"

/// A link that gives a program everything it needs to use an account (README).
namespace beckon::invitation {

enum class Errc {
  not_a_link = 1,   ///< It does not begin with "beckon:".
  too_long,         ///< Longer than `link_max`.
  bad_account,      ///< What follows is not an account such as alice@example.org.
  bad_value,        ///< A value has no name, stands there twice, or cannot be decoded.
  bad_fingerprint,  ///< cert is not "sha256:" and 64 hexadecimal digits.
};
const char* to_string(Errc value);

/// Octets of a link; a password may have 1024, three times as many when encoded.
inline constexpr std::size_t link_max = 8192;

struct Invitation {
  std::string account{};      ///< "alice@example.org"
  std::string server{};       ///< "tls:192.0.2.1:5061"; empty: the domain is located.
  std::string xcap{};         ///< "https://192.0.2.1:5443/xcap"; empty: on the server's host, port 5443.
  std::string certificate{};  ///< Canonical fingerprint; empty: an authority signed the certificate.
  std::string password{};     ///< In clear; empty: the user knows it.
  bool operator==(const Invitation&) const = default;
};

/// Reads a link; blanks around it are ignored. Every text of the result is UTF-8 without control characters.
Result<Invitation> parse_link(std::string_view text);
std::string print(const Invitation& invitation);

/// "sha256:5F:0C:..." in canonical form: lower case, no colons between the digits. Nothing: it is none.
std::optional<std::string> parse_fingerprint(std::string_view text);

/// A password with 100 random bits: four groups of five letters and digits that cannot be mistaken for each
/// other.
std::string make_password(Random& random);

}  // namespace beckon::invitation

BECKON_ERROR_ENUM(beckon::invitation, Errc, "beckon.invitation")
