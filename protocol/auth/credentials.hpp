#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "protocol/auth/algorithm.hpp"
#include "protocol/auth/error.hpp"
#include "protocol/base/result.hpp"

namespace beckon::auth {

/// Digest credentials: the value of Authorization or Proxy-Authorization (RFC 7616 3.4).
struct Credentials {
  std::string username;  ///< UTF-8; with `userhash` H(name ":" realm).
  std::string realm;
  std::string nonce;
  std::string uri;
  std::string response;
  std::string cnonce;
  std::string opaque;
  std::string nc;  ///< As written: 8 hexadecimal digits, or empty.
  Algorithm algorithm = Algorithm::md5;
  Qop qop = Qop::none;
  bool userhash = false;
  bool operator==(const Credentials&) const = default;

  std::uint32_t count() const;  ///< `nc` as a number; 0 when absent.
};
/// Errors: not_digest, bad_syntax, missing_directive (username, realm, nonce, uri, response; with qop also
/// cnonce and nc), unknown_algorithm, unknown_qop.
Result<Credentials> parse_credentials(std::string_view value);
std::string print(const Credentials& credentials);

}  // namespace beckon::auth
