#include <doctest/doctest.h>

#include <boost/json.hpp>
#include <map>

#include "corpus.hpp"
#include "protocol/base/text.hpp"
#include "protocol/sip/check.hpp"

using namespace beckon;
using namespace beckon::sip;
namespace json = boost::json;

namespace {

/// What a server says to the octets: 0 = goes on, -1 = silence, else the status of the refusal.
int judge(const std::string& text) {
  const auto shared = share(text);
  const auto message = Message::parse(shared);
  if (message) {
    const auto rejected = check(*message);
    if (!rejected) return 0;
    return message->is_request() ? rejected->status : -1;
  }
  const auto answer = refusal(shared, message.error());
  return answer ? answer->status : -1;
}

Message read(const char* file) {
  const auto message = Message::parse(share(corpus::read(corpus::root / "sip/rfc4475" / file)));
  CAPTURE(file);
  REQUIRE(message.has_value());
  return *message;
}

}  // namespace

TEST_CASE("RFC 4475: what is valid goes on, what is not is refused with the status the RFC names") {
  // Refused by the rooms above this one, or rightly not at all:
  const std::map<std::string, std::pair<int, const char*>> elsewhere{
      {"baddate.dat", {0, "the expected reaction is to ignore the Date"}},
      {"badbranch.dat", {0, "valid syntax; RFC 2543 matching is the transaction layer's"}},
      {"bext01.dat", {0, "valid syntax; 420 is the server's"}},
      {"cparam01.dat", {0, "valid"}},
      {"invut.dat", {0, "valid syntax; 415 is the server's"}},
      {"regaut01.dat", {0, "valid syntax; 401 is the registrar's"}},
      {"sdp01.dat", {0, "valid syntax; 406 is the server's"}},
      {"zeromf.dat", {0, "valid syntax; 483 is the proxy's"}},
      {"novelsc.dat", {416, "valid syntax, refused here"}},
      {"test.dat", {-1, "has no Via: nobody knows where an answer would go"}},
      {"unkscm.dat", {416, "valid syntax, refused here"}},
  };
  const auto rows = json::parse(corpus::read(corpus::root / "sip/rfc4475/index.json")).as_array();
  REQUIRE(rows.size() == 34);
  for (const auto& value : rows) {
    const auto& row = value.as_object();
    const std::string file(row.at("file").as_string());
    const std::string expect(row.at("expect").as_string());
    CAPTURE(file);
    CAPTURE(expect);
    int wanted = 0;
    if (const auto other = elsewhere.find(file); other != elsewhere.end()) {
      wanted = other->second.first;
    } else if (row.at("syntax").as_string() == "invalid") {
      wanted = expect == "discard" ? -1 : expect.starts_with("505") ? 505 : 400;
    }
    CHECK(judge(corpus::read(corpus::root / "sip/rfc4475" / file)) == wanted);
  }
}

TEST_CASE("RFC 4475 3.1.1.1: the tortuous INVITE is understood") {
  const Message message = read("wsinv.dat");
  CHECK(message.method() == Method::invite);
  CHECK(message.request_uri_text() == "sip:vivekg@chair-dnrc.example.com;unknownparam");
  CHECK(message.to()->uri.user == "vivekg");
  CHECK(message.to_tag() == "1918181833n");
  CHECK(message.from()->display_name == "J Rosenberg \\\"");
  CHECK(message.from_tag() == "98asjd8");
  CHECK(message.number(HeaderId::max_forwards) == 68);
  CHECK(message.call_id() == "wsinv.ndaksdj@192.0.2.1");
  CHECK(message.cseq()->number == 9);
  CHECK(message.values(HeaderId::via).size() == 3);
  CHECK(message.top_via()->host == "192.0.2.2");
  CHECK(message.header(HeaderId::subject) == "");
  CHECK(message.header("NewFangledHeader") == "newfangled value   continued newfangled value");
  CHECK(message.routes(HeaderId::route)->size() == 1);
  CHECK(message.contacts()->front().display_name == "Quoted string \"\"");
}

TEST_CASE("RFC 4475 3.1.1.2: strange but legal characters are kept") {
  const Message message = read("intmeth.dat");
  CHECK(message.method() == Method::other);
  CHECK(message.method_text() == "!interesting-Method0123456789_*+`.%indeed'~");
  CHECK(message.request_uri()->user == "1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*");
  CHECK(message.to()->display_name == std::string("BEL:\x07 NUL:\0 DEL:\x7f", 17));
  CHECK(message.from()->uri.parameter("unreserved")->size() > 0);
}

TEST_CASE("RFC 4475 3.1.1.4 and 3.1.1.5: escaped nulls are kept, and do not end a name") {
  const auto contacts = read("escnull.dat").contacts();
  REQUIRE(contacts.has_value());
  REQUIRE(contacts->size() == 2);
  CHECK_FALSE(equivalent((*contacts)[0].uri, (*contacts)[1].uri));
}

TEST_CASE("RFC 4475 3.1.1.11: a binary body is kept octet by octet") {
  const Message message = read("mpart01.dat");
  CHECK(message.body().size() == message.number(HeaderId::content_length));
  CHECK(message.body().find('\0') != std::string_view::npos);
}

TEST_CASE("RFC 5118: all of it is accepted but an IPv6 address without brackets in the Request-URI") {
  const auto rows = json::parse(corpus::read(corpus::root / "sip/rfc5118/index.json")).as_array();
  REQUIRE(rows.size() == 8);
  for (const auto& value : rows) {
    const std::string file(value.as_object().at("file").as_string());
    CAPTURE(file);
    CHECK(judge(corpus::read(corpus::root / "sip/rfc5118" / file)) == 0);
  }
  const auto uri_of = [](const char* file) {
    return Message::parse(share(corpus::read(corpus::root / "sip/rfc5118" / file)))->request_uri();
  };
  CHECK_FALSE(uri_of("port-ambiguous.dat")->port);
  CHECK(uri_of("port-ambiguous.dat")->host == "2001:db8::10:5070");
  CHECK(uri_of("port-unambiguous.dat")->port == 5070);
}
