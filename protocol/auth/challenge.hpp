#pragma once

#include <string>
#include <string_view>

#include "protocol/auth/algorithm.hpp"
#include "protocol/auth/error.hpp"
#include "protocol/base/result.hpp"

namespace beckon::auth {

/// One Digest challenge: the value of WWW-Authenticate or Proxy-Authenticate (RFC 7616 3.3).
struct Challenge {
  std::string realm;
  std::string domain;  ///< Kept as written; empty when absent.
  std::string nonce;
  std::string opaque;  ///< Empty when absent.
  Algorithm algorithm = Algorithm::md5;
  bool stale = false;
  bool userhash = false;
  bool qop_auth = false;      ///< qop offers "auth".
  bool qop_auth_int = false;  ///< qop offers "auth-int". Neither: RFC 2069.
  bool operator==(const Challenge&) const = default;
};
/// Errors: not_digest, bad_syntax, missing_directive (realm, nonce), unknown_algorithm, unknown_qop
/// (something is offered, but nothing known).
Result<Challenge> parse_challenge(std::string_view value);
std::string print(const Challenge& challenge);

}  // namespace beckon::auth
