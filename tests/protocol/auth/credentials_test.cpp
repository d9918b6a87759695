#include "protocol/auth/credentials.hpp"

#include <doctest/doctest.h>

using namespace beckon;
using namespace beckon::auth;

TEST_CASE("credentials are read as peers write them") {
  SUBCASE("liblinphone: two blanks after Digest, the response before the cnonce") {
    const auto credentials = parse_credentials(
        "Digest  realm=\"interop.test\", nonce=\"abc\", username=\"alice\",  uri=\"sip:interop.test\", "
        "response=\"e122\", cnonce=\"yyVz\", nc=0000001F, qop=auth");
    REQUIRE(credentials.has_value());
    CHECK(credentials->username == "alice");
    CHECK(credentials->qop == Qop::auth);
    CHECK(credentials->nc == "0000001F");
    CHECK(credentials->count() == 31);
  }
  SUBCASE("RFC 2617 clients that quote qop and nc") {
    const auto credentials = parse_credentials(
        "Digest "
        "username=\"a\",realm=\"r\",nonce=\"n\",uri=\"sip:r\",response=\"x\",qop=\"auth-int\",nc="
        "\"00000001\","
        "cnonce=\"c\"");
    REQUIRE(credentials.has_value());
    CHECK(credentials->qop == Qop::auth_int);
  }
  SUBCASE("RFC 2069: no qop, no count") {
    const auto credentials =
        parse_credentials("Digest username=\"a\",realm=\"r\",nonce=\"n\",uri=\"sip:r\",response=\"x\"");
    REQUIRE(credentials.has_value());
    CHECK(credentials->qop == Qop::none);
    CHECK(credentials->count() == 0);
  }
  SUBCASE("RFC 7616 3.4: the name in extended notation") {
    const auto credentials = parse_credentials(
        "Digest username*=UTF-8''J%C3%A4s%C3%B8n%20Doe,realm=\"r\",nonce=\"n\",uri=\"/\",response=\"x\"");
    REQUIRE(credentials.has_value());
    CHECK(credentials->username == "J\xC3\xA4s\xC3\xB8n Doe");
  }
}

TEST_CASE("printed text is read back unchanged") {
  Credentials credentials;
  credentials.username = "al\\ice \"quoted\"";
  credentials.realm = "example.org";
  credentials.nonce = "n";
  credentials.uri = "sip:example.org;a=\"b,c\"";
  credentials.response = "00";
  credentials.cnonce = "c";
  credentials.opaque = "o";
  credentials.nc = "0000000a";
  credentials.algorithm = Algorithm::sha512_256;
  credentials.qop = Qop::auth_int;
  credentials.userhash = true;
  CHECK(parse_credentials(print(credentials)).value() == credentials);
}

TEST_CASE("malformed credentials are refused with their reason") {
  struct Row {
    const char* text;
    Errc error;
  };
  for (const Row& row :
       {Row{"Basic Zm9vOmJhcg==", Errc::not_digest},
        Row{"Digest realm=\"r\",nonce=\"n\",uri=\"u\",response=\"x\"", Errc::missing_directive},
        Row{"Digest username=\"a\",nonce=\"n\",uri=\"u\",response=\"x\"", Errc::missing_directive},
        Row{"Digest username=\"a\",realm=\"r\",nonce=\"n\",uri=\"u\"", Errc::missing_directive},
        Row{"Digest username=\"a\",realm=\"r\",nonce=\"n\",uri=\"u\",response=\"x\",qop=auth",
            Errc::missing_directive},
        Row{"Digest username=\"a\",realm=\"r\",nonce=\"n\",uri=\"u\",response=\"x\",algorithm=MD5-sess",
            Errc::missing_directive},
        Row{"Digest "
            "username=\"a\",realm=\"r\",nonce=\"n\",uri=\"u\",response=\"x\",qop=auth,nc=1,cnonce=\"c\"",
            Errc::bad_syntax},
        Row{"Digest "
            "username=\"a\",realm=\"r\",nonce=\"n\",uri=\"u\",response=\"x\",qop=auth,nc=0000000g,cnonce="
            "\"c\"",
            Errc::bad_syntax},
        Row{"Digest username=\"a\",realm=\"r\",nonce=\"n\",uri=\"u\",response=\"x\",qop=gold",
            Errc::unknown_qop},
        Row{"Digest username=\"a\",realm=\"r\",nonce=\"n\",uri=\"u\",response=\"x\",algorithm=X",
            Errc::unknown_algorithm},
        Row{"Digest username=\"a\",username*=UTF-8''b,realm=\"r\",nonce=\"n\",uri=\"u\",response=\"x\"",
            Errc::bad_syntax},
        Row{"Digest username*=latin1''b,realm=\"r\",nonce=\"n\",uri=\"u\",response=\"x\"", Errc::bad_syntax},
        Row{"Digest username*=UTF-8''%C3,realm=\"r\",nonce=\"n\",uri=\"u\",response=\"x\"", Errc::bad_syntax},
        Row{"Digest username*=UTF-8''%C,realm=\"r\",nonce=\"n\",uri=\"u\",response=\"x\"",
            Errc::bad_syntax}}) {
    CAPTURE(row.text);
    const auto credentials = parse_credentials(row.text);
    REQUIRE_FALSE(credentials.has_value());
    CHECK(credentials.error() == row.error);
  }
}

TEST_CASE(
    "the number of directives is bounded, as each is compared with the others: 40 are read, 41 are bad "
    "syntax") {
  std::string value = R"(Digest username="u",realm="r",nonce="n",uri="u",response="x")";
  for (int i = 5; i < 40; ++i) value += ",x" + std::to_string(i) + "=1";
  CHECK(parse_credentials(value).has_value());
  CHECK(parse_credentials(value + ",y=1").error() == Errc::bad_syntax);
}
