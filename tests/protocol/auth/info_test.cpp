#include "protocol/auth/info.hpp"

#include <doctest/doctest.h>

#include "protocol/auth/digest.hpp"

using namespace beckon;
using namespace beckon::auth;

namespace {

Credentials sent(Qop qop = Qop::auth) {
  Credentials credentials;
  credentials.username = "a";
  credentials.realm = "r";
  credentials.nonce = "n";
  credentials.uri = "sip:r";
  credentials.cnonce = "c";
  credentials.nc = "0000000a";
  credentials.qop = qop;
  return credentials;
}

const std::string secret = ha1(Algorithm::md5, "a", "r", "p");

}  // namespace

TEST_CASE("the server's proof is the response with A2 = \":\" uri (RFC 7616 3.5)") {
  const auto proof =
      hex_digest(Algorithm::md5, secret + ":n:0000000a:c:auth:" + hex_digest(Algorithm::md5, ":sip:r"));
  CHECK(print(make_info(sent(), secret, "", "next")) ==
        "nextnonce=\"next\", qop=auth, rspauth=\"" + proof + "\", cnonce=\"c\", nc=0000000a");
  CHECK(print(make_info(sent(Qop::none), secret, "")).empty());
  CHECK(print(make_info(sent(Qop::none), secret, "", "next")) == "nextnonce=\"next\"");
}

TEST_CASE("with auth-int the proof covers the answer's body (RFC 7616 3.5)") {
  const auto info = make_info(sent(Qop::auth_int), secret, "body");
  CHECK(check(info, sent(Qop::auth_int), secret, "body") == Proof::right);
  CHECK(check(info, sent(Qop::auth_int), secret, "other") == Proof::wrong);
}

TEST_CASE("a proof holds for its own request and password only (RFC 7616 3.5)") {
  const auto info = make_info(sent(), secret, "");
  CHECK(check(info, sent(), secret, "whatever") == Proof::right);
  CHECK(check(info, sent(), ha1(Algorithm::md5, "a", "r", "q"), "") == Proof::wrong);
  auto other = sent();
  SUBCASE("another count") { other.nc = "0000000b"; }
  SUBCASE("another cnonce") { other.cnonce = "d"; }
  SUBCASE("another quality of protection") { other.qop = Qop::auth_int; }
  SUBCASE("another resource") { other.uri = "sip:s"; }
  CHECK(check(info, other, secret, "") == Proof::wrong);
}

TEST_CASE("a response without proof is accepted; the case of hexadecimal digits does not matter") {
  CHECK(check({.next_nonce = "n2"}, sent(), secret, "") == Proof::absent);
  auto info = make_info(sent(), secret, "");
  for (char& c : info.proof) c = c >= 'a' && c <= 'f' ? static_cast<char>(c - 32) : c;
  info.nc = "0000000A";
  CHECK(check(info, sent(), secret, "") == Proof::right);
}

TEST_CASE("Authentication-Info is read and printed") {
  struct Row {
    const char* text;
    ErrorCode error;
  };
  const Row rows[] = {
      {"nextnonce=\"47364c23432d2e131a5fb210812c\"", {}},  // RFC 3261 20.6
      {"qop=auth, rspauth=\"6629fae49393a05397450978507c4ef1\", cnonce=\"0a4f113b\", nc=00000001", {}},
      {"rspauth=\"66\", cnonce=\"0a4f113b\", nc=00000001", Errc::missing_directive},
      {"qop=auth, rspauth=\"66\", nc=00000001", Errc::missing_directive},
      {"qop=auth, rspauth=\"66\", cnonce=\"c\"", Errc::missing_directive},
      {"qop=auth-conf", Errc::unknown_qop},
      {"nextnonce", Errc::bad_syntax},
      {"nextnonce=\"a\", nextnonce=\"b\"", Errc::bad_syntax},
      {"", {}},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text);
    const auto info = parse_info(row.text);
    CHECK(info.has_value() == !row.error);
    if (!info) CHECK(info.error() == row.error);
    if (info) CHECK(parse_info(print(*info)).value() == *info);
  }
}
