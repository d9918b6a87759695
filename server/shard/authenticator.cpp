#include "server/shard/authenticator.hpp"

#include <algorithm>

#include "protocol/auth/digest.hpp"
#include "protocol/auth/info.hpp"
#include "protocol/base/log.hpp"
#include "protocol/base/text.hpp"
#include "server/store/store.hpp"

namespace beckon::server {

namespace {

/// HA1 for the spelling of the name the client used ("alice" or "alice@example.org") and its algorithm.
std::string_view ha1_of(const users::User& user, bool is_long, auth::Algorithm algorithm) {
  const users::Ha1& ha1 = is_long ? user.ha1_long : user.ha1_short;
  switch (auth::hash_of(algorithm)) {
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

/// HA1 that the credentials must have been made with; empty for nobody. A hidden name costs the same for all.
std::string_view find_ha1(const auth::Credentials& given, const users::User* user) {
  bool is_long = given.username.find('@') != std::string::npos;
  if (given.userhash) {
    const auto name = user ? std::string_view(user->aor).substr(4) : "nobody@example.org";
    is_long = to_lower(given.username) == auth::userhash(given.algorithm, name, given.realm);
    const auto brief = auth::userhash(given.algorithm, cut(name, '@').first, given.realm);
    if (!is_long && to_lower(given.username) != brief) return {};  // another algorithm's
  }
  return user ? ha1_of(*user, is_long, given.algorithm) : std::string_view{};
}

/// The user a name of the realm means; empty for none.
std::string aor_of(const auth::Credentials& given) {
  const auto aor = users::canonical_aor(std::string(cut(given.username, '@').first) + '@' + given.realm);
  if (!aor) return {};
  const bool names_domain = given.username.find('@') != std::string::npos;
  return names_domain && users::canonical_aor(given.username) != *aor ? std::string{} : *aor;
}

/// Who is guessed at, in a bounded text; whoever cannot be anybody is one and the same.
std::string account_of(const auth::Credentials& given, const users::User* user) {
  if (!given.userhash) return aor_of(given);
  return user ? user->aor : to_lower(given.username).substr(0, users::aor_max);
}

std::string_view to_string(Damping::Burst::Of of) {
  switch (of) {
    case Damping::Burst::Of::account:
      return "for the account";
    case Damping::Burst::Of::source:
      return "from the address";
    case Damping::Burst::Of::pair:
      break;
  }
  return "for the account from the address";
}

}  // namespace

ServerKey ServerKey::make(Random& random, const std::optional<crypto::Key32>& kept) {
  ServerKey key;
  random.fill(key.nonces);
  random.fill(key.dialogs);
  key.tags = KeyedHash(random.next(), random.next());
  crypto::Key32 secret{};
  random.fill(secret);
  key.gruus = Gruus(kept.value_or(secret));
  crypto::wipe(secret);
  return key;
}

Authenticator::Authenticator(const Settings& settings, const ServerKey& key, store::DurableStore& users,
                             Clock& clock, Random& random)
    : settings_(settings),
      users_(users),
      clock_(clock),
      verifier_({.key = key.nonces, .nonce_lifetime = settings.nonce_lifetime}, random),
      damping_(settings.guesses) {}

Bucket Authenticator::home_of(const Credentials& credentials) {
  const auto minted = credentials.given ? bucket_in(credentials.given->nonce) : std::nullopt;
  return minted ? *minted : bucket_of(credentials.claimed);
}

bool Authenticator::is_malformed(const Credentials& credentials) {
  const auto& given = credentials.given;
  return !given &&
         (given.error() == auth::Errc::bad_syntax || given.error() == auth::Errc::missing_directive);
}

bool Authenticator::is_fresh(const Credentials& credentials, Now now) const {
  return credentials.given &&
         verifier_.look(*credentials.given, now.mono).verdict == auth::NonceFactory::Verdict::fresh;
}

void Authenticator::check(std::shared_ptr<const Credentials> credentials, Now now, Done done) {
  const auto& given = credentials->given;
  if (!given) {
    return done(is_malformed(*credentials) ? Verdict{.kind = Verdict::Kind::malformed}
                                           : challenge(*credentials, false, now),
                now);
  }
  if (!iequals(given->realm, credentials->realm) || !auth::is_accepted(offer_for(*credentials), *given))
    return done(challenge(*credentials, false, now), now);
  const auto found = [this, credentials, done = std::move(done)](const Result<store::UserPtr>& user) {
    const Now later = clock_.now();
    if (!user) {
      log::error("shard", "users cannot be read: {}", user.error().message());
      return done({.kind = Verdict::Kind::overload}, later);
    }
    done(judge(*credentials, user->get(), later), later);
  };
  if (given->userhash) return users_.find_user_by_hash(to_lower(given->username), found);
  users_.find_user(aor_of(*given), found);
}

Verdict Authenticator::judge(const Credentials& credentials, const users::User* user, Now now) {
  const auth::Credentials& given = *credentials.given;
  const auto ha1 = find_ha1(given, user);
  const std::string account = account_of(given, user);
  const Damping::Guess guess{account, credentials.source, settings_.trusts(credentials.source)};
  const std::size_t owner = std::hash<std::string>{}(account) | 1;
  const auto nonce = verifier_.look(given, now.mono);
  const bool known = verifier_.is_known(given, nonce, owner);
  if (!known && !damping_.may_try(guess, now.mono)) {
    note_failed(guess, "not looked at, after too many wrong ones");
    auto verdict = challenge(credentials, false, now);
    verdict.unseen = true;
    return verdict;
  }
  const auth::Verifier::Request request{
      .method = credentials.method, .body = credentials.body, .ha1 = ha1, .owner = owner};
  switch (verifier_.verify(given, nonce, request, now.mono)) {
    case auth::Verdict::ok:
      break;
    case auth::Verdict::stale:
      return challenge(credentials, true, now);
    case auth::Verdict::wrong:
      note_failed(guess, "wrong password");
      note_wrong(guess, now);
      return challenge(credentials, false, now);
    case auth::Verdict::bad:
      return {.kind = Verdict::Kind::malformed};
  }
  if (!known) damping_.right(guess, now.mono);
  return accept(given, *user, request, nonce, now);
}

Verdict Authenticator::accept(const auth::Credentials& given, const users::User& user,
                              const auth::Verifier::Request& request, const auth::NonceFactory::Check& nonce,
                              Now now) {
  if (!user.enabled) return {.kind = Verdict::Kind::refused};
  Verdict verdict{.kind = Verdict::Kind::accepted, .identity = {user.aor, true}};
  // COMPAT: liblinphone takes a header without a next nonce as the loss of the one it has, and is challenged
  // at each request from then on; by its User-Agent ("Unknown", or its application's) it cannot be told
  // apart. A next nonce in every answer would make each request use up a place of the window.
  if (!settings_.digest_info || !verifier_.is_old(nonce, now.mono)) return verdict;
  const auto next = verifier_.make_nonce(given.realm, bucket_prefix(bucket_of(user.aor)), now.mono);
  const auto session = verifier_.session_cnonce(given, nonce, request);
  verdict.authentication_info = auth::print(auth::make_info(given, request.ha1, "", next, session));
  return verdict;
}

/// One line for each attempt, in the form that the filter of fail2ban in README.md matches; never the
/// credentials.
void Authenticator::note_failed(const Damping::Guess& guess, std::string_view why) {
  log::info("auth", "login failed: {} from {}: {}", guess.account.empty() ? "nobody" : guess.account,
            print(guess.source), why);
}

/// One line for each burst; never what was answered.
void Authenticator::note_wrong(const Damping::Guess& guess, Now now) {
  const auto burst = damping_.wrong(guess, now.mono);
  if (!burst) return;
  log::warn("auth",
            "too many wrong passwords {}: {} from {}; further ones are refused unseen for {} s and longer",
            to_string(burst->of), guess.account, print(guess.source),
            std::chrono::duration_cast<std::chrono::seconds>(burst->pause).count());
}

auth::Offer Authenticator::offer_for(const Credentials& credentials) const {
  const auto is_its_agent = [&](const std::string& agent) { return credentials.agent.starts_with(agent); };
  const bool md5_only =
      settings_.digest_md5 &&
      (credentials.md5_only || std::ranges::any_of(settings_.md5_only_agents, is_its_agent));
  return {.sha512_256 = settings_.digest_sha512_256 && !md5_only,
          .sha256 = !md5_only,
          .md5 = settings_.digest_md5,
          .qop_auth = settings_.digest_auth,
          .qop_auth_int = settings_.digest_auth_int,
          .userhash = settings_.digest_userhash};
}

Verdict Authenticator::challenge(const Credentials& credentials, bool stale, Now now) {
  const std::string prefix = bucket_prefix(bucket_of(credentials.claimed));
  return {
      .kind = Verdict::Kind::challenge,
      .challenges = verifier_.challenges(offer_for(credentials), credentials.realm, prefix, stale, now.mono)};
}

Result<auth::Credentials> find_credentials(const sip::Message& request, sip::HeaderId header,
                                           std::string_view realm) {
  Result<auth::Credentials> found = auth::Errc::not_digest;
  for (const auto& line : request.headers()) {
    if (line.id != header) continue;
    auto given = auth::parse_credentials(line.value);
    if (given && iequals(given->realm, realm)) return given;
    if (!given && !found && found.error() == auth::Errc::not_digest) found = given.error();
  }
  return found;
}

}  // namespace beckon::server
