#include "protocol/auth/challenge.hpp"

#include <doctest/doctest.h>

using namespace beckon;
using namespace beckon::auth;

TEST_CASE("a challenge is read with every directive, in any case and order (RFC 7616 3.3)") {
  const auto challenge = parse_challenge(
      "digest QOP=\"auth, auth-int\",realm=\"a \\\"quoted\\\" realm\", nonce=\"n,=1\" ,opaque=\"o\","
      "algorithm=sha-256-SESS, STALE=TRUE, userhash=true, domain=\"/a /b\", charset=UTF-8, unknown=1");
  REQUIRE(challenge.has_value());
  CHECK(challenge->realm == "a \"quoted\" realm");
  CHECK(challenge->nonce == "n,=1");
  CHECK(challenge->opaque == "o");
  CHECK(challenge->domain == "/a /b");
  CHECK(challenge->algorithm == Algorithm::sha256_sess);
  CHECK(challenge->stale);
  CHECK(challenge->userhash);
  CHECK(challenge->qop_auth);
  CHECK(challenge->qop_auth_int);
  CHECK(parse_challenge(print(*challenge)).value() == *challenge);
}

TEST_CASE("a challenge without algorithm and qop is MD5 by RFC 2069") {
  const auto challenge = parse_challenge("Digest  realm=\"r\",nonce=\"n\"");
  REQUIRE(challenge.has_value());
  CHECK(challenge->algorithm == Algorithm::md5);
  CHECK_FALSE(challenge->qop_auth);
  CHECK_FALSE(challenge->qop_auth_int);
  CHECK_FALSE(challenge->stale);
}

TEST_CASE("an unusable Digest challenge is refused with its reason") {
  struct Row {
    const char* text;
    Errc error;
  };
  for (const Row& row :
       {Row{"Basic realm=\"x\"", Errc::not_digest}, Row{"", Errc::not_digest},
        Row{"DigestX realm=\"r\"", Errc::not_digest}, Row{"Digest", Errc::bad_syntax},
        Row{"Digest realm=\"r\"", Errc::missing_directive},
        Row{"Digest nonce=\"n\"", Errc::missing_directive},
        Row{"Digest realm=\"r, nonce=\"n\"", Errc::bad_syntax},
        Row{"Digest realm=\"r\" nonce=\"n\"", Errc::bad_syntax},
        Row{"Digest realm=\"r\", realm=\"s\", nonce=\"n\"", Errc::bad_syntax},
        Row{"Digest realm, nonce=\"n\"", Errc::bad_syntax}, Row{"Digest realm=\"r\\", Errc::bad_syntax},
        Row{"Digest realm=\"r\", nonce=\"n\", algorithm=SHA-1", Errc::unknown_algorithm},
        Row{"Digest realm=\"r\", nonce=\"n\", qop=\"token\"", Errc::unknown_qop}}) {
    CAPTURE(row.text);
    const auto challenge = parse_challenge(row.text);
    REQUIRE_FALSE(challenge.has_value());
    CHECK(challenge.error() == row.error);
  }
}

TEST_CASE("an unknown qop beside a known one is ignored") {
  const auto challenge = parse_challenge("Digest realm=\"r\", nonce=\"n\", qop=\"token,auth\"");
  REQUIRE(challenge.has_value());
  CHECK(challenge->qop_auth);
  CHECK_FALSE(challenge->qop_auth_int);
}
