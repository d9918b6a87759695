#include "protocol/documents/resource_lists.hpp"

#include <doctest/doctest.h>

using namespace beckon;
using namespace beckon::documents;

namespace {

std::string lists_of(const std::string& inside) {
  return R"(<resource-lists xmlns="urn:ietf:params:xml:ns:resource-lists" xmlns:x="urn:x">)" + inside +
         "</resource-lists>";
}
std::string services_of(const std::string& inside) {
  return R"(<rls-services xmlns="urn:ietf:params:xml:ns:rls-services" )"
         R"(xmlns:rl="urn:ietf:params:xml:ns:resource-lists">)" +
         inside + "</rls-services>";
}

}  // namespace

TEST_CASE("resource lists: entries, references and lists in their order, extensions kept (RFC 4826 3)") {
  const auto read = parse_resource_lists(
      lists_of(R"(<list name="friends"><display-name xml:lang="en">My friends</display-name>)"
               R"(<entry uri="sip:bill@example.com"><display-name>Bill</display-name><x:more/></entry>)"
               R"(<entry-ref ref="resource-lists/users/sip:bill@example.com/index/~~/x"/>)"
               R"(<list name="close"><entry uri="sip:joe@example.com"/></list>)"
               R"(<external anchor="http://xcap.example.org/x"/><x:other/></list><list/>)"));
  REQUIRE(read.has_value());
  REQUIRE(read->lists.size() == 2);
  const ResourceList& friends = read->lists[0];
  CHECK(friends.name == "friends");
  CHECK(friends.display_name == DisplayName{"My friends", "en"});
  REQUIRE(friends.items.size() == 4);
  CHECK(friends.items[0].target == "sip:bill@example.com");
  CHECK(friends.items[0].name == DisplayName{"Bill", ""});
  CHECK(friends.items[0].extensions.size() == 1);
  CHECK(friends.items[1].kind == ListItem::Kind::entry_ref);
  CHECK(friends.items[2].list.at(0).items.at(0).target == "sip:joe@example.com");
  CHECK(friends.items[3].kind == ListItem::Kind::external);
  CHECK(friends.extensions.size() == 1);
  CHECK_FALSE(read->lists[1].name);
  CHECK(*parse_resource_lists(print(*read)) == *read);
}

TEST_CASE("resource lists: what lacks a part is not read, twins are found (RFC 4826 3.4.5)") {
  for (const char* text : {"<list><entry/></list>", "<list><entry-ref/></list>"}) {
    CAPTURE(text);
    CHECK(parse_resource_lists(lists_of(text)).error() == Errc::missing_attribute);
  }
  CHECK(parse_resource_lists(
            lists_of("<list><display-name>a</display-name><display-name>b</display-name></list>"))
            .error() == Errc::bad_structure);
  CHECK(parse_resource_lists(services_of("")).error() == Errc::wrong_root);

  for (const char* text :
       {R"(<list name="a"/><list name="a"/>)", R"(<list><list name="a"/><list name="a"/></list>)",
        R"(<list><entry uri="sip:a@b"/><entry uri="sip:a@b"/></list>)",
        R"(<list><list><entry uri="sip:a@b"/><entry uri="sip:a@b"/></list></list>)",
        R"(<list><entry-ref ref="a"/><entry-ref ref="a"/></list>)",
        R"(<list><external anchor="a"/><external anchor="a"/></list>)"}) {
    CAPTURE(text);
    const auto read = parse_resource_lists(lists_of(text));
    REQUIRE(read.has_value());
    CHECK(check_twins(*read).has_error());
  }
  // In lists of their own they may be the same.
  const auto apart = parse_resource_lists(lists_of(
      R"(<list name="a"><entry uri="sip:a@b"/></list><list name="b"><entry uri="sip:a@b"/></list>)"));
  REQUIRE(apart.has_value());
  CHECK_FALSE(check_twins(*apart).has_error());
}

TEST_CASE("services: a list inside or by reference, for all event packages or for some (RFC 4826 4)") {
  const auto read = parse_rls_services(services_of(
      R"(<service uri="sip:a@example.org"><resource-list>http://x/~~/y</resource-list>)"
      R"(<packages><package>presence</package><package> dialog </package></packages></service>)"
      R"(<service uri="sip:b@example.org"><list><rl:entry uri="sip:joe@example.com"/></list></service>)"));
  REQUIRE(read.has_value());
  REQUIRE(read->services.size() == 2);
  CHECK(read->services[0].resource_list == "http://x/~~/y");
  CHECK(read->services[0].packages == std::vector<std::string>{"presence", "dialog"});
  CHECK_FALSE(read->services[1].names_packages);
  CHECK(read->services[1].list->items.at(0).target == "sip:joe@example.com");
  CHECK(*parse_rls_services(print(*read)) == *read);

  CHECK(parse_rls_services(services_of("<service/>")).error() == Errc::missing_attribute);
  CHECK(parse_rls_services(services_of(R"(<service uri="sip:a@b"/>)")).error() == Errc::bad_structure);
  const std::string one = R"(<service uri="sip:a@b"><list/></service>)";
  const auto twins = parse_rls_services(services_of(one + one));
  REQUIRE(twins.has_value());
  CHECK(check_twins(*twins).has_error());
  CHECK(parse_rls_services(services_of(R"(<service uri="sip:a@b"><list/><list/></service>)")).error() ==
        Errc::bad_structure);
}
