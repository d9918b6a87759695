#include "protocol/xcap/effect.hpp"

#include <doctest/doctest.h>

#include "protocol/xcap/node.hpp"

using namespace beckon;
using namespace beckon::xcap;

namespace {

const std::string lists = R"(<?xml version="1.0"?>
<resource-lists xmlns="urn:ietf:params:xml:ns:resource-lists">
 <list name="friends"><entry uri="sip:bob@example.org"/></list>
</resource-lists>)";
const std::string lists_type = "application/resource-lists+xml";
const std::string document_path = "/xcap/resource-lists/users/sip:alice@example.org/index";
const std::string friends = document_path + "/~~/resource-lists/list%5B@name=%22friends%22%5D";

struct Ask {
  Method method = Method::get;
  std::string path = document_path;
  std::string type{};
  std::string body{};
  Headers headers{};
};

Effect effect(const Ask& ask, std::optional<Stored> stored = Stored{"e1", lists}) {
  const auto target = parse_target(ask.path, "/xcap");
  REQUIRE(target.has_value());
  Request request{.method = ask.method, .target = ask.path, .headers = ask.headers, .body = ask.body};
  if (!ask.type.empty()) request.headers.emplace_back("Content-Type", ask.type);
  return effect_of(*find_usage(target->auid), *target, request, stored, {}, "/xcap");
}

/// "409 no-parent", "200".
std::string answer(const Effect& effect) {
  std::string text = std::to_string(effect.response.status);
  const auto document = xml::parse(effect.response.body);
  if (effect.response.content_type == error_type && document)
    text += " " + std::string(document->root().children().front().name());
  return text;
}

}  // namespace

TEST_CASE("a document and its parts are read with the document's entity-tag (RFC 4825 8.3, 8.5)") {
  struct Row {
    std::string path;
    std::string_view type;
    std::string body;
  };
  for (const Row& row : {
           Row{document_path, lists_type, lists},
           Row{friends + "/entry", element_type, "<entry uri=\"sip:bob@example.org\"/>"},
           Row{friends + "/entry/@uri", attribute_type, "\"sip:bob@example.org\""},
           Row{friends + "/namespace::*", namespaces_type,
               "<list xmlns=\"urn:ietf:params:xml:ns:resource-lists\"/>"},
       }) {
    CAPTURE(row.path);
    const Effect found = effect({Method::get, row.path});
    CHECK(found.response.status == 200);
    CHECK(found.response.content_type == row.type);
    CHECK(found.response.body == row.body);
    CHECK(found.response.etag == "e1");
    CHECK_FALSE(found.text);
    CHECK(answer(effect({Method::get, row.path}, std::nullopt)) == "404");
    CHECK(answer(effect({Method::get, row.path, "", "", {{"If-None-Match", "\"e1\""}}})) == "304");
  }
  CHECK(answer(effect({Method::get, friends + "/list"})) == "404");
  CHECK(answer(effect({Method::get, friends + "/text()"})) == "404");
  CHECK(answer(effect({Method::get, friends + "/a:b"})) == "400");
  CHECK(answer(effect({Method::get, friends + "?xmlns"})) == "400");
}

TEST_CASE("a PUT creates (201) or replaces (200); the same content again changes nothing (RFC 4825 8.2)") {
  const std::string carol = "<entry uri=\"sip:carol@example.org\"/>";
  const std::string entry = friends + "/entry%5B@uri=%22sip:carol@example.org%22%5D";
  const Effect added = effect({Method::put, entry, std::string(element_type), carol});
  CHECK(added.response.status == 201);
  REQUIRE(added.text);
  CHECK(*added.text == std::string(lists).insert(lists.find("</list>"), carol));

  const Effect again =
      effect({Method::put, entry, std::string(element_type), carol}, Stored{"e2", *added.text});
  CHECK(again.response.status == 200);
  CHECK(again.response.etag == "e2");
  CHECK_FALSE(again.text);

  const Effect same = effect({Method::put, document_path, lists_type, lists});
  CHECK(same.response.status == 200);
  CHECK(same.response.etag == "e1");
  CHECK_FALSE(same.text);

  CHECK(effect({Method::put, document_path, lists_type, lists}, std::nullopt).response.status == 201);
  CHECK(effect({Method::put, friends + "/@name", std::string(attribute_type), "'friends'"}).text.has_value());
}

