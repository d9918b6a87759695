#include "server/shard/digest_uri.hpp"

#include <doctest/doctest.h>

#include "protocol/base/bytes.hpp"

using namespace beckon;
using namespace beckon::server;

namespace {

Settings settings() {
  Settings settings;
  settings.domains = {"example.org"};
  settings.hosts = {"192.0.2.1"};
  settings.ports = {5060};
  return settings;
}

sip::Message request(const std::string& method, const std::string& uri, const std::string& to) {
  auto message = sip::Message::parse(
      share(method + ' ' + uri +
            " SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKa\r\nFrom: <sip:a@example.org>;tag=1\r\n" +
            "To: <" + to + ">\r\nCall-ID: c\r\nCSeq: 1 " + method + "\r\nContent-Length: 0\r\n\r\n"));
  REQUIRE(message.has_value());
  return *message;
}

}  // namespace

TEST_CASE("credentials cover the resource they name, however it is spelled (RFC 7616 3.4.6, RFC 3261 22.4)") {
  struct Row {
    const char* digest_uri;
    const char* request_uri;
    const char* to;
    bool covered;
  };
  const std::string bob = "sip:bob@example.org";
  const Row rows[] = {
      {"sip:bob@example.org", "sip:bob@example.org", "sip:bob@example.org", true},
      {"sip:bob@EXAMPLE.org;transport=tcp", "sip:bob@example.org:5060", "sip:x@example.org", true},
      {"sip:%62ob@example.org", "sip:bob@example.org", "sip:x@example.org", true},
      {"sips:bob@example.org", "sip:bob@example.org", "sip:x@example.org", true},
      // a proxy, or the dialog, put another Request-URI
      {"sip:bob@example.org", "sip:bob@192.0.2.77:5070;transport=udp", "sip:bob@example.org", true},
      {"sip:example.org", "sip:192.0.2.1:5060", "sip:bob@example.org", true},
      {"sip:192.0.2.1;transport=tcp", "sip:example.org", "sip:bob@example.org", true},
      // COMPAT: SIPp names the server it sends to, whatever it asks of it
      {"sip:192.0.2.1:5060", "sip:bob@example.org", "sip:bob@example.org", true},
      {"sip:192.0.2.1:5060", "sip:bk07f.s@192.0.2.1:5060", "sip:bob@example.org", true},
      {"sip:example.org", "sip:bob@example.org", "sip:bob@example.org", true},
      {"sip:192.0.2.1:5099", "sip:bob@example.org", "sip:bob@example.org", false},
      {"sip:192.0.2.2", "sip:bob@example.org", "sip:bob@example.org", false},
      {"sip:carol@192.0.2.1:5060", "sip:bob@example.org", "sip:bob@example.org", false},
      // another resource
      {"sip:carol@example.org", "sip:bob@example.org", "sip:bob@example.org", false},
      {"sip:bob@example.net", "sip:bob@example.org", "sip:bob@example.org", false},
      {"sip:bob@example.org", "sip:example.org", "sip:carol@example.org", false},
      {"sip:example.net", "sip:example.org", "sip:bob@example.org", false},
      {"tel:+15551234", "sip:bob@example.org", "sip:bob@example.org", false},
      {"bob", "sip:bob@example.org", "sip:bob@example.org", false},
      {"", "sip:bob@example.org", "sip:bob@example.org", false},
      // what cannot be read is covered by the same text
      {"tel:+15551234", "tel:+15551234", "tel:+15551234", true},
  };
  for (const Row& row : rows) {
    CAPTURE(row.digest_uri);
    CAPTURE(row.request_uri);
    CHECK(is_covered(row.digest_uri, request("MESSAGE", row.request_uri, row.to), settings()) == row.covered);
  }
}

TEST_CASE("over HTTP the target counts, with or without host and in whatever escapes (RFC 7616 3.4.6)") {
  struct Row {
    const char* digest_uri;
    const char* target;
    bool covered;
  };
  const Row rows[] = {
      {"/a/b?c", "/a/b?c", true},
      {"https://h:1/a/b?c", "/a/b?c", true},
      {"/a/b?c", "https://h/a/b?c", true},
      {"/users/sip:a@h/x", "/users/sip%3aa%40h/x", true},
      {"https://h", "/", true},
      {"/a/b", "/a/c", false},
      {"/a", "/a?x", false},
      {"", "/", false},
      {"/a%", "/a%", true},
      {"/a%2", "/a%3", false},
  };
  for (const Row& row : rows) {
    CAPTURE(row.digest_uri);
    CAPTURE(row.target);
    CHECK(is_covered(row.digest_uri, row.target) == row.covered);
  }
}
