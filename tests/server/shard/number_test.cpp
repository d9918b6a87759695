#include "server/shard/number.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace beckon;
using namespace beckon::server;

namespace {

/// The Request-URI of what becomes of a request; empty: it stays as it is.
std::string named(const std::string& method, const std::string& uri) {
  Settings settings;
  settings.domains = {"example.org", "example.com"};
  const auto request = sip::Message::parse(
      share(method + ' ' + uri + " SIP/2.0\r\nVia: SIP/2.0/TCP 192.0.2.9;branch=z9hG4bK1\r\nFrom: " +
            "<sip:bob@example.org>;tag=f\r\nTo: <" + uri + ">\r\nCall-ID: c\r\nCSeq: 1 " + method +
            "\r\nContent-Length: 0\r\n\r\n"));
  REQUIRE(request.has_value());
  const auto renamed = name_user(*request, settings);
  return renamed ? std::string(renamed->request_uri_text()) : std::string();
}

}  // namespace

TEST_CASE(
    "a user is named by number, or by a URI that says nothing of the protocol (RFC 3966, RFC 3856 5, RFC "
    "3428 3)") {
  CHECK(named("SUBSCRIBE", "pres:alice@example.org") == "sip:alice@example.org");
  CHECK(named("SUBSCRIBE", "PRES:alice@EXAMPLE.com") == "sip:alice@example.com");
  CHECK(named("MESSAGE", "im:alice@example.org?subject=hi") == "sip:alice@example.org");
  CHECK(named("SUBSCRIBE", "tel:+4930123") == "sip:+4930123@example.org");
  SUBCASE("in a domain that is not ours, or nowhere, it stays as it is") {
    for (const char* uri :
         {"pres:alice@example.net", "pres:alice", "pres:@", "im:", "pres:a@b@example.org"}) {
      CAPTURE(uri);
      CHECK(named("SUBSCRIBE", uri).empty());
    }
  }
  SUBCASE("a SIP URI stays, and so does what a REGISTER names") {
    CHECK(named("SUBSCRIBE", "sip:alice@example.org").empty());
    CHECK(named("REGISTER", "pres:alice@example.org").empty());
  }
}
