#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/crypto/crypto.hpp"

namespace beckon::auth {

/// Digest algorithms (RFC 7616 6.1, RFC 8760 2.1), the weakest first.
enum class Algorithm : std::uint8_t { md5, md5_sess, sha256, sha256_sess, sha512_256, sha512_256_sess };

/// Any case; an empty text is MD5 (RFC 7616 3.3).
std::optional<Algorithm> parse_algorithm(std::string_view text);
std::string_view to_string(Algorithm algorithm);  ///< "SHA-512-256-sess", ...
crypto::Hash hash_of(Algorithm algorithm);
bool is_session(Algorithm algorithm);
/// Comparable: more is stronger; a -sess variant is as strong as its plain one.
int strength(Algorithm algorithm);

/// Quality of protection (RFC 7616 3.3); `none` is the way of RFC 2069.
enum class Qop : std::uint8_t { none, auth, auth_int };
std::optional<Qop> parse_qop(std::string_view text);
std::string_view to_string(Qop qop);  ///< Empty for `none`.

/// H(text) in lower-case hexadecimal.
std::string hex_digest(Algorithm algorithm, std::string_view text);

}  // namespace beckon::auth
