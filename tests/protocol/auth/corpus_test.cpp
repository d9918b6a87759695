#include <doctest/doctest.h>

#include <boost/json.hpp>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "protocol/auth/digest.hpp"
#include "protocol/base/text.hpp"
#include "protocol/sip/message.hpp"

using namespace beckon;
using namespace beckon::auth;
namespace json = boost::json;

namespace {

const std::filesystem::path corpora = BECKON_CORPORA;

std::string read(const std::filesystem::path& file) {
  std::ostringstream out;
  out << std::ifstream(file, std::ios::binary).rdbuf();
  return out.str();
}

std::string text_of(const json::object& row, std::string_view name) {
  const auto* value = row.if_contains(name);
  return value && value->is_string() ? std::string(value->as_string()) : std::string{};
}

Credentials credentials_of(const json::object& row, std::string_view user_key) {
  Credentials out;
  out.username = text_of(row, user_key);
  out.realm = text_of(row, "realm");
  out.nonce = text_of(row, "nonce");
  out.uri = text_of(row, "uri");
  out.nc = text_of(row, "nc");
  out.cnonce = text_of(row, "cnonce");
  out.algorithm = parse_algorithm(text_of(row, "algorithm")).value();
  out.qop = parse_qop(text_of(row, "qop")).value_or(Qop::none);
  return out;
}

std::string response_of(const json::object& row, std::string_view user_key, std::string_view password_key,
                        std::string_view body) {
  const auto credentials = credentials_of(row, user_key);
  const auto secret =
      ha1(credentials.algorithm, credentials.username, credentials.realm, text_of(row, password_key));
  return response(credentials, secret, text_of(row, "method"), body);
}

}  // namespace

TEST_CASE("the worked examples of RFC 2617 and RFC 7616, with the corrected 3.9.2") {
  const auto rows = json::parse(read(corpora / "digest/rfc-examples.json")).as_array();
  REQUIRE(rows.size() >= 4);
  for (const auto& value : rows) {
    const auto& row = value.as_object();
    CAPTURE(text_of(row, "source"));
    const auto correct = text_of(row, "correct_response");
    CHECK(response_of(row, "user", "pw", "") == (correct.empty() ? text_of(row, "response") : correct));
  }
}

TEST_CASE("156 computed vectors: every algorithm, qop and -sess, bodies, UTF-8 names; made and read back") {
  const auto rows = json::parse(read(corpora / "digest/sip-vectors.json")).as_array();
  REQUIRE(rows.size() == 156);
  for (const auto& value : rows) {
    const auto& row = value.as_object();
    CAPTURE(json::serialize(value));
    const auto octets = from_hex(text_of(row, "body_hex")).value();
    const auto expected = text_of(row, "response");
    CHECK(response_of(row, "username", "password", as_text(octets)) == expected);
    auto credentials = credentials_of(row, "username");
    credentials.response = expected;
    // Without qop and -sess there is no cnonce to write.
    CHECK(parse_credentials(print(credentials)).value() == credentials);
    CHECK(hex_digest(credentials.algorithm, credentials.username + ":" + credentials.realm) ==
          text_of(row, "userhash"));
  }
}

TEST_CASE("every challenge and all credentials of captured clients and servers are read") {
  int challenges = 0, answers = 0;
  for (const auto& file : std::filesystem::directory_iterator(corpora / "captures")) {
    if (file.path().extension() != ".sip") continue;
    CAPTURE(file.path().string());
    const auto message = sip::Message::parse(share(read(file.path())));
    // Three captures hold less body than announced; their heads are whole.
    if (!message) CHECK(message.error() == sip::Errc::need_more);
    const auto head = sip::Message::salvage(share(read(file.path())));
    REQUIRE(head.has_value());
    for (const auto& line : head->headers()) {
      const bool challenge =
          line.id == sip::HeaderId::www_authenticate || line.id == sip::HeaderId::proxy_authenticate;
      const bool answer =
          line.id == sip::HeaderId::authorization || line.id == sip::HeaderId::proxy_authorization;
      if (challenge) CHECK(parse_challenge(line.value).has_value());
      if (answer) CHECK(parse_credentials(line.value).has_value());
      challenges += challenge;
      answers += answer;
    }
  }
  CHECK(challenges > 0);
  CHECK(answers > 50);
}