TEST_CASE("each refusal of RFC 4825 8 and 11 has its status and its element") {
  const std::string el(element_type), att(attribute_type);
  const std::string entry = friends + "/entry";
  struct Row {
    Ask ask;
    const char* answer;
  };
  for (const Row& row : {
           Row{{Method::put, document_path, lists_type, "<"}, "409 not-well-formed"},
           Row{{Method::put, document_path, lists_type, "<a>\xFF</a>"}, "409 not-utf-8"},
           Row{{Method::put, document_path, lists_type, "<a/>"}, "409 schema-validation-error"},
           Row{{Method::put, document_path, "text/xml", lists}, "415"},
           Row{{Method::put, entry, lists_type, "<entry uri='a'/>"}, "415"},
           Row{{Method::put, friends + "/@name", el, "'a'"}, "415"},
           Row{{Method::put, entry, el, "<entry"}, "409 not-xml-frag"},
           Row{{Method::put, entry, el, "<entry uri='\xFF'/>"}, "409 not-utf-8"},
           Row{{Method::put, friends + "/@x", att, "1"}, "409 not-xml-att-value"},
           Row{{Method::put, entry, el, "<entry/>"}, "409 schema-validation-error"},
           Row{{Method::put, entry, el, "<list/>"}, "409 cannot-insert"},
           Row{{Method::put, friends + "/list/entry", el, "<entry uri='a'/>"}, "409 no-parent"},
           Row{{Method::put, friends + "/entry%5B2%5D", el, "<entry uri='sip:bob@example.org'/>"},
               "409 uniqueness-failure"},
           Row{{Method::put, friends + "/external", el, "<external anchor='a'/>"}, "409 constraint-failure"},
           Row{{Method::put, friends + "/namespace::*", el, "<a/>"}, "405"},
           Row{{Method::del, friends + "/namespace::*"}, "405"},
           Row{{Method::other, document_path}, "405"},
           Row{{Method::del, friends + "/entry/@uri"}, "409 schema-validation-error"},
           Row{{Method::del, friends + "/list"}, "404"},
           Row{{Method::put, entry, el, "<entry uri='a'/>", {{"If-Match", "\"old\""}}}, "412"},
           Row{{Method::put, entry, el, "<entry uri='a'/>", {{"If-None-Match", "*"}}}, "412"},
           Row{{Method::del, entry, "", "", {{"If-Match", "\"old\""}}}, "412"},
       }) {
    CAPTURE(row.ask.path);
    CAPTURE(row.ask.body);
    CHECK(answer(effect(row.ask)) == row.answer);
  }
  const Effect allowed = effect({Method::put, friends + "/namespace::*", el, "<a/>"});
  CHECK(find_header(allowed.response.headers, "Allow") == "GET, HEAD");
  CHECK(answer(effect({Method::put, entry, el, "<entry uri='a'/>"}, std::nullopt)) == "409 no-parent");
  CHECK(answer(effect({Method::put, document_path + "/a", lists_type, lists}, std::nullopt)) ==
        "409 no-parent");
}

TEST_CASE("the ancestor in a refusal is a URI that can be asked for (RFC 4825 11)") {
  const Effect refused =
      effect({Method::put, friends + "/list/entry", std::string(element_type), "<entry uri='a'/>"});
  const auto document = xml::parse(refused.response.body);
  REQUIRE(document.has_value());
  const auto* problem = document->root().child(document->root().ns(), "no-parent");
  REQUIRE(problem != nullptr);
  const auto* ancestor = problem->child(document->root().ns(), "ancestor");
  REQUIRE(ancestor != nullptr);
  CHECK(effect({Method::get, std::string(ancestor->text())}).response.body ==
        "<list name=\"friends\"><entry uri=\"sip:bob@example.org\"/></list>");
}

TEST_CASE("a DELETE takes a part out, or the document (RFC 4825 8.4)") {
  const Effect part = effect({Method::del, friends});
  CHECK(part.response.status == 200);
  REQUIRE(part.text);
  CHECK(part.text->find("friends") == std::string::npos);
  const Effect whole = effect({Method::del, document_path});
  CHECK(whole.response.status == 200);
  CHECK(whole.is_removed);
  CHECK(answer(effect({Method::del, document_path}, std::nullopt)) == "404");
}

TEST_CASE("a usage whose users have one document knows its name") {
  const std::string path = "/xcap/pidf-manipulation/users/sip:alice@example.org/";
  const std::string text = "<presence xmlns='urn:ietf:params:xml:ns:pidf' entity='sip:alice@example.org'/>";
  CHECK(answer(effect({Method::put, path + "index", "application/pidf+xml", text}, std::nullopt)) == "201");
  CHECK(answer(effect({Method::put, path + "other", "application/pidf+xml", text}, std::nullopt)) ==
        "409 constraint-failure");
}

TEST_CASE("what the server makes has an entity-tag of its content, and parts") {
  const std::string path = "/xcap/beckon.watch-log/users/sip:alice@example.org/index";
  const std::string text = "<a xmlns='urn:beckon:params:xml:ns:watch-log:1'><b/></a>";
  CHECK(etag_of(text) == etag_of(text));
  CHECK(etag_of(text) != etag_of(text + " "));
  CHECK(effect({Method::get, path + "/~~/a/b"}, Stored{"e", text}).response.body == "<b/>");
  const Effect refused = effect({Method::put, path, "text/xml", text}, Stored{"e", text});
  CHECK(answer(refused) == "405");
  CHECK(find_header(refused.response.headers, "Allow") == "GET, HEAD");
}
