#include "protocol/documents/pidf_diff.hpp"

#include <doctest/doctest.h>

#include "protocol/xml/document.hpp"

using namespace beckon;
using namespace beckon::documents;
using Taken = PartialPresence::Taken;

namespace {

Presence make(const std::string& note) {
  Presence presence;
  presence.entity = "sip:alice@example.org";
  Tuple desk;
  desk.id = "desk";
  desk.basic = Basic::open;
  desk.contact = Contact{"sip:alice@192.0.2.1", 800};
  desk.notes.push_back({note, "en"});
  Tuple phone;
  phone.id = "phone";
  phone.basic = Basic::closed;
  presence.tuples = {desk, phone};
  return presence;
}

Presence make_empty() {
  Presence presence;
  presence.entity = "sip:a@example.org";
  return presence;
}

}  // namespace

TEST_CASE("a full document says what the presence document says, and its version (RFC 5262 3)") {
  Presence presence = make("a > b & c");
  for (const bool is_empty : {false, true}) {
    if (is_empty) presence.tuples.clear();
    const std::string text = print_full(print(presence), 7);
    const auto document = xml::parse(text);
    REQUIRE(document.has_value());
    CHECK(document->root().is("urn:ietf:params:xml:ns:pidf-diff", "pidf-full"));
    CHECK(document->root().attribute("version") == "7");
    CHECK(read_presence(document->root()) == presence);
    PartialPresence copy;
    CHECK(copy.take(text, "s") == Taken::yes);
    CHECK(copy.presence() == presence);
  }
}

TEST_CASE("operations make the next document of the one before, persons that come and go included") {
  std::vector<Presence> states{make("one"), make("two"),   make("two"),
                               make("two"), make("three"), make("one")};
  states[2].persons.push_back(
      {.id = "p", .extensions = {make_activities({"busy"})}, .notes = {}, .timestamp = {}});
  states[3].persons = states[2].persons;
  states[3].persons.front().extensions = {make_activities({"away"})};
  states[3].tuples.pop_back();
  states[4].notes.push_back({"note", ""});
  PartialPresence copy;
  REQUIRE(copy.take(print_full(print(states[0]), 1), "s") == Taken::yes);
  for (std::uint32_t i = 1; i < states.size(); ++i) {
    CAPTURE(i);
    const auto operations = make_operations(print(states[i - 1]), print(states[i]));
    REQUIRE(operations.has_value());
    CHECK(operations->size() < print(states[i]).size());
    CHECK(copy.take(print_diff(states[0].entity, *operations, i + 1), "s") == Taken::yes);
    CHECK(copy.presence() == states[i]);
    CHECK(copy.version() == i + 1);
  }
  CHECK(make_operations(print(states[0]), print(states[0])) == "");
  CHECK_FALSE(make_operations(print(states[0]), print(make_empty())).has_value());
}

TEST_CASE("versions that are older, that leave one out, or begin anew (RFC 5263 4.5)") {
  const std::string entity = "sip:alice@example.org";
  const std::string one = print(make("one"));
  const auto operations = *make_operations(one, print(make("two")));
  PartialPresence copy;
  CHECK(copy.take(print_diff(entity, operations, 1), "s") == Taken::gap);
  CHECK(copy.take(print_full(one, 3), "s") == Taken::yes);
  CHECK(copy.take(print_full(one, 3), "s") == Taken::stale);
  CHECK(copy.take(print_diff(entity, operations, 3), "s") == Taken::stale);
  CHECK(copy.take(print_diff(entity, operations, 5), "s") == Taken::gap);
  CHECK(copy.presence() == make("one"));
  CHECK(copy.take(print_diff(entity, operations, 4), "s") == Taken::yes);
  CHECK(copy.presence() == make("two"));
  CHECK(copy.take(print_diff(entity, operations, 5), "s") == Taken::yes);  // it says the same again
  CHECK(copy.take(print_full(one, 1), "another") == Taken::yes);
  CHECK(copy.presence() == make("one"));
  copy.drop();
  CHECK(copy.take(print_diff(entity, operations, 2), "another") == Taken::gap);
  CHECK(copy.take(print_full(one, 1), "another") == Taken::stale);
  CHECK(copy.take(print_full(one, 2), "another") == Taken::yes);
}

TEST_CASE("what cannot be read or applied is an end until full state comes") {
  const std::string one = print(make("one"));
  for (const std::string& body :
       {std::string("<"), one, print_full(one, 0), print_diff("sip:a@example.org", "", 0),
        print_diff("sip:a@example.org", "<p:remove sel=\"*/note\"/>", 2),
        print_diff("sip:a@example.org", "<p:move sel=\"*\"/>", 2),
        print_diff("sip:a@example.org", "<p:add sel=\"*\"><x:a/></p:add>", 2),
        std::string("<p:other xmlns:p=\"urn:ietf:params:xml:ns:pidf-diff\" version=\"2\"/>")}) {
    CAPTURE(body);
    PartialPresence copy;
    REQUIRE(copy.take(print_full(one, 1), "s") == Taken::yes);
    CHECK(copy.take(body, "s") == Taken::failed);
    CHECK(copy.take(print_diff("sip:a@example.org", "", 2), "s") == Taken::gap);
    CHECK(copy.take(print_full(one, 3), "s") == Taken::yes);
  }
}

TEST_CASE("a root that the sender calls presence is that of the full document (RFC 5262 6)") {
  PartialPresence copy;
  REQUIRE(copy.take(print_full(print(make("one")), 1), "s") == Taken::yes);
  CHECK(copy.take(print_diff("sip:a@example.org", "<p:remove sel=\"presence/tuple[@id='phone']\"/>", 2),
                  "s") == Taken::yes);
  CHECK(copy.take(print_diff("sip:a@example.org", "<p:remove sel=\"p:pidf-full/tuple/note\"/>", 3), "s") ==
        Taken::yes);
  CHECK(copy.take(print_diff("sip:a@example.org", "<p:remove sel=\"id('desk')/contact\"/>", 4), "s") ==
        Taken::yes);
  REQUIRE(copy.presence().tuples.size() == 1);
  CHECK(copy.presence().tuples.front().notes.empty());
  CHECK_FALSE(copy.presence().tuples.front().contact.has_value());
}
