#include "server/presence/filter.hpp"

#include <doctest/doctest.h>

#include "server/presence/policy.hpp"

using namespace beckon;
using namespace beckon::server::presence;
using documents::Transformations;

namespace {

constexpr std::string_view document = R"(<presence xmlns="urn:ietf:params:xml:ns:pidf"
 xmlns:dm="urn:ietf:params:xml:ns:pidf:data-model" xmlns:r="urn:ietf:params:xml:ns:pidf:rpid"
 xmlns:x="urn:example:x" entity="sip:alice@example.org">
<tuple id="work"><status><basic>open</basic></status><r:class>office</r:class>
<r:user-input idle-threshold="60" last-input="2026-11-21T04:00:00Z">idle</r:user-input><x:toy/>
<contact>sip:alice@example.org</contact><note>at my desk</note></tuple>
<tuple id="home"><status><basic>closed</basic></status><contact>tel:+8221234</contact></tuple>
<dm:person id="p1"><r:activities><r:busy/></r:activities><r:mood><r:happy/></r:mood><dm:note>hello</dm:note></dm:person>
<dm:device id="d1"><dm:deviceID>urn:device:1</dm:deviceID></dm:device>
<note>general</note></presence>)";

documents::Presence filtered(const Transformations& what) {
  auto presence = documents::parse_pidf(document).value();
  select_components(presence, what);
  filter(presence, what);
  return presence;
}

bool has(const std::vector<xml::Fragment>& extensions, std::string_view name) {
  for (const auto& element : extensions)
    if (element.name == name) return true;
  return false;
}

}  // namespace

TEST_CASE("a rule that provides nothing shows nothing (RFC 5025 3.3)") {
  const auto empty = filtered({});
  CHECK(empty.tuples.empty());
  CHECK(empty.persons.empty());
  CHECK(empty.devices.empty());
  CHECK(empty.notes.empty());
}

TEST_CASE("the rule that provides everything hides nothing") {
  CHECK(filtered(everything()) == documents::parse_pidf(document).value());
}

TEST_CASE("services are chosen by class, id, URI or scheme (RFC 5025 3.3.1.2)") {
  struct {
    std::pair<std::string, std::string> selector;
    const char* id;  // empty: none
  } const rows[] = {{{"class", "office"}, "work"},
                    {{"class", "other"}, ""},
                    {{"occurrence-id", "home"}, "home"},
                    {{"service-uri", "sip:alice@example.org"}, "work"},
                    {{"service-uri-scheme", "tel"}, "home"}};
  for (const auto& row : rows) {
    CAPTURE(row.selector.first);
    CAPTURE(row.selector.second);
    Transformations what;
    what.services.selectors.insert(row.selector);
    const auto presence = filtered(what);
    REQUIRE(presence.tuples.size() == (*row.id ? 1U : 0U));
    if (*row.id) CHECK(presence.tuples[0].id == row.id);
  }
}

TEST_CASE("persons and devices are chosen by their selectors (RFC 5025 3.3.1.1, 3.3.1.3)") {
  Transformations what;
  what.persons.selectors.insert({"occurrence-id", "p1"});
  what.devices.selectors.insert({"deviceID", "urn:device:1"});
  CHECK(filtered(what).persons.size() == 1);
  REQUIRE(filtered(what).devices.size() == 1);
  CHECK(filtered(what).devices[0].extensions.size() == 1);  // its <deviceID>, always (RFC 5025 3.3.2.3)
  Transformations other;
  other.devices.selectors.insert({"deviceID", "urn:device:2"});
  CHECK(filtered(other).devices.empty());
}

TEST_CASE("attributes are shown one by one (RFC 5025 3.3.2)") {
  Transformations what;
  what.services.all = what.persons.all = true;
  SUBCASE("none: the bare tuple stays") {
    const auto presence = filtered(what);
    REQUIRE(presence.tuples.size() == 2);
    CHECK(presence.tuples[0].extensions.empty());
    CHECK(presence.tuples[0].notes.empty());
    CHECK(presence.tuples[0].contact.has_value());
    CHECK(presence.persons.at(0).extensions.empty());
  }
  SUBCASE("activities, not mood") {
    what.attributes = {"activities"};
    const auto person = filtered(what).persons.at(0);
    CHECK(has(person.extensions, "activities"));
    CHECK_FALSE(has(person.extensions, "mood"));
    CHECK(person.notes.empty());
  }
  SUBCASE("notes") {
    what.attributes = {"note"};
    const auto presence = filtered(what);
    CHECK(presence.tuples[0].notes.size() == 1);
    CHECK(presence.persons[0].notes.size() == 1);
    CHECK(presence.notes.size() == 1);
  }
  SUBCASE("an attribute of somebody else's namespace, by its full name") {
    what.unknown_attributes.insert({"urn:example:x", "toy"});
    CHECK(has(filtered(what).tuples[0].extensions, "toy"));
  }
}

TEST_CASE("user input is shown as far as it is allowed (RFC 5025 3.3.2.12)") {
  struct {
    const char* level;
    bool shown, threshold, last;
  } const rows[] = {{"", false, false, false},
                    {"false", false, false, false},
                    {"bare", true, false, false},
                    {"thresholds", true, true, false},
                    {"full", true, true, true}};
  for (const auto& row : rows) {
    CAPTURE(row.level);
    Transformations what;
    what.services.all = true;
    what.user_input = row.level;
    const auto presence = filtered(what);
    const auto& extensions = presence.tuples.at(0).extensions;
    REQUIRE(extensions.size() == (row.shown ? 1U : 0U));
    if (!row.shown) continue;
    CHECK((extensions[0].text.find("idle-threshold") != std::string::npos) == row.threshold);
    CHECK((extensions[0].text.find("last-input") != std::string::npos) == row.last);
    CHECK(extensions[0].text.find("idle") != std::string::npos);
  }
}
