#include <dlfcn.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <ostream>
#include <regex>

#include "server/shard/authenticator.hpp"
#include "tests/server/world.hpp"

using namespace beckon;
using namespace beckon::server;
using namespace beckon::server::test;

namespace {

int digests = 0, macs = 0;

template <class Function>
Function* next_of(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

}  // namespace

// What protocol/crypto computes hashes with. The program's own definition goes before the library's, so every
// call is counted on its way there.
int EVP_Digest(const void* data, std::size_t count, unsigned char* out, unsigned* size, const EVP_MD* type,
               ENGINE* engine) {
  static auto* const real = next_of<decltype(EVP_Digest)>("EVP_Digest");
  digests++;
  return real(data, count, out, size, type, engine);
}
unsigned char* HMAC(const EVP_MD* type, const void* key, int key_size, const unsigned char* data,
                    std::size_t count, unsigned char* out, unsigned* size) {
  static auto* const real = next_of<decltype(HMAC)>("HMAC");
  macs++;
  return real(type, key, key_size, data, count, out, size);
}

namespace {

/// What an answer to credentials cost, and what it was.
struct Cost {
  int digests = 0, macs = 0, looked_up = 0, looked_up_by_hash = 0;
  bool operator==(const Cost&) const = default;
};
std::ostream& operator<<(std::ostream& out, const Cost& cost) {
  return out << cost.digests << " digests, " << cost.macs << " MACs, " << cost.looked_up << " users, "
             << cost.looked_up_by_hash << " hashed names";
}

/// One user, counting the names that are looked up.
class Book final : public store::DurableStore {
 public:
  void commit(store::Batch, Done) override { FAIL("no records here"); }
  void load(const std::string&, Loaded) override { FAIL("no records here"); }
  explicit Book(users::User user) : user_(std::make_shared<users::User>(std::move(user))) {}

  void find_user(std::string_view aor, FoundUser found) override {
    looked_up++;
    tell = [found = std::move(found), user = aor == user_->aor ? user_ : nullptr] { found(user); };
  }
  void find_user_by_hash(std::string_view hash, FoundUser found) override {
    looked_up_by_hash++;
    const auto hashes = users::name_hashes(user_->aor);
    const bool is_his = std::ranges::find(hashes, hash) != hashes.end();
    tell = [found = std::move(found), user = is_his ? user_ : nullptr] { found(user); };
  }

  std::function<void()> tell;
  int looked_up = 0, looked_up_by_hash = 0;

 private:
  store::UserPtr user_;
};

/// Guesses of one client at one user, alice being the only one there is.
struct Guesser {
  std::string user;
  auth::Challenge challenge = {};
  SeededRandom random{7};
  VirtualClock clock = {};
  Settings settings = World::default_settings();
  ServerKey key = ServerKey::make(random);
  Book book{users::make_user("sip:alice@example.org", "secret", random).value()};
  Authenticator authenticator{settings, key, book, clock, random};
  Cost cost = {};

