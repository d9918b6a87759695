#include "protocol/auth/verifier.hpp"

#include <doctest/doctest.h>

#include "protocol/auth/digest.hpp"

using namespace beckon;
using namespace beckon::auth;

namespace {

struct Fixture {
  SeededRandom random{7};
  Verifier verifier{{.key = {1, 2, 3}, .nonce_lifetime = 60s, .nonces = 10}, random};
  Time t0 = Time{} + 10s;
  std::string secret = ha1(Algorithm::sha512_256, "alice", "example.org", "secret");
  std::vector<std::string> offers = verifier.challenges({}, "example.org", "bk001.", false, t0);

  Credentials credentials(std::uint32_t count = 1, std::string_view password = "secret") {
    const auto challenge = choose(offers);
    return parse_credentials(answer(*challenge, {.user = "alice",
                                                 .password = password,
                                                 .method = "REGISTER",
                                                 .uri = "sip:example.org",
                                                 .cnonce = "abc",
                                                 .count = count}))
        .value();
  }
  Verdict verify(const Credentials& given, Time now) {
    return verifier.verify(given, {.method = "REGISTER", .body = "", .ha1 = secret}, now);
  }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture,
                  "three algorithms are offered, the strongest first, with one nonce (RFC 8760 2.4)") {
  REQUIRE(offers.size() == 3);
  const auto first = parse_challenge(offers[0]).value(), last = parse_challenge(offers[2]).value();
  CHECK(first.algorithm == Algorithm::sha512_256);
  CHECK(last.algorithm == Algorithm::md5);
  CHECK(first.nonce == last.nonce);
  CHECK(first.nonce.starts_with("bk001."));
  CHECK(first.qop_auth);
  CHECK_FALSE(first.stale);
  CHECK(parse_challenge(verifier.challenges({}, "example.org", "", true, t0)[1])->stale);
}

TEST_CASE_FIXTURE(Fixture, "the right password is accepted, each count once") {
  CHECK(verify(credentials(1), t0) == Verdict::ok);
  CHECK(verify(credentials(2), t0) == Verdict::ok);
  CHECK(verify(credentials(1), t0) == Verdict::stale);
  CHECK(verifier.nonces_in_use() == 1);
}

TEST_CASE_FIXTURE(Fixture, "a wrong password, method, URI or user is wrong and touches no table") {
  CHECK(verify(credentials(1, "guess"), t0) == Verdict::wrong);
  CHECK(verifier.verify(credentials(), {.method = "PUBLISH", .body = "", .ha1 = secret}, t0) ==
        Verdict::wrong);
  CHECK(verifier.verify(credentials(), {.method = "REGISTER", .body = "", .ha1 = ""}, t0) == Verdict::wrong);
  auto changed = credentials();
  changed.uri = "sip:example.net";
  CHECK(verify(changed, t0) == Verdict::wrong);
  CHECK(verifier.nonces_in_use() == 0);
}

TEST_CASE_FIXTURE(Fixture, "the value that an unknown user's response is compared with proves nothing") {
  for (const char* guess : {"0000000000000000000000000000000000000000000000000000000000000000", ""}) {
    auto given = credentials();
    given.response = response(given, guess, "REGISTER", "");
    CHECK(verifier.verify(given, {.method = "REGISTER", .body = "", .ha1 = ""}, t0) == Verdict::wrong);
  }
}

TEST_CASE_FIXTURE(
    Fixture,
    "the right password with an old or foreign nonce is stale, so that the user is not prompted again") {
  CHECK(verify(credentials(), t0 + 61s) == Verdict::stale);
  Verifier other({.key = {9}, .nonce_lifetime = 60s, .nonces = 10}, random);
  offers = other.challenges({}, "example.org", "bk001.", false, t0);
  CHECK(verify(credentials(), t0) == Verdict::stale);
  CHECK(verify(credentials(1, "guess"), t0) == Verdict::wrong);
}

TEST_CASE_FIXTURE(Fixture, "count 0 contradicts the RFC (RFC 7616 3.4)") {
  CHECK(verify(credentials(0), t0) == Verdict::bad);
}

TEST_CASE_FIXTURE(Fixture, "the case of the response's digits does not matter") {
  auto given = credentials();
  for (char& c : given.response) c = c >= 'a' && c <= 'f' ? static_cast<char>(c - 32) : c;
  CHECK(verify(given, t0) == Verdict::ok);
}

TEST_CASE_FIXTURE(Fixture, "without qop a nonce is accepted once (RFC 2069)") {
  auto given = credentials();
  given.qop = Qop::none;
  given.nc = given.cnonce = "";
  given.response = response(given, secret, "REGISTER", "");
  CHECK(verify(given, t0) == Verdict::ok);
  CHECK(verify(given, t0) == Verdict::stale);
}

TEST_CASE_FIXTURE(Fixture, "the challenges offered are those of the configuration (RFC 7616 3.3)") {
  const auto only = verifier.challenges(
      {.sha512_256 = false, .md5 = false, .qop_auth = false, .qop_auth_int = true, .userhash = true},
      "example.org", "", false, t0);
  REQUIRE(only.size() == 1);
  const auto challenge = parse_challenge(only[0]).value();
  CHECK(challenge.algorithm == Algorithm::sha256);
  CHECK(challenge.qop_auth_int);
  CHECK_FALSE(challenge.qop_auth);
  CHECK(challenge.userhash);
}

TEST_CASE(
    "credentials weaker than the weakest offer are not accepted; without qop where auth is (RFC 2617)") {
  const auto given = [](Algorithm algorithm, Qop qop) {
    Credentials credentials;
    credentials.algorithm = algorithm;
    credentials.qop = qop;
    return credentials;
  };
  const Offer all, strong{.sha256 = false, .md5 = false}, sha256{.sha512_256 = false, .md5 = false};
  const Offer whole{.qop_auth = false, .qop_auth_int = true}, both{.qop_auth_int = true};
  struct Row {
    Offer offer;
    Algorithm algorithm;
    Qop qop;
    bool accepted;
  };
  const Row rows[] = {
      {all, Algorithm::md5, Qop::none, true},          {all, Algorithm::sha256, Qop::auth, true},
      {sha256, Algorithm::md5, Qop::auth, false},      {sha256, Algorithm::md5_sess, Qop::auth, false},
      {sha256, Algorithm::sha256, Qop::auth, true},    {sha256, Algorithm::sha512_256, Qop::auth, true},
      {strong, Algorithm::sha256, Qop::auth, false},   {strong, Algorithm::sha512_256, Qop::auth, true},
      {whole, Algorithm::sha256, Qop::auth, false},    {whole, Algorithm::sha256, Qop::none, false},
      {whole, Algorithm::sha256, Qop::auth_int, true}, {both, Algorithm::sha256, Qop::none, true},
      {all, Algorithm::sha256, Qop::auth_int, true},
  };
  for (const Row& row : rows) {
    CAPTURE(to_string(row.algorithm));
    CAPTURE(to_string(row.qop));
    CHECK(is_accepted(row.offer, given(row.algorithm, row.qop)) == row.accepted);
  }
}

TEST_CASE_FIXTURE(Fixture, "auth-int covers the body: a changed one is wrong (RFC 7616 3.4.3)") {
  offers = verifier.challenges({.qop_auth = false, .qop_auth_int = true}, "example.org", "", false, t0);
  const auto given = parse_credentials(answer(*choose(offers), {.user = "alice",
                                                                .password = "secret",
                                                                .method = "PUBLISH",
                                                                .uri = "sip:alice@example.org",
                                                                .body = "open",
                                                                .cnonce = "abc"}))
                         .value();
  CHECK(verifier.verify(given, {.method = "PUBLISH", .body = "closed", .ha1 = secret}, t0) == Verdict::wrong);
  CHECK(verifier.verify(given, {.method = "PUBLISH", .body = "open", .ha1 = secret}, t0) == Verdict::ok);
}

TEST_CASE_FIXTURE(
    Fixture,
    "a nonce serves its first user alone, and is known for its own until a wrong password comes with it") {
  const auto use = [&](std::uint32_t count, std::size_t owner, std::string_view password = "secret") {
    return verifier.verify(credentials(count, password),
                           {.method = "REGISTER", .body = "", .ha1 = secret, .owner = owner}, t0);
  };
  const auto is_known = [&](std::size_t owner) {
    return verifier.is_known(credentials(), verifier.look(credentials(), t0), owner);
  };
  CHECK_FALSE(is_known(5));
  CHECK(use(1, 5) == Verdict::ok);
  CHECK(is_known(5));
  CHECK_FALSE(is_known(6));
  CHECK_FALSE(is_known(0));
  CHECK(use(2, 6) == Verdict::stale);
  CHECK_FALSE(is_known(6));
  CHECK(is_known(5));
  CHECK(use(3, 5, "guess") == Verdict::wrong);
  CHECK_FALSE(is_known(5));
  CHECK(use(3, 5) == Verdict::ok);
}

TEST_CASE_FIXTURE(Fixture, "a nonce is old when more than half of its life is over") {
  const auto nonce = verifier.look(credentials(), t0);
  CHECK_FALSE(verifier.is_old(nonce, t0 + 30s));
  CHECK(verifier.is_old(nonce, t0 + 30s + 1us));
}

TEST_CASE_FIXTURE(Fixture,
                  "-sess: the session's first cnonce makes the key of later requests (RFC 7616 3.4.2)") {
  Verifier roomy({.key = {1}, .nonce_lifetime = 60s}, random);
  struct Row {
    std::string cnonce;   ///< Named by the second request.
    std::string session;  ///< From which its key was made.
    Verdict verdict;
  };
  const Row rows[] = {
      {"first", "first", Verdict::ok},     {"second", "first", Verdict::ok},  // as the RFC says
      {"second", "second", Verdict::ok},                                      // COMPAT: its own
      {"second", "third", Verdict::wrong}, {"first", "second", Verdict::wrong},
  };
  for (const Algorithm algorithm :
       {Algorithm::md5_sess, Algorithm::sha256_sess, Algorithm::sha512_256_sess}) {
    CAPTURE(to_string(algorithm));
    const auto key = ha1(algorithm, "alice", "example.org", "secret");
    const Verifier::Request request{.method = "REGISTER", .body = "", .ha1 = key};
    for (const Row& row : rows) {
      CAPTURE(row.cnonce);
      CAPTURE(row.session);
      auto given = credentials();
      given.algorithm = algorithm;
      given.nonce = roomy.make_nonce("example.org", "", t0);
      const auto use = [&](const std::string& count, const std::string& cnonce, const std::string& session) {
        given.nc = count;
        given.cnonce = cnonce;
        given.response = response(given, key, "REGISTER", "", session);
        return roomy.verify(given, request, t0);
      };
      CHECK(use("00000001", "first", "first") == Verdict::ok);
      CHECK(use("00000002", row.cnonce, row.session) == row.verdict);
      if (row.verdict != Verdict::ok) continue;
      CHECK(roomy.session_cnonce(given, roomy.look(given, t0), request) == row.session);
      CHECK(use("00000003", "third", "first") == Verdict::ok);  // it is the first one's still
      given.response = response(given, "00", "REGISTER", "", "first");
      CHECK(roomy.verify(given, request, t0) == Verdict::wrong);
    }
  }
}

TEST_CASE_FIXTURE(Fixture, "a request with a wrong password begins no -sess session") {
  auto given = credentials();
  given.algorithm = Algorithm::sha256_sess;
  const auto key = ha1(given.algorithm, "alice", "example.org", "secret");
  const Verifier::Request request{.method = "REGISTER", .body = "", .ha1 = key};
  given.cnonce = "guessed";
  given.response = response(given, "00", "REGISTER", "");
  CHECK(verifier.verify(given, request, t0) == Verdict::wrong);
  given.cnonce = "own";
  given.response = response(given, key, "REGISTER", "");
  CHECK(verifier.verify(given, request, t0) == Verdict::ok);
  CHECK(verifier.session_cnonce(given, verifier.look(given, t0), request) == "own");
}
