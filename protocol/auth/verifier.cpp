#include "protocol/auth/verifier.hpp"

#include "protocol/auth/digest.hpp"
#include "protocol/base/text.hpp"

namespace beckon::auth {

namespace {

/// As long as an H(A1) of that algorithm in hex, and no user's.
std::string_view nobody(Algorithm algorithm) {
  static constexpr std::string_view zeros =
      "0000000000000000000000000000000000000000000000000000000000000000";
  return zeros.substr(0, hash_of(algorithm) == crypto::Hash::md5 ? 32 : 64);
}

}  // namespace

const char* to_string(Verdict verdict) {
  switch (verdict) {
    case Verdict::ok:
      return "ok";
    case Verdict::stale:
      return "stale";
    case Verdict::wrong:
      return "wrong";
    case Verdict::bad:
      return "bad";
  }
  return "unknown";
}

Verifier::Verifier(const Config& config, Random& random)
    : factory_(config.key, config.nonce_lifetime),
      window_(config.nonce_lifetime, config.nonces),
      random_(random) {}

std::string Verifier::make_nonce(std::string_view realm, std::string_view nonce_prefix, Time now) {
  return factory_.make(nonce_prefix, realm, now, random_);
}

bool is_accepted(const Offer& offer, const Credentials& credentials) {
  const auto hash = hash_of(credentials.algorithm);
  if (hash == crypto::Hash::md5 && !offer.md5) return false;
  if (hash == crypto::Hash::sha256 && !offer.sha256 && offer.sha512_256) return false;
  if (credentials.qop == Qop::auth_int) return true;  // covers all that "auth" does
  return offer.qop_auth || !offer.qop_auth_int;
}

std::vector<std::string> Verifier::challenges(const Offer& offer, std::string_view realm,
                                              std::string_view nonce_prefix, bool stale, Time now) {
  Challenge challenge;
  challenge.realm = realm;
  challenge.nonce = make_nonce(realm, nonce_prefix, now);
  challenge.stale = stale;
  challenge.qop_auth = offer.qop_auth;
  challenge.qop_auth_int = offer.qop_auth_int;
  challenge.userhash = offer.userhash;
  std::vector<std::string> values;
  const auto add = [&](bool offered, Algorithm algorithm) {
    if (!offered) return;
    challenge.algorithm = algorithm;
    values.push_back(print(challenge));
  };
  add(offer.sha512_256, Algorithm::sha512_256);
  add(offer.sha256, Algorithm::sha256);
  add(offer.md5, Algorithm::md5);
  return values;
}

NonceFactory::Check Verifier::look(const Credentials& credentials, Time now) const {
  return factory_.check(credentials.nonce, credentials.realm, now);
}

Verdict Verifier::verify(const Credentials& credentials, const Request& request, Time now) {
  return verify(credentials, look(credentials, now), request, now);
}

bool Verifier::is_right(const Credentials& credentials, const Request& request,
                        std::string_view session_cnonce) const {
  // An unknown user costs what a known one does: the same hashes, over a value that no password gives.
  const bool known = !request.ha1.empty();
  const auto ha1 = known ? request.ha1 : nobody(credentials.algorithm);
  const auto expected = response(credentials, ha1, request.method, request.body, session_cnonce);
  const auto given = to_lower(credentials.response);
  return crypto::equal_constant_time(as_bytes(expected), as_bytes(given)) && known;
}

std::string Verifier::session_cnonce(const Credentials& credentials, const NonceFactory::Check& nonce,
                                     const Request& request) const {
  if (!is_session(credentials.algorithm)) return {};
  std::string begun(window_.session_cnonce(credentials.nonce, nonce.minted));
  return begun.empty() || is_right(credentials, request, begun) ? begun : credentials.cnonce;
}

Verdict Verifier::verify(const Credentials& credentials, const NonceFactory::Check& nonce,
                         const Request& request, Time now) {
  if (!is_right(credentials, request, session_cnonce(credentials, nonce, request))) {
    if (nonce.verdict == NonceFactory::Verdict::fresh) window_.distrust(credentials.nonce, nonce.minted);
    return Verdict::wrong;
  }
  if (nonce.verdict != NonceFactory::Verdict::fresh) return Verdict::stale;
  if (credentials.qop != Qop::none && credentials.count() == 0) return Verdict::bad;
  // COMPAT: without qop (RFC 2069) there is no count; such a nonce serves once.
  const auto count = credentials.qop == Qop::none ? 1 : credentials.count();
  std::string_view session;
  if (is_session(credentials.algorithm)) session = credentials.cnonce;
  const auto use = window_.use(credentials.nonce, nonce.minted, count, now, request.owner, session);
  return use == NonceWindow::Verdict::fresh ? Verdict::ok : Verdict::stale;
}

bool Verifier::is_known(const Credentials& credentials, const NonceFactory::Check& nonce,
                        std::size_t owner) const {
  return nonce.verdict == NonceFactory::Verdict::fresh &&
         window_.is_of(owner, credentials.nonce, nonce.minted);
}

bool Verifier::is_old(const NonceFactory::Check& nonce, Time now) const {
  return factory_.is_old(nonce.minted, now);
}

}  // namespace beckon::auth
