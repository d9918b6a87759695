#include "protocol/auth/digest.hpp"

#include <algorithm>
#include <array>
#include <initializer_list>

#include "protocol/auth/directives.hpp"
#include "protocol/base/text.hpp"

namespace beckon::auth {

namespace {

std::string join(std::initializer_list<std::string_view> parts) {
  std::string out;
  for (const auto part : parts) out.append(part).append(":");
  out.pop_back();
  return out;
}

std::string print_count(std::uint32_t count) {
  const std::array<std::uint8_t, 4> octets{
      static_cast<std::uint8_t>(count >> 24), static_cast<std::uint8_t>(count >> 16),
      static_cast<std::uint8_t>(count >> 8), static_cast<std::uint8_t>(count)};
  return to_hex(octets);
}

Qop choose_qop(const Challenge& challenge) {
  if (challenge.qop_auth) return Qop::auth;
  return challenge.qop_auth_int ? Qop::auth_int : Qop::none;
}

template <class Text>
std::optional<Challenge> choose_from(std::span<const Text> values) {
  std::optional<Challenge> best;
  for (const auto& value : values) {
    auto challenge = parse_challenge(value);
    if (!challenge) continue;
    if (!best || strength(challenge->algorithm) > strength(best->algorithm)) best = std::move(*challenge);
  }
  return best;
}

}  // namespace

std::string ha1(Algorithm algorithm, std::string_view user, std::string_view realm,
                std::string_view password) {
  return hex_digest(algorithm, join({user, realm, password}));
}

/// KD(H(A1), nonce data ":" H(A2)) of RFC 7616 3.4.1.
std::string response(const Credentials& credentials, std::string_view ha1, std::string_view method,
                     std::string_view body, std::string_view session_cnonce) {
  const Algorithm algorithm = credentials.algorithm;
  std::string session;
  if (is_session(algorithm)) {
    if (session_cnonce.empty()) session_cnonce = credentials.cnonce;
    session = hex_digest(algorithm, join({ha1, credentials.nonce, session_cnonce}));
    ha1 = session;
  }
  const std::string a2 = credentials.qop == Qop::auth_int
                             ? join({method, credentials.uri, hex_digest(algorithm, body)})
                             : join({method, credentials.uri});
  const std::string ha2 = hex_digest(algorithm, a2);
  if (credentials.qop == Qop::none) return hex_digest(algorithm, join({ha1, credentials.nonce, ha2}));
  return hex_digest(algorithm, join({ha1, credentials.nonce, credentials.nc, credentials.cnonce,
                                     to_string(credentials.qop), ha2}));
}

std::optional<Challenge> choose(std::span<const std::string_view> values) { return choose_from(values); }
std::optional<Challenge> choose(std::span<const std::string> values) { return choose_from(values); }

std::vector<Challenge> choose_each(std::span<const std::string_view> values) {
  std::vector<Challenge> best;
  for (const auto value : values) {
    auto challenge = parse_challenge(value);
    if (!challenge) continue;
    const auto same = [&](const Challenge& each) { return iequals(each.realm, challenge->realm); };
    const auto known = std::find_if(best.begin(), best.end(), same);
    if (known == best.end())
      best.push_back(std::move(*challenge));
    else if (strength(challenge->algorithm) > strength(known->algorithm))
      *known = std::move(*challenge);
  }
  return best;
}

Credentials make_credentials(const Challenge& challenge, const Question& question) {
  Credentials out;
  out.username = question.user;
  out.realm = challenge.realm;
  out.nonce = challenge.nonce;
  out.uri = question.uri;
  out.opaque = challenge.opaque;
  out.algorithm = challenge.algorithm;
  out.qop = choose_qop(challenge);
  if (out.qop != Qop::none) out.nc = print_count(question.count);
  if (out.qop != Qop::none || is_session(out.algorithm)) out.cnonce = question.cnonce;
  const std::string secret = question.ha1.empty()
                                 ? ha1(out.algorithm, question.user, challenge.realm, question.password)
                                 : std::string(question.ha1);
  out.response = response(out, secret, question.method, question.body);
  if (challenge.userhash) {
    out.userhash = true;
    out.username = userhash(out.algorithm, question.user, challenge.realm);
  }
  return out;
}

std::string answer(const Challenge& challenge, const Question& question) {
  return print(make_credentials(challenge, question));
}

std::string userhash(Algorithm algorithm, std::string_view user, std::string_view realm) {
  return hex_digest(algorithm, join({user, realm}));
}

}  // namespace beckon::auth
