#include "protocol/auth/challenge.hpp"

#include "protocol/auth/directives.hpp"
#include "protocol/base/text.hpp"

namespace beckon::auth {

namespace {

/// False when something is offered, but nothing known.
bool read_offers(std::string_view text, Challenge& challenge) {
  for (const auto piece : split(text, ',')) {
    const auto qop = parse_qop(piece);
    challenge.qop_auth |= qop == Qop::auth;
    challenge.qop_auth_int |= qop == Qop::auth_int;
  }
  return trim(text).empty() || challenge.qop_auth || challenge.qop_auth_int;
}

std::string print_offers(const Challenge& challenge) {
  std::string out(challenge.qop_auth ? "auth" : "");
  if (challenge.qop_auth_int) out += out.empty() ? "auth-int" : ",auth-int";
  return out;
}

}  // namespace

Result<Challenge> parse_challenge(std::string_view value) {
  const auto directives = Directives::parse(value);
  if (!directives) return directives.error();
  if (!directives->has_all({"realm", "nonce"})) return Errc::missing_directive;
  const auto algorithm = parse_algorithm(directives->take("algorithm"));
  if (!algorithm) return Errc::unknown_algorithm;
  Challenge out;
  if (!read_offers(directives->take("qop"), out)) return Errc::unknown_qop;
  out.realm = directives->take("realm");
  out.domain = directives->take("domain");
  out.nonce = directives->take("nonce");
  out.opaque = directives->take("opaque");
  out.algorithm = *algorithm;
  out.stale = directives->is_true("stale");
  out.userhash = directives->is_true("userhash");
  return out;
}

std::string print(const Challenge& challenge) {
  DirectiveWriter out("Digest ");
  out.quoted("realm", challenge.realm);
  out.quoted_unless_empty("domain", challenge.domain);
  out.quoted("nonce", challenge.nonce);
  out.quoted_unless_empty("opaque", challenge.opaque);
  out.quoted_unless_empty("qop", print_offers(challenge));
  out.plain("algorithm", to_string(challenge.algorithm));
  if (challenge.stale) out.plain("stale", "true");
  if (challenge.userhash) out.plain("userhash", "true");
  return std::move(out).finish();
}

}  // namespace beckon::auth
