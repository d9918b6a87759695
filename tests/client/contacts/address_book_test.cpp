#include "client/contacts/address_book.hpp"

#include <doctest/doctest.h>

#include "protocol/documents/error.hpp"
#include "protocol/xcap/usage.hpp"

using namespace beckon;
using namespace beckon::client::contacts;
using Groups = std::vector<Group>;

namespace {

const std::string bob = "sip:bob@example.org", carol = "sip:carol@example.org";

/// What another program wrote: its own prefix, comments, lists and elements.
const std::string foreign = R"(<?xml version="1.0"?>
<!-- mine -->
<rl:resource-lists xmlns:rl="urn:ietf:params:xml:ns:resource-lists" xmlns:x="urn:x">
  <rl:list name="friends"><!-- dear -->
    <rl:display-name>Dear friends</rl:display-name>
    <rl:entry uri="sip:bob@EXAMPLE.org;transport=tcp" x:since='2001'/>
    <rl:list name="close"><rl:entry uri="pres:carol@example.org"/></rl:list>
    <rl:entry-ref ref="resource-lists/users/sip:bob@example.org/index/~~/resource-lists/list/entry"/>
    <x:colour>red</x:colour>
  </rl:list>
  <rl:list><rl:display-name>Nameless</rl:display-name><rl:entry uri="tel:+4312"/></rl:list>
</rl:resource-lists>
<!-- end -->
)";

/// The new text, which the server takes.
std::string taken(const Result<std::string>& text) {
  REQUIRE(text.has_value());
  const auto* const usage = beckon::xcap::find_usage("resource-lists");
  REQUIRE(usage != nullptr);
  const auto problem = beckon::xcap::validate(*usage, *text, {});
  CAPTURE(*text);
  if (problem) FAIL(problem->phrase);
  return *text;
}

Groups groups_of(const std::string& text) {
  const auto groups = read_book(text);
  REQUIRE(groups.has_value());
  return *groups;
}

ErrorCode error_of(const Result<std::string>& text) { return text ? ErrorCode() : text.error(); }

}  // namespace

TEST_CASE("the first contact makes the book, the first of a group makes the group in it") {
  std::string text = taken(add_contact("", bob, "Bob & Co", std::nullopt));
  CHECK(groups_of(text) == Groups{{"contacts", "", {{bob, "Bob & Co"}}}});
  text = taken(add_contact(text, carol, std::nullopt, "friends/close"));
  CHECK(groups_of(text) == Groups{{"contacts", "", {{bob, "Bob & Co"}}},
                                  {"friends", "", {}},
                                  {"friends/close", "", {{carol, ""}}}});
  CHECK(groups_of("").empty());
}

TEST_CASE("a contact is added once: anywhere without a group, once to each group") {
  std::string text = taken(add_contact("", bob, "Bob", "friends"));
  CHECK(taken(add_contact(text, bob, std::nullopt, std::nullopt)) == text);
  CHECK(taken(add_contact(text, bob, std::nullopt, "friends")) == text);
  text = taken(add_contact(text, bob, std::nullopt, "work"));
  CHECK(groups_of(text) ==
        Groups{{"contacts", "", {}}, {"friends", "", {{bob, "Bob"}}}, {"work", "", {{bob, "Bob"}}}});
  text = taken(add_contact(text, bob, "Robert", std::nullopt));
  CHECK(groups_of(text).at(1).contacts == std::vector<Contact>{{bob, "Robert"}});
  CHECK(groups_of(text).at(2).contacts == std::vector<Contact>{{bob, "Robert"}});
  text = taken(add_contact(text, bob, "", std::nullopt));
  CHECK(groups_of(text).at(2).contacts == std::vector<Contact>{{bob, ""}});
}

TEST_CASE("a contact is removed from one group, or from all") {
  const std::string text = taken(add_contact(taken(add_contact("", bob, {}, "friends")), bob, {}, "work"));
  CHECK(groups_of(taken(remove_contact(text, bob, "work"))) ==
        Groups{{"contacts", "", {}}, {"friends", "", {{bob, ""}}}, {"work", "", {}}});
  CHECK(groups_of(taken(remove_contact(text, bob, std::nullopt))) ==
        Groups{{"contacts", "", {}}, {"friends", "", {}}, {"work", "", {}}});
  CHECK(error_of(remove_contact(text, carol, std::nullopt)) == Errc::no_such_contact);
  CHECK(error_of(remove_contact(text, bob, "contacts")) == Errc::no_such_contact);
  CHECK(error_of(remove_contact(text, bob, "family")) == Errc::no_such_group);
}

TEST_CASE("groups are made, named and removed when they are empty") {
  std::string text = taken(set_group("", "friends", "My friends"));
  CHECK(groups_of(text) == Groups{{"contacts", "", {}}, {"friends", "My friends", {}}});
  CHECK(taken(set_group(text, "friends", std::nullopt)) == text);
  text = taken(set_group(text, "friends", "Friends"));
  CHECK(groups_of(text).at(1).name == "Friends");
  const std::string full = taken(add_contact(text, bob, {}, "friends"));
  CHECK(error_of(remove_group(full, "friends")) == Errc::not_empty);
  CHECK(groups_of(taken(remove_group(text, "friends"))) == Groups{{"contacts", "", {}}});
  CHECK(error_of(remove_group(text, "family")) == Errc::no_such_group);
  for (const char* bad : {"", "/", "a//b", " "}) {
    CAPTURE(bad);
    CHECK(error_of(set_group(text, bad, std::nullopt)) == Errc::bad_group);
  }
}

TEST_CASE("what another program wrote is read, and stays octet for octet where nothing is changed") {
  CHECK(groups_of(foreign) == Groups{{"friends", "Dear friends", {{bob, ""}}},
                                     {"friends/close", "", {{carol, ""}}},
                                     {"", "Nameless", {{"tel:+4312", ""}}}});
  CHECK(taken(add_contact(foreign, bob, std::nullopt, std::nullopt)) == foreign);
  const std::string entry =
      "<entry xmlns=\"urn:ietf:params:xml:ns:resource-lists\" uri=\"sip:dave@example.org\"/>";
  std::string wanted = foreign;
  wanted.insert(foreign.find("<x:colour>"), entry);
  CHECK(taken(add_contact(foreign, "sip:dave@example.org", std::nullopt, "friends")) == wanted);
  wanted = foreign;
  const std::string gone = "<rl:entry uri=\"pres:carol@example.org\"/>";
  wanted.erase(wanted.find(gone), gone.size());
  CHECK(taken(remove_contact(foreign, carol, std::nullopt)) == wanted);
}

TEST_CASE("a group is named by a node selector, in the book before beside it (RFC 4825 6.3)") {
  const std::string text = taken(add_contact(foreign, carol, {}, "work/team"));
  CHECK(*selector_of(text, "work/team") ==
        "resource-lists/list[@name=\"contacts\"]/list[@name=\"work\"]/list[@name=\"team\"]");
  CHECK(*selector_of(text, "friends") == "resource-lists/list[@name=\"friends\"]");
  CHECK(*selector_of(text, "contacts") == "resource-lists/list[@name=\"contacts\"]");
  CHECK(error_of(selector_of(text, "family")) == Errc::no_such_group);
  CHECK(error_of(selector_of(taken(set_group("", "a\"b", {})), "a\"b")) == Errc::bad_group);
}

TEST_CASE("what is no address book is not touched") {
  CHECK(error_of(add_contact("<x/>", bob, {}, {})) == documents::Errc::wrong_root);
  CHECK(error_of(add_contact("hello", bob, {}, {})));
}
