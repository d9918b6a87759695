#include "protocol/event/body_type.hpp"

#include <doctest/doctest.h>

#include <array>

using namespace beckon;
using namespace beckon::event;

namespace {

Result<sip::Message> subscribe(const std::string& accept) {
  return sip::Message::parse(
      share("SUBSCRIBE sip:alice@example.org SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n"
            "From: <sip:bob@example.org>;tag=bob\r\nTo: <sip:alice@example.org>\r\nCall-ID: call-1\r\n"
            "CSeq: 5 SUBSCRIBE\r\n" +
            accept + "Content-Length: 0\r\n\r\n"));
}

}  // namespace

TEST_CASE(
    "the body type is the one that Accept wants most, else the package's first (RFC 6665 5.4.5, RFC 3261 "
    "20.1)") {
  constexpr std::array<std::string_view, 2> offered{"application/pidf+xml", "application/pidf-diff+xml"};
  struct Row {
    std::string accept;
    std::string_view chosen;
  };
  const Row rows[] = {
      {"", "application/pidf+xml"},  // no Accept: the default
      {"Accept: application/pidf+xml\r\n", "application/pidf+xml"},
      {"Accept: application/pidf-diff+xml, application/pidf+xml;q=0.5\r\n", "application/pidf-diff+xml"},
      {"Accept: application/pidf-diff+xml;q=0.3\r\nAccept: application/pidf+xml;q=0.5\r\n",
       "application/pidf+xml"},
      {"Accept: application/pidf-diff+xml, application/pidf+xml;q=1\r\n", "application/pidf+xml"},
      {"Accept: application/pidf+xml;q=0.1, */*;q=0.4\r\n", "application/pidf-diff+xml"},
      {"Accept: application/pidf-diff+xml;q=0.9, application/pidf+xml;q=broken\r\n", "application/pidf+xml"},
      {"Accept: application/pidf-diff+xml\r\n", "application/pidf-diff+xml"},
      {"Accept: text/plain\r\nAccept: APPLICATION/PIDF-diff+xml\r\n", "application/pidf-diff+xml"},
      {"Accept: */*\r\n", "application/pidf+xml"},
      {"Accept: application/*\r\n", "application/pidf+xml"},
      {"Accept: text/*, text/plain\r\n", ""},
      {"Accept: application/pidf+xml;q=0\r\n", ""},
      {"Accept: application/pidf+xml;q=0.000, application/*\r\n", "application/pidf-diff+xml"},
      {"Accept: */*, application/*;q=0\r\n", ""},  // the closest range counts (RFC 7231 5.3.2)
      {"Accept: application/*;q=0, application/pidf+xml;q=0.001\r\n", "application/pidf+xml"},
      {"Accept:\r\n", ""},  // empty: nothing is accepted
  };
  for (const auto& row : rows) {
    CAPTURE(row.accept);
    const auto request = subscribe(row.accept);
    REQUIRE(request.has_value());
    CHECK(choose_body_type(*request, offered) == row.chosen);
  }
}

TEST_CASE(
    "a type that is for those who name it goes first among equals, and nothing else means it (RFC 5263 "
    "4.3)") {
  constexpr std::array<std::string_view, 3> offered{"application/pidf+xml", "application/cpim-pidf+xml",
                                                    "application/pidf-diff+xml"};
  struct Row {
    std::string accept;
    std::string_view chosen;
  };
  const Row rows[] = {
      {"", "application/pidf+xml"},
      {"Accept: application/pidf+xml, application/pidf-diff+xml\r\n", "application/pidf-diff+xml"},
      {"Accept: application/pidf+xml;q=0.3,\r\n application/pidf-diff+xml;q=1\r\n",
       "application/pidf-diff+xml"},
      {"Accept: application/pidf+xml, application/pidf-diff+xml;q=0.8\r\n", "application/pidf+xml"},
      {"Accept: application/pidf+xml, application/pidf-diff+xml;q=0\r\n", "application/pidf+xml"},
      {"Accept: */*\r\n", "application/pidf+xml"},
      {"Accept: application/*, application/pidf+xml;q=0.2\r\n", "application/cpim-pidf+xml"},
      {"Accept: application/*;q=0, application/pidf-diff+xml\r\n", "application/pidf-diff+xml"},
      {"Accept: */*, application/pidf+xml;q=0, application/cpim-pidf+xml;q=0\r\n", ""},
  };
  for (const auto& row : rows) {
    CAPTURE(row.accept);
    const auto request = subscribe(row.accept);
    REQUIRE(request.has_value());
    CHECK(choose_body_type(*request, offered, "application/pidf-diff+xml") == row.chosen);
  }
}
