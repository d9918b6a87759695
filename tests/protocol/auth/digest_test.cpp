#include "protocol/auth/digest.hpp"

#include <doctest/doctest.h>

#include <vector>

using namespace beckon;
using namespace beckon::auth;

namespace {

const std::string md5 = "Digest realm=\"r\", nonce=\"n\", qop=\"auth\"";
const std::string sha256 = "Digest realm=\"r\", nonce=\"n\", qop=\"auth\", algorithm=SHA-256";
const std::string sha512_256 = "Digest realm=\"r\", nonce=\"n\", qop=\"auth\", algorithm=SHA-512-256";
const std::string unknown = "Digest realm=\"r\", nonce=\"n\", qop=\"auth\", algorithm=SHA-1024";

std::optional<Algorithm> chosen(const std::vector<std::string>& values) {
  const auto challenge = choose(values);
  return challenge ? std::optional(challenge->algorithm) : std::nullopt;
}

}  // namespace

TEST_CASE("the strongest challenge is taken, in whatever order they come (RFC 8760 2.4)") {
  CHECK(chosen({md5, sha256}) == Algorithm::sha256);
  CHECK(chosen({sha256, md5}) == Algorithm::sha256);
  CHECK(chosen({md5, sha512_256, sha256}) == Algorithm::sha512_256);
  CHECK(chosen({unknown, md5}) == Algorithm::md5);
  CHECK(chosen({"Basic realm=\"r\"", md5}) == Algorithm::md5);
  CHECK_FALSE(chosen({unknown, "Basic realm=\"r\""}));
  CHECK_FALSE(chosen({}));
}

TEST_CASE("of equally strong challenges the first is taken") {
  const std::vector<std::string_view> values{"Digest realm=\"one\", nonce=\"n\"",
                                             "Digest realm=\"two\", nonce=\"n\""};
  CHECK(choose(values)->realm == "one");
}

TEST_CASE("each realm's strongest challenge is taken (RFC 3261 22.3)") {
  const std::vector<std::string_view> values{"Digest realm=\"one\", nonce=\"a\"",
                                             "Digest realm=\"two\", nonce=\"b\", algorithm=SHA-256",
                                             "Digest realm=\"ONE\", nonce=\"c\", algorithm=SHA-256",
                                             "Digest realm=\"two\", nonce=\"d\"", "Basic realm=\"three\""};
  const auto each = choose_each(values);
  REQUIRE(each.size() == 2);
  CHECK(each[0].nonce == "c");
  CHECK(each[1].nonce == "b");
}

TEST_CASE("an answer carries what the challenge demands, and its own response") {
  const auto challenge = parse_challenge(
      "Digest realm=\"testrealm@host.com\", qop=\"auth,auth-int\", "
      "nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", "
      "opaque=\"5ccc069c403ebaf9f0171e9517f40e41\"");
  REQUIRE(challenge.has_value());
  const Question question{.user = "Mufasa",
                          .password = "Circle Of Life",
                          .method = "GET",
                          .uri = "/dir/index.html",
                          .cnonce = "0a4f113b",
                          .count = 1};
  const auto credentials = parse_credentials(answer(*challenge, question));
  REQUIRE(credentials.has_value());
  // RFC 2617 3.5
  CHECK(credentials->response == "6629fae49393a05397450978507c4ef1");
  CHECK(credentials->opaque == "5ccc069c403ebaf9f0171e9517f40e41");
  CHECK(credentials->qop == Qop::auth);
  CHECK(credentials->nc == "00000001");

  SUBCASE("a kept H(A1) answers like the password") {
    const auto secret = ha1(Algorithm::md5, "Mufasa", "testrealm@host.com", "Circle Of Life");
    Question with_ha1 = question;
    with_ha1.password = {};
    with_ha1.ha1 = secret;
    CHECK(answer(*challenge, with_ha1) == answer(*challenge, question));
  }
}

TEST_CASE("without qop an answer has neither count nor cnonce (RFC 2069)") {
  const auto challenge = parse_challenge("Digest realm=\"r\", nonce=\"n\"");
  REQUIRE(challenge.has_value());
  const auto text =
      answer(*challenge, {.user = "a", .password = "b", .method = "REGISTER", .uri = "sip:r", .cnonce = "c"});
  CHECK(text.find("nc=") == std::string::npos);
  CHECK(text.find("qop=") == std::string::npos);
  CHECK(text.find("cnonce=") == std::string::npos);
}

TEST_CASE("auth-int is used where it alone is offered, and covers the body") {
  const auto challenge = parse_challenge("Digest realm=\"r\", nonce=\"n\", qop=\"auth-int\"");
  REQUIRE(challenge.has_value());
  Question question{
      .user = "a", .password = "b", .method = "PUBLISH", .uri = "sip:a@r", .body = "one", .cnonce = "c"};
  const auto one = parse_credentials(answer(*challenge, question));
  question.body = "two";
  const auto two = parse_credentials(answer(*challenge, question));
  REQUIRE(one.has_value());
  REQUIRE(two.has_value());
  CHECK(one->qop == Qop::auth_int);
  CHECK(one->response != two->response);
}

TEST_CASE("a challenge with userhash is answered without the name (RFC 7616 3.4.4)") {
  const auto challenge = parse_challenge(
      "Digest realm=\"api@example.org\", nonce=\"n\", userhash=true, qop=\"auth\", "
      "algorithm=SHA-512-256");
  REQUIRE(challenge.has_value());
  const auto credentials = parse_credentials(answer(
      *challenge,
      {.user = "J\xC3\xA4s\xC3\xB8n Doe", .password = "p", .method = "GET", .uri = "/", .cnonce = "c"}));
  REQUIRE(credentials.has_value());
  CHECK(credentials->userhash);
  CHECK(credentials->username == "793263caabb707a56211940d90411ea4a575adeccb7e360aeb624ed06ece9b0b");
}
