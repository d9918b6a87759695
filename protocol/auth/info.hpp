#pragma once

#include <string>
#include <string_view>

#include "protocol/auth/credentials.hpp"

namespace beckon::auth {

/// What a server says of accepted credentials: the value of Authentication-Info or Proxy-Authentication-Info
/// (RFC 7616 3.5, RFC 7615).
struct Info {
  std::string next_nonce{};  ///< For the next request; empty: go on with the old one.
  std::string proof{};       ///< rspauth; empty: none given.
  std::string cnonce{};      ///< With a proof: those of the request it answers.
  std::string nc{};
  Qop qop = Qop::none;
  bool operator==(const Info&) const = default;
};
/// Errors: bad_syntax, missing_directive (a proof without qop, cnonce or nc), unknown_qop.
Result<Info> parse_info(std::string_view value);
std::string print(const Info& info);

/// What the server sends after it accepted `credentials`. Without qop there is no proof (RFC 2069). `body` is
/// the answer's, which auth-int covers. `next_nonce` may be empty; `session_cnonce` is that of `response`.
Info make_info(const Credentials& credentials, std::string_view ha1, std::string_view body,
               std::string_view next_nonce = {}, std::string_view session_cnonce = {});

/// Does an answer come from a server that knows the password?
enum class Proof {
  absent,  ///< It does not say: servers may leave it out.
  right,   ///< Yes, and it answers this request.
  wrong,   ///< No, or it answers another request.
};
/// `sent` are the credentials of the request, `body` the answer's.
Proof check(const Info& info, const Credentials& sent, std::string_view ha1, std::string_view body);

}  // namespace beckon::auth
