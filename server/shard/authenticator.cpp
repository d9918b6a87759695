#include "server/shard/authenticator.hpp"

#include <algorithm>

#include "protocol/auth/credentials.hpp"
#include "protocol/base/log.hpp"
#include "protocol/base/text.hpp"
#include "server/store/store.hpp"

namespace beckon::server {

namespace {

/// HA1 for the name the client used ("alice" or "alice@example.org") and its algorithm.
std::string_view ha1_of(const users::User& user, const auth::Credentials& given) {
  const users::Ha1& ha1 = given.username.find('@') == std::string::npos ? user.ha1_short : user.ha1_long;
  switch (auth::hash_of(given.algorithm)) {
    case crypto::Hash::md5:
      return ha1.md5;
    case crypto::Hash::sha256:
      return ha1.sha256;
    case crypto::Hash::sha512_256:
      return ha1.sha512_256;
    case crypto::Hash::sha1:
      break;
  }
  return {};
}

/// The user a name of the realm means; empty for none.
std::string aor_of(const auth::Credentials& given) {
  const auto [name, domain] = cut(given.username, '@');
  if (!domain.empty() && !iequals(domain, given.realm)) return {};
  const auto aor = users::canonical_aor(std::string(name) + '@' + given.realm);
  return aor ? *aor : std::string{};
}

}  // namespace

ServerKey ServerKey::make(Random& random) {
  ServerKey key;
  random.fill(key.nonces);
  random.fill(key.dialogs);
  return key;
}

Authenticator::Authenticator(const Settings& settings, const ServerKey& key, store::DurableStore& users,
                             Clock& clock, Random& random)
    : settings_(settings),
      users_(users),
      clock_(clock),
      verifier_({.key = key.nonces, .nonce_lifetime = settings.nonce_lifetime}, random) {}

Bucket Authenticator::home_of(const Credentials& credentials) {
  const auto given = auth::parse_credentials(credentials.authorization);
  const auto minted = given ? bucket_in(given->nonce) : std::nullopt;
  return minted ? *minted : bucket_of(credentials.claimed);
}

void Authenticator::check(Credentials credentials, Now now, Done done) {
  const auto given = auth::parse_credentials(credentials.authorization);
  if (!given) {
    const bool malformed =
        given.error() == auth::Errc::bad_syntax || given.error() == auth::Errc::missing_directive;
    if (malformed && !credentials.authorization.empty()) return done({.kind = Verdict::Kind::malformed}, now);
    return done(challenge(credentials, false, now), now);
  }
  if (!iequals(given->realm, credentials.realm)) return done(challenge(credentials, false, now), now);
  users_.find_user(aor_of(*given), [this, credentials = std::move(credentials), given = *given,
                                    done](const Result<std::optional<users::User>>& found) {
    const Now later = clock_.now();
    if (!found) {
      log::error("shard", "users cannot be read: {}", found.error().message());
      return done({.kind = Verdict::Kind::overload}, later);
    }
    done(judge(credentials, given, *found ? &**found : nullptr, later), later);
  });
}

Verdict Authenticator::judge(const Credentials& credentials, const auth::Credentials& given,
                             const users::User* user, Now now) {
  const std::string_view ha1 = user ? ha1_of(*user, given) : std::string_view{};
  const auto verdict =
      verifier_.verify(given, {.method = credentials.method, .body = credentials.body, .ha1 = ha1}, now.mono);
  switch (verdict) {
    case auth::Verdict::ok:
      break;
    case auth::Verdict::stale:
      return challenge(credentials, true, now);
    case auth::Verdict::wrong:
      return challenge(credentials, false, now);
    case auth::Verdict::bad:
      return {.kind = Verdict::Kind::malformed};
  }
  if (!user->enabled) return {.kind = Verdict::Kind::refused};
  return {.kind = Verdict::Kind::accepted, .identity = {user->aor, true}};
}

bool Authenticator::is_offered(std::string_view challenge, const Credentials& credentials) const {
  const auto offered = auth::parse_challenge(challenge);
  if (!offered || offered->algorithm == auth::Algorithm::md5) return true;
  const bool md5_only = std::ranges::any_of(settings_.md5_only_agents, [&](const std::string& agent) {
    return credentials.agent.starts_with(agent);
  });
  return !md5_only && (offered->algorithm != auth::Algorithm::sha512_256 || settings_.digest_sha512_256);
}

Verdict Authenticator::challenge(const Credentials& credentials, bool stale, Now now) {
  const std::string prefix = bucket_prefix(bucket_of(credentials.claimed));
  Verdict verdict{.kind = Verdict::Kind::challenge};
  for (std::string& value : verifier_.challenges(credentials.realm, prefix, stale, now.mono)) {
    if (is_offered(value, credentials)) verdict.challenges.push_back(std::move(value));
  }
  return verdict;
}

std::string find_credentials(const sip::Message& request, sip::HeaderId header, std::string_view realm) {
  for (const auto& line : request.headers()) {
    if (line.id != header) continue;
    const auto given = auth::parse_credentials(line.value);
    if (!given || iequals(given->realm, realm)) return std::string(line.value);
  }
  return {};
}

}  // namespace beckon::server
