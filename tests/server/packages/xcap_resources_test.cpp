#include "server/packages/xcap_resources.hpp"

#include <doctest/doctest.h>

#include "tests/server/places.hpp"

using namespace beckon::server::packages;
using beckon::server::test::alice;
using Kind = XcapResource::Kind;

TEST_CASE("the entries of a list name documents, parts of them, and collections of alice's own tree") {
  struct Row {
    std::string uri, sel;
    Kind kind;
    std::string key;
  };
  const std::string lists = "resource-lists/users/sip:alice@example.org/index";
  const Row rows[] = {
      {lists, lists, Kind::document, "resource-lists/index"},
      {"/xcap/" + lists, lists, Kind::document, "resource-lists/index"},
      {"https://xcap.example.org:5443/xcap/" + lists, lists, Kind::document, "resource-lists/index"},
      {" " + lists + "\t", lists, Kind::document, "resource-lists/index"},
      {"resource-lists/users/alice@EXAMPLE.org/a", "resource-lists/users/alice@EXAMPLE.org/a", Kind::document,
       "resource-lists/a"},
      {"org.openmobilealliance.pres-rules/users/sip:alice@example.org/pres-rules",
       "org.openmobilealliance.pres-rules/users/sip:alice@example.org/pres-rules", Kind::document,
       "pres-rules/pres-rules"},
      {"xcap-caps/global/index", "xcap-caps/global/index", Kind::document, std::string(capabilities_key)},
      {lists + "/~~/*/list%5b1%5d", lists + "/~~/*/list%5b1%5d", Kind::element, "resource-lists/index"},
      {lists + "/~~/*/list/@name", lists + "/~~/*/list/@name", Kind::attribute, "resource-lists/index"},
      {lists + "/~~/x:a?xmlns(x=urn:x)", lists + "/~~/x:a?xmlns(x=urn:x)", Kind::element,
       "resource-lists/index"},
      {"https://example.org/xcap/", "", Kind::collection, ""},
      {"resource-lists/", "resource-lists/", Kind::collection, ""},
      {"resource-lists/users/sip:alice@example.org/", "resource-lists/users/sip:alice@example.org/",
       Kind::collection, ""},
  };
  for (const Row& row : rows) {
    CAPTURE(row.uri);
    const auto resource = read_xcap_resource(row.uri, alice);
    REQUIRE(resource.has_value());
    CHECK(resource->sel == row.sel);
    CHECK(resource->kind == row.kind);
    CHECK(resource->key == row.key);
  }
}

TEST_CASE("what alice may not read, what is made for her, and what is no resource is not followed") {
  for (const std::string uri :
       {"resource-lists/users/sip:bob@example.org/index", "rls-services/global/index", "unheard-of/index",
        "org.openmobilealliance.xcap-directory/users/sip:alice@example.org/directory.xml",
        "resource-lists/users/sip:alice@example.org", "/elsewhere/resource-lists/", "/xcapother/",
        "resource-lists/users/sip:alice@example.org/index/~~/*/namespace::*",
        "resource-lists/users/sip:alice@example.org/index/~~/x:a", "resource-lists/%zz/", "a//",
        "resource-lists/elsewhere/", "resource-lists/users/sip:alice@example.org/folder/"}) {
    CAPTURE(uri);
    CHECK_FALSE(read_xcap_resource(uri, alice).has_value());
  }
}

TEST_CASE("a document is a member of the collections above it, and named by their names") {
  const auto name = [](const std::string& collection, std::string_view key) {
    const auto resource = read_xcap_resource(collection, alice);
    REQUIRE(resource.has_value());
    return name_in(*resource, key, alice);
  };
  const std::string lists = "resource-lists/users/sip:alice@example.org/";
  for (const std::string collection : {"/xcap/", "resource-lists/", "resource-lists/users/", lists.c_str()}) {
    CAPTURE(collection);
    CHECK(name(collection, "resource-lists/index") == lists + "index");
  }
  CHECK(name("resource-lists/users/ALICE@example.org/", "resource-lists/index").empty());
  CHECK(name("resource-lists/users/sip:bob@example.org/", "resource-lists/index").empty());
  CHECK(name("rls-services/", "resource-lists/index").empty());
  CHECK(name("org.openmobilealliance.pres-rules/", "pres-rules/index") ==
        "org.openmobilealliance.pres-rules/users/sip:alice@example.org/index");
  CHECK(name("/xcap/", capabilities_key) == "xcap-caps/global/index");
  CHECK(name("xcap-caps/global/", capabilities_key) == "xcap-caps/global/index");
  CHECK(name("xcap-caps/users/", capabilities_key).empty());
}
