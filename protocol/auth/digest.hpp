#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/auth/algorithm.hpp"
#include "protocol/auth/challenge.hpp"
#include "protocol/auth/credentials.hpp"

/// The calculation of RFC 7616 3.4, and the side that answers challenges.
namespace beckon::auth {

/// H(user ":" realm ":" password) in lower-case hex: what a server keeps. For -sess algorithms too: the
/// session part is added by `response`.
std::string ha1(Algorithm algorithm, std::string_view user, std::string_view realm,
                std::string_view password);

/// The response value for `credentials` (whose own `response` is not looked at) of a request with this
/// method and body (the body counts for auth-int only). Without method: that of an answer (RFC 7616 3.5).
/// For a -sess algorithm `session_cnonce` is the cnonce of the session's first request (RFC 7616 3.4.2);
/// empty: these credentials' own.
std::string response(const Credentials& credentials, std::string_view ha1, std::string_view method,
                     std::string_view body, std::string_view session_cnonce = {});

/// The strongest challenge that can be answered; of equally strong ones the first (RFC 8760 2.4 lets the
/// server order them). `values` are those of all WWW-Authenticate or Proxy-Authenticate lines.
std::optional<Challenge> choose(std::span<const std::string_view> values);
std::optional<Challenge> choose(std::span<const std::string> values);
/// The same for each realm (any case) that is named, in the order of naming: proxies of several realms may
/// challenge one request (RFC 3261 22.3).
std::vector<Challenge> choose_each(std::span<const std::string_view> values);

/// The values a client answers with.
struct Question {
  std::string_view user = {};
  std::string_view password = {};  ///< Or `ha1`, for the challenge's algorithm.
  std::string_view ha1 = {};
  std::string_view method = {};
  std::string_view uri = {};  ///< The Request-URI, or the request target in HTTP.
  std::string_view body = {};
  std::string_view cnonce = {};
  std::uint32_t count = 1;  ///< How many requests used this nonce, with this one.
};
/// The credentials for Authorization or Proxy-Authorization. Uses qop "auth" where it is offered, else
/// "auth-int". For a -sess algorithm `cnonce` is the same as long as the nonce is (RFC 7616 3.4.2).
Credentials make_credentials(const Challenge& challenge, const Question& question);
/// The same, printed.
std::string answer(const Challenge& challenge, const Question& question);

/// H(user ":" realm), which stands for the name where `userhash` is agreed (RFC 7616 3.4.4).
std::string userhash(Algorithm algorithm, std::string_view user, std::string_view realm);

}  // namespace beckon::auth
