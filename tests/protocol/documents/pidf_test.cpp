#include "protocol/documents/pidf.hpp"

#include <doctest/doctest.h>

#include "protocol/documents/namespaces.hpp"

using namespace beckon;
using namespace beckon::documents;

namespace {

Presence read(std::string_view text) {
  auto presence = parse_pidf(text);
  REQUIRE(presence.has_value());
  return *presence;
}

Presence in_pidf(const std::string& inside) {
  return read(
      "<presence xmlns='urn:ietf:params:xml:ns:pidf' xmlns:dm='urn:ietf:params:xml:ns:pidf:data-model' "
      "xmlns:rpid='urn:ietf:params:xml:ns:pidf:rpid' entity='sip:a@b'>" +
      inside + "</presence>");
}

}  // namespace

TEST_CASE("a tuple is read with all its parts (RFC 3863 4.1)") {
  const auto presence = in_pidf(
      "<tuple id='t1'><status><basic> open </basic><x:online "
      "xmlns:x='urn:x'/></status><rpid:class>c</rpid:class>"
      "<contact priority='0.8'>sip:a@192.0.2.1</contact><note xml:lang='de'>da &amp; "
      "dort</note><note>here</note>"
      "<timestamp>2026-11-21T04:00:00Z</timestamp></tuple><note>all</note><y:z xmlns:y='urn:y'/>");
  CHECK(presence.entity == "sip:a@b");
  REQUIRE(presence.tuples.size() == 1);
  const auto& tuple = presence.tuples[0];
  CHECK(tuple.id == "t1");
  CHECK(tuple.basic == Basic::open);
  REQUIRE(tuple.status_extensions.size() == 1);
  CHECK(tuple.status_extensions[0].text == "<x:online xmlns:x='urn:x'/>");
  REQUIRE(tuple.extensions.size() == 1);
  CHECK(tuple.extensions[0].is(ns::rpid, "class"));
  CHECK(tuple.contact == Contact{"sip:a@192.0.2.1", 800});
  CHECK(tuple.notes == std::vector<Note>{{"da & dort", "de"}, {"here", ""}});
  CHECK(tuple.timestamp == "2026-11-21T04:00:00Z");
  CHECK(presence.notes == std::vector<Note>{{"all", ""}});
  REQUIRE(presence.extensions.size() == 1);
  CHECK(presence.extensions[0].is("urn:y", "z"));
  CHECK(read(print(presence)) == presence);
}

TEST_CASE("contact priority has at most three decimals between 0 and 1 (RFC 3863 4.1.5)") {
  struct Row {
    std::string text;
    std::optional<std::uint16_t> value;
  };
  for (const Row& row : {Row{"0", 0}, Row{"1", 1000}, Row{"0.8", 800}, Row{"0.125", 125}, Row{"1.000", 1000},
                         Row{"0.", 0}, Row{" 0.05 ", 50}, Row{"1.001", {}}, Row{"2", {}}, Row{"0.1234", {}},
                         Row{"-0.5", {}}, Row{"", {}}, Row{"0.x", {}}}) {
    CAPTURE(row.text);
    const auto presence =
        in_pidf("<tuple id='t'><status/><contact priority='" + row.text + "'>sip:a@b</contact></tuple>");
    CHECK(presence.tuples.at(0).contact->priority == row.value);
    CHECK(read(print(presence)) == presence);
  }
}

TEST_CASE("persons and devices keep what they hold; activities are read (RFC 4479 3, RFC 4480 3.2)") {
  const auto presence = in_pidf(
      "<dm:person id='p1'><rpid:activities from='x'><rpid:note>n</rpid:note><rpid:busy/><rpid:on-the-phone/>"
      "</rpid:activities><rpid:mood><rpid:happy/></rpid:mood><dm:note>Busy</dm:note>"
      "<dm:timestamp>2026-11-21T04:00:00Z</dm:timestamp></dm:person>"
      "<dm:device id='d1'><dm:deviceID>urn:device:1</dm:deviceID></dm:device>");
  REQUIRE(presence.persons.size() == 1);
  const auto& person = presence.persons[0];
  CHECK(person.id == "p1");
  CHECK(activities(person) == std::vector<std::string>{"busy", "on-the-phone"});
  CHECK(person.extensions.size() == 2);
  CHECK(person.notes == std::vector<Note>{{"Busy", ""}});
  CHECK(person.timestamp == "2026-11-21T04:00:00Z");
  REQUIRE(presence.devices.size() == 1);
  CHECK(presence.devices[0].extensions.at(0).is(ns::data_model, "deviceID"));
  CHECK(read(print(presence)) == presence);
}

