#include "protocol/documents/rpid.hpp"

#include <doctest/doctest.h>

#include "protocol/base/text.hpp"
#include "protocol/documents/schema_types.hpp"

using namespace beckon;
using namespace beckon::documents;

namespace {

/// An element with the prefixes r, ts, p and x.
xml::Fragment element(const std::string& text) {
  const std::string root =
      "<root xmlns:r='urn:ietf:params:xml:ns:pidf:rpid' xmlns:ts='urn:ietf:params:xml:ns:pidf:timed-status' "
      "xmlns:x='urn:x'>" +
      text + "</root>";
  const auto document = xml::parse(root);
  REQUIRE(document.has_value());
  return document->root().children().front().keep();
}

}  // namespace

TEST_CASE("the time of an element is from `from` on, until `until` (RFC 4480 3.1)") {
  const auto early = *parse_time("2026-11-21T04:00:00Z"), late = *parse_time("2026-11-21T05:00:00Z");
  const auto both =
      interval_of(element("<r:mood from='2026-11-21T04:00:00Z' until='2026-11-21T06:00:00+01:00'/>"));
  CHECK(both == Interval{early, late});
  CHECK_FALSE(both.covers(early - 1ms));
  CHECK(both.covers(early));
  CHECK_FALSE(both.covers(late));
  CHECK(both.next(early - 1ms) == early);
  CHECK(both.next(early) == late);
  CHECK(both.next(late) == WallTime::max());
  CHECK(interval_of(element("<r:mood/>")) == Interval());
  CHECK(interval_of(element("<r:mood from='x' until='tomorrow'/>")) == Interval());
  CHECK(interval_of(element("<r:mood>until from</r:mood>")) == Interval());
}

TEST_CASE("a timed status has a time, and what a status has (RFC 4481 3)") {
  const auto read =
      parse_timed_status(element("<ts:timed-status from='2026-11-21T04:00:00Z'><ts:basic>closed</ts:basic>"
                                 "<ts:note xml:lang='de'>weg</ts:note><x:y/></ts:timed-status>"));
  REQUIRE(read.has_value());
  CHECK(read->interval.until == WallTime::max());
  CHECK(read->basic == Basic::closed);
  CHECK(read->notes == std::vector<Note>{{"weg", "de"}});
  REQUIRE(read->extensions.size() == 1);
  CHECK(read->extensions[0].name == "y");
  CHECK_FALSE(parse_timed_status(element("<ts:timed-status/>")).has_value());
  CHECK_FALSE(parse_timed_status(element("<ts:timed-status from='soon'/>")).has_value());
  CHECK_FALSE(parse_timed_status(element("<r:timed-status from='2026-11-21T04:00:00Z'/>")).has_value());
}

TEST_CASE("do-not-disturb is an <other> with a text, as RPID has no element for it") {
  for (const char* text : {"do-not-disturb", " Do not disturb\n", "DO_NOT_DISTURB", "dnd", "DND"})
    CHECK(says_do_not_disturb(text));
  for (const char* text : {"", "disturb", "do not", "busy"}) CHECK_FALSE(says_do_not_disturb(text));
  CHECK(engagement_of(element("<r:activities><r:other>dnd</r:other><r:on-the-phone/></r:activities>")) ==
        Engagement{true, true});
  CHECK(engagement_of(element("<r:activities><r:other>juggling</r:other><x:on-the-phone/></r:activities>")) ==
        Engagement{});
}

TEST_CASE("which calls somebody wants is an <other>, too") {
  const Engagement both{.messages_only = true, .one_call = true};
  const auto wishes =
      element("<r:activities><r:other> one-call </r:other><r:other>messages-only</r:other></r:activities>");
  CHECK(engagement_of(wishes) == both);
  CHECK(engagement_of(add_engagement(element("<r:activities><r:away/></r:activities>"), both)) == both);
}

TEST_CASE("activities get those that they lack, and nothing twice") {
  const Engagement all{true, true};
  for (const char* text :
       {"<r:activities/>", "<r:activities></r:activities>", "<r:activities><r:unknown/></r:activities>",
        "<r:activities><r:on-the-phone/></r:activities>",
        "<r:activities><r:on-the-phone/><r:other>Do not disturb</r:other></r:activities>"}) {
    CAPTURE(text);
    const auto added = add_engagement(element(text), all);
    Person person;
    person.extensions = {added};
    CHECK(activities(person) == std::vector<std::string>{"on-the-phone", "do-not-disturb"});
    CHECK(add_engagement(added, all) == added);
  }
  const auto same = element("<r:activities  id='a' ><r:away /></r:activities>");
  CHECK(add_engagement(same, {}) == same);
}

TEST_CASE("a sphere is named by its element, or by a text (RFC 4480 3.11)") {
  CHECK(read_sphere(element("<r:sphere><r:work/></r:sphere>")) == "work");
  CHECK(read_sphere(element("<r:sphere><x:scouting/></r:sphere>")) == "scouting");
  CHECK(read_sphere(element("<r:sphere> home </r:sphere>")) == "home");
  CHECK(read_sphere(element("<r:sphere/>")).empty());
}

TEST_CASE("what an XML schema takes as xs:ID, xs:dateTime and xs:language") {
  for (const char* good : {"a", "_1", "t.1-b", "노트북", "é"}) {
    CAPTURE(good);
    CHECK(is_xs_id(good));
  }
  for (const char* bad : {"", " ", "1", "-a", ".a", "a b", "a:b", "a\xff", "×", "\xb7x"}) {
    CAPTURE(bad);
    CHECK_FALSE(is_xs_id(bad));
  }
  for (const char* good :
       {"2026-11-21T04:00:00Z", "2026-11-21T04:00:00", "2024-02-29T23:59:59.123456-14:00"}) {
    CAPTURE(good);
    CHECK(is_xs_date_time(good));
  }
  for (const char* bad :
       {"", "2026-11-21", "2026-11-21 04:00:00Z", "2026-02-29T04:00:00Z", "2026-11-21T24:01:00Z",
        "2026-11-21T04:00:60Z", "2026-11-21T04:00:00.Z", "2026-11-21T04:00:00+14:01", "2026-11-21T04:00:00z",
        "26-11-21T04:00:00Z", "2026-11-21T04:00:00Z ", "0000-01-01T00:00:00Z"}) {
    CAPTURE(bad);
    CHECK_FALSE(is_xs_date_time(bad));
  }
  for (const char* good : {"en", "de-AT", "x-klingon", "zh-Hans-CN", "sl-1994"}) CHECK(is_xs_language(good));
  for (const char* bad : {"", "-", "en-", "1", "en us", "abcdefghi", "en--us"})
    CHECK_FALSE(is_xs_language(bad));
}