  /// Fills `cost` with that of the answer.
  server::Verdict check(Result<auth::Credentials> given) {
    const auto name = cut(user, '@').first;
    const auto credentials = std::make_shared<server::Credentials>(
        server::Credentials{.method = "REGISTER",
                            .realm = "example.org",
                            .claimed = "sip:" + std::string(name) + "@example.org",
                            .given = std::move(given)});
    server::Verdict answer;
    bool answered = false;
    book.looked_up = book.looked_up_by_hash = 0;
    const int digests_before = digests, macs_before = macs;
    authenticator.check(credentials, clock.now(), [&](server::Verdict verdict, Now) {
      answer = std::move(verdict);
      answered = true;
    });
    cost = {digests - digests_before, macs - macs_before, book.looked_up, book.looked_up_by_hash};
    if (!answered) {
      const int digests_found = digests, macs_found = macs;
      book.tell();
      cost.digests += digests - digests_found;
      cost.macs += macs - macs_found;
    }
    REQUIRE(answered);
    return answer;
  }
  server::Verdict guess() {
    return check(auth::make_credentials(challenge, {.user = user,
                                                    .password = "guess",
                                                    .method = "REGISTER",
                                                    .uri = "sip:example.org",
                                                    .cnonce = "abc"}));
  }
};

std::string without_nonce(std::string text) {
  return std::regex_replace(text, std::regex("nonce=\"[^\"]*\""), "nonce");
}

std::vector<std::string> without_nonces(std::vector<std::string> challenges) {
  for (std::string& each : challenges) each = without_nonce(each);
  return challenges;
}

}  // namespace

TEST_CASE(
    "an unknown user costs the hashes and look-ups that a wrong password does, and is answered the same") {
  const auto compare = [](auth::Algorithm algorithm, auth::Qop qop, bool hidden, const std::string& domain) {
    CAPTURE(auth::to_string(algorithm));
    CAPTURE(auth::to_string(qop));
    CAPTURE(hidden);
    CAPTURE(domain);
    Guesser known{.user = "alice" + domain}, unknown{.user = "nobody" + domain};
    for (Guesser* each : {&known, &unknown}) {
      each->challenge = auth::parse_challenge(each->check(auth::Errc::not_digest).challenges[0]).value();
      each->challenge.algorithm = algorithm;
      each->challenge.qop_auth = qop == auth::Qop::auth;
      each->challenge.qop_auth_int = qop == auth::Qop::auth_int;
      each->challenge.userhash = hidden;
    }
    const unsigned free = known.settings.guesses.free;
    for (unsigned n = 0; n <= free; ++n) {  // the last one is not looked at
      CAPTURE(n);
      const auto wrong = known.guess(), nobody = unknown.guess();
      CHECK(known.cost == unknown.cost);
      CHECK(known.cost.macs == 2);  // of the nonce that came and of the one that goes
      CHECK((known.cost.digests >= 2) == (hidden || n < free));
      CHECK(known.cost.looked_up == (hidden ? 0 : 1));
      CHECK(known.cost.looked_up_by_hash == (hidden ? 1 : 0));

      CHECK(wrong.kind == server::Verdict::Kind::challenge);
      CHECK(nobody.kind == wrong.kind);
      CHECK(wrong.unseen == (n == free));
      CHECK(nobody.unseen == wrong.unseen);
      CHECK(without_nonces(nobody.challenges) == without_nonces(wrong.challenges));
    }
  };
  for (const auto algorithm :
       {auth::Algorithm::md5, auth::Algorithm::md5_sess, auth::Algorithm::sha256,
        auth::Algorithm::sha256_sess, auth::Algorithm::sha512_256, auth::Algorithm::sha512_256_sess}) {
    for (const auto qop : {auth::Qop::none, auth::Qop::auth, auth::Qop::auth_int}) {
      for (const char* domain : {"", "@example.org"}) {
        compare(algorithm, qop, false, domain);
        compare(algorithm, qop, true, domain);
      }
    }
  }
}

TEST_CASE("the 401 to an unknown user is that to a wrong password but for the nonce") {
  World world;
  world.add_user("sip:alice@example.org");
  const auto refuse = [&](const std::string& user) {
    const Ask ask{.from = "sip:" + user + "@example.org", .branch = "z9hG4bK" + user};
    const auto answer = world.ask_as(udp(5070), ask, user, "guess");
    CHECK(answer.status() == 401);
    auto text = without_nonce(std::string(answer.text()));
    text = std::regex_replace(text, std::regex("(To:[^\r]*;tag=)[^\r]*"), "$1");
    return std::regex_replace(text, std::regex(user), "user");
  };
  const auto wrong = refuse("alice");
  CHECK(wrong.find("WWW-Authenticate: Digest") != std::string::npos);
  CHECK(refuse("nobody") == wrong);
}
