#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/base/bytes.hpp"
#include "protocol/base/random.hpp"
#include "protocol/base/result.hpp"
#include "server/users/error.hpp"

/// A user as the server stores it: what verifies the password, never the password.
namespace beckon::users {

/// Octets. An AOR goes into headers and URIs, so 256 leaves room in every limit of DESIGN 7.
inline constexpr std::size_t aor_max = 256;
/// Octets. Longer ones only feed the hashes.
inline constexpr std::size_t password_max = 1024;
/// PBKDF2 rounds of a SCRAM key: the least RFC 5802 and RFC 7677 allow, because an import of 100 000
/// users pays them twice each.
inline constexpr unsigned scram_iterations = 4096;

/// H(name ":" realm ":" password) in lower-case hex, for each algorithm of RFC 7616 and RFC 8760.
struct Ha1 {
  std::string md5;
  std::string sha256;
  std::string sha512_256;
  bool operator==(const Ha1&) const = default;
};

/// What a SCRAM server keeps (RFC 5802 3, 9).
struct ScramKey {
  Bytes salt{};
  unsigned iterations = 0;
  Bytes stored_key{};
  Bytes server_key{};
  bool operator==(const ScramKey&) const = default;
};

struct User {
  std::string aor;          ///< Canonical: "sip:alice@example.org". The realm is the domain.
  bool enabled = true;      ///< A disabled user keeps all state but cannot authenticate.
  Ha1 ha1_short{};          ///< For the user name "alice".
  Ha1 ha1_long{};           ///< For the user name "alice@example.org", which many phones send.
  ScramKey scram_sha1{};    ///< For XMPP (RFC 6120 13.8); the name is "alice".
  ScramKey scram_sha256{};  ///< RFC 7677.
  bool operator==(const User&) const = default;

  std::string_view name() const;    ///< "alice"
  std::string_view domain() const;  ///< "example.org"
};

/// "alice@example.org" or "sip:alice@example.org" in canonical form. Errors: Errc::bad_aor.
Result<std::string> canonical_aor(std::string_view text);

/// H(name ":" realm) in lower-case hex for "alice" and "alice@example.org", each with MD5, SHA-256 and
/// SHA-512-256: what a client that hides its name sends instead of it (RFC 7616 3.4.4). `aor` is canonical.
std::array<std::string, 6> name_hashes(std::string_view aor);

/// Derives everything above from a password; the password is not kept. Errors: bad_aor, bad_password.
Result<User> make_user(std::string_view aor, std::string_view password, Random& random);

/// A line of an import file: "alice@example.org password". The password goes to the end of the line.
struct ImportLine {
  std::string aor;
  std::string password;
};
/// Nullopt for an empty line and for one that starts with '#'. Errors: bad_line, bad_aor, bad_password.
Result<std::optional<ImportLine>> parse_import_line(std::string_view line);

/// One text per user, as the store keeps it (JSON; every field above).
std::string print(const User& user);
Result<User> parse_user(std::string_view text);

}  // namespace beckon::users
