#include "protocol/documents/iscomposing.hpp"

#include <doctest/doctest.h>

using namespace beckon;
using namespace beckon::documents;

namespace {

std::string composing(const std::string& inner) {
  return "<isComposing xmlns='urn:ietf:params:xml:ns:im-iscomposing'>" + inner + "</isComposing>";
}

}  // namespace

TEST_CASE("the examples of RFC 3994 5 are read and printed") {
  const auto active = parse_is_composing(composing(
      "\n <state>active</state>\n <contenttype>text/plain</contenttype>\n <refresh>90</refresh>\n"));
  REQUIRE(active.has_value());
  CHECK(*active == IsComposing{.active = true, .content_type = "text/plain", .refresh_seconds = 90});
  CHECK(parse_is_composing(print(*active)).value() == *active);
  const auto idle = parse_is_composing(composing(
      "<state>idle</state><lastactive>2003-01-27T10:43:00Z</lastactive><contenttype>audio</contenttype>"));
  REQUIRE(idle.has_value());
  CHECK(*idle == IsComposing{.last_active = "2003-01-27T10:43:00Z", .content_type = "audio"});
  CHECK(parse_is_composing(print(*idle)).value() == *idle);
}

TEST_CASE("a state that we do not know is idle, and extensions do not matter (RFC 3994 3.5)") {
  CHECK_FALSE(parse_is_composing(composing("<state>juggling</state>"))->active);
  CHECK(parse_is_composing(composing("<x:y xmlns:x='urn:x'/><state> active </state>"))->active);
}

TEST_CASE("a refresh interval that is no positive number is left out") {
  for (const char* interval : {"0", "-1", "soon", "", "99999999999"}) {
    CAPTURE(interval);
    const auto read = parse_is_composing(
        composing("<state>active</state><refresh>" + std::string(interval) + "</refresh>"));
    REQUIRE(read.has_value());
    CHECK_FALSE(read->refresh_seconds.has_value());
  }
}

TEST_CASE("what is no such document is refused") {
  CHECK(parse_is_composing("<isComposing/>").error() == documents::Errc::wrong_root);
  CHECK(parse_is_composing(composing("")).error() == documents::Errc::bad_structure);
  CHECK(parse_is_composing("").has_error());
}
