#include "protocol/locate/query.hpp"

#include <doctest/doctest.h>

using namespace beckon;
using namespace beckon::locate;
using transaction::Protocol;

namespace {

Result<Query> read(std::string_view uri) { return query_of(*sip::parse_uri(uri)); }

}  // namespace

TEST_CASE("a URI gives the query for its servers (RFC 3263 4)") {
  struct Row {
    std::string_view uri;
    Query query;
  };
  const Row rows[] = {
      {"sip:alice@Example.ORG", {.host = "example.org"}},
      {"sip:alice@example.org.", {.host = "example.org"}},
      {"sip:alice@example.org:5070", {.host = "example.org", .port = 5070}},
      {"sips:alice@example.org", {.host = "example.org", .secure = true}},
      {"sip:a@example.org;transport=TCP", {.host = "example.org", .transport = Protocol::tcp}},
      {"sip:a@example.org;transport=tls", {.host = "example.org", .transport = Protocol::tls}},
      {"sips:a@example.org;transport=tcp",
       {.host = "example.org", .transport = Protocol::tls, .secure = true}},
      {"sip:a@[2001:db8::1]:5062", {.host = "2001:db8::1", .port = 5062}},
      {"sip:a@example.org;maddr=proxy.example.net", {.host = "proxy.example.net", .name = "example.org"}},
      {"sip:a@example.org;maddr=192.0.2.5", {.host = "192.0.2.5", .name = "example.org"}},
      {"sip:a@example.org;maddr=Example.org", {.host = "example.org"}},
  };
  for (const Row& row : rows) {
    CAPTURE(row.uri);
    const auto query = read(row.uri);
    REQUIRE(query.has_value());
    CHECK(*query == row.query);
  }
}

TEST_CASE("the sent-by of a Via gives the query for a response (RFC 3263 5)") {
  struct Row {
    transaction::SentBy sent_by;
    Query query;
  };
  const Row rows[] = {
      {{.host = "pc.example.org", .protocol = Protocol::tcp},
       {.host = "pc.example.org", .transport = Protocol::tcp}},
      // The final dot is no part of the name, as answers of the DNS have it.
      {{.host = "pc.example.org.", .port = 5070},
       {.host = "pc.example.org", .port = 5070, .transport = Protocol::udp}},
      {{.host = "2001:db8::1", .protocol = Protocol::tls},
       {.host = "2001:db8::1", .transport = Protocol::tls}},
  };
  for (const Row& row : rows) {
    CAPTURE(row.sent_by.host);
    CHECK(query_of(row.sent_by) == row.query);
  }
}

TEST_CASE("a URI that names no reachable transport is refused") {
  CHECK(read("tel:+4930123").error() == Errc::bad_uri);
  CHECK(read("sip:a@example.org;transport=sctp").error() == Errc::no_transport);
  CHECK(read("sip:a@example.org;transport=ws").error() == Errc::no_transport);
  CHECK(read("sips:a@example.org;transport=udp").error() == Errc::no_transport);
  CHECK(read("sip:a@example.org;maddr=239.255.255.1").error() == Errc::bad_uri);
  CHECK(read("sip:a@example.org;maddr=0.0.0.0").error() == Errc::bad_uri);
  CHECK(read("sip:a@example.org;maddr").error() == Errc::bad_uri);
}