TEST_CASE("activities read back as written; a name that RPID does not define becomes other") {
  Person person;
  person.extensions.push_back(make_activities({"busy", "juggling"}));
  CHECK(activities(person) == std::vector<std::string>{"busy", "other"});
  CHECK(person.extensions[0].text.find("<rpid:other>juggling</rpid:other>") != std::string::npos);
}

TEST_CASE("documents of real peers are read although no schema allows them") {
  SUBCASE("an empty activities element (baresip)") {
    const auto presence = in_pidf("<dm:person id='p4159'><rpid:activities/></dm:person>");
    CHECK(activities(presence.persons.at(0)).empty());
    CHECK(presence.persons.at(0).extensions.size() == 1);
  }
  SUBCASE("person and note in the namespace of PIDF, a note before the status (pjsip)") {
    const auto presence = in_pidf(
        "<tuple "
        "id='t'><note>first</note><status><basic>open</basic></status><contact>sip:a@b</contact></tuple>"
        "<person id='p'><rpid:activities><rpid:busy/></rpid:activities><note>Busy</note></person>");
    CHECK(presence.tuples.at(0).notes.at(0).text == "first");
    CHECK(presence.tuples.at(0).contact->uri == "sip:a@b");
    CHECK(activities(presence.persons.at(0)) == std::vector<std::string>{"busy"});
    CHECK(presence.persons.at(0).notes == std::vector<Note>{{"Busy", ""}});
  }
  SUBCASE("no status, an unknown basic value, a second contact, no ids") {
    const auto presence = in_pidf(
        "<tuple/><tuple "
        "id='u'><status><basic>maybe</basic></status><contact>a:1</contact><contact>a:2</contact></tuple>");
    REQUIRE(presence.tuples.size() == 2);
    CHECK(presence.tuples[0].id.empty());
    CHECK_FALSE(presence.tuples[1].basic);
    CHECK(presence.tuples[1].contact->uri == "a:1");
    CHECK(presence.tuples[1].extensions.size() == 1);
  }
}

TEST_CASE("a document of another kind, or no document, is refused") {
  CHECK(parse_pidf("<presence/>").error() == Errc::wrong_root);
  CHECK(parse_pidf("<tuple xmlns='urn:ietf:params:xml:ns:pidf'/>").error() == Errc::wrong_root);
  CHECK(parse_pidf("").error() == xml::Errc::not_one_root);
}

TEST_CASE(
    "ids of tuples, persons and devices are unique in a published document (RFC 3863 4.1.2, RFC 4479 3)") {
  const auto check = [](const std::string& inside) {
    const auto document = xml::parse(
        "<presence xmlns='urn:ietf:params:xml:ns:pidf' xmlns:dm='urn:ietf:params:xml:ns:pidf:data-model' "
        "entity='sip:a@b'>" +
        inside + "</presence>");
    REQUIRE(document.has_value());
    return check_pidf(document->root());
  };
  CHECK(check("").value() == 0);
  CHECK(check("<tuple id='a'/><dm:person id='b'/><dm:device id='c'/><note>n</note><x:y xmlns:x='urn:x'/>")
            .value() == 5);
  for (const std::string twins :
       {"<tuple id='a'/><tuple id='a'/>", "<dm:person id='a'/><dm:person id='a'/>",
        "<dm:device id='a'/><dm:device id='a'/>", "<tuple id='a'/><dm:device id='a'/>",
        "<dm:person id='a'/><tuple id=' a '/>", "<tuple id='b'/><person id='a'/><device id='a'/>"}) {
    CAPTURE(twins);
    CHECK(check(twins).error() == Errc::duplicate_id);
  }
  // COMPAT: peers leave ids out; what is absent is no twin.
  CHECK(check("<tuple/><tuple/><tuple id=''/>").value() == 3);
  CHECK(check_pidf(xml::parse("<other/>")->root()).error() == Errc::wrong_root);
}
