#include "protocol/xcap/node.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace beckon;
using namespace beckon::xcap;

namespace {

using Kind = Problem::Kind;

NodeSelector selector_of(std::string_view text, std::string_view query = "", std::string_view ns = "") {
  auto read = parse_node_selector(text, query, ns);
  CAPTURE(text);
  REQUIRE(read.has_value());
  return *read;
}

xml::Document read(std::string_view text) {
  auto document = xml::parse(text);
  CAPTURE(text);
  REQUIRE(document.has_value());
  return std::move(*document);
}

std::string get(std::string_view text, std::string_view selector, std::string_view query = "",
                std::string_view ns = "") {
  return read_node(text, selector_of(selector, query, ns)).value_or("none");
}

/// The new text; else the name of the error element, with the ancestor.
std::string text_of(const Outcome& outcome) {
  if (const auto* changed = std::get_if<Changed>(&outcome)) return changed->text;
  const Problem& problem = std::get<Problem>(outcome);
  if (problem.kind == Kind::none) return std::to_string(problem.status);
  const auto document = read(print(problem));
  return std::string(document.root().children().front().name()) +
         (problem.ancestor.empty() ? "" : " " + problem.ancestor);
}

std::string put(std::string_view text, std::string_view selector, std::string_view body,
                std::string_view query = "", std::string_view ns = "") {
  const auto parsed = selector_of(selector, query, ns);
  const Outcome outcome = put_node(text, parsed, body);
  if (const auto* changed = std::get_if<Changed>(&outcome)) {
    // GET(PUT(x)) == x, and PUT of it again changes nothing (RFC 4825 7).
    const std::string& again = changed->text;
    CHECK(read_node(again, parsed) == body);
    const Outcome repeated = put_node(again, parsed, body);
    REQUIRE(std::holds_alternative<Changed>(repeated));
    CHECK(std::get<Changed>(repeated).text == changed->text);
    CHECK_FALSE(std::get<Changed>(repeated).is_created);
  }
  return text_of(outcome);
}

std::string del(std::string_view text, std::string_view selector, std::string_view query = "",
                std::string_view ns = "") {
  const auto parsed = selector_of(selector, query, ns);
  const Outcome outcome = delete_node(text, parsed);
  if (const auto* changed = std::get_if<Changed>(&outcome))
    CHECK(text_of(delete_node(changed->text, parsed)) == "404");
  return text_of(outcome);
}

/// RFC 4825 8.2.3.
constexpr std::string_view root = R"(<?xml version="1.0"?>
<root>
 <el1 att="first"/>
 <el1 att="second"/>
 <!-- comment -->
 <el2 att="first"/>
</root>)";

std::string with(std::string_view before, std::string_view added) {
  std::string text(root);
  return text.insert(text.find(before), added);
}

}  // namespace

TEST_CASE("a new element stands where RFC 4825 8.2.3 says; its examples, and what they leave out") {
  struct Row {
    const char* selector;
    const char* body;
    std::string result;
  };
  const std::string third = "<el1 att=\"third\"/>", two = "<el2 att=\"2\"/>", el3 = "<el3 att=\"first\"/>";
  for (const Row& row : {
           Row{"root/el1[@att=\"third\"]", "<el1 att=\"third\"/>", with("\n <!--", third)},
           Row{"root/el1[3][@att=\"third\"]", "<el1 att=\"third\"/>", with("\n <!--", third)},
           Row{"root/*[3][@att=\"third\"]", "<el1 att=\"third\"/>", with("\n <!--", third)},
           Row{"root/el1[3]", "<el1 att=\"third\"/>", with("\n <!--", third)},
           Row{"root/el3", "<el3 att=\"first\"/>", with("</root>", el3)},
           Row{"root/el3[1]", "<el3 att=\"first\"/>", with("</root>", el3)},
           Row{"root/*[@att=\"third\"]", "<el3 att=\"third\"/>", with("</root>", "<el3 att=\"third\"/>")},
           Row{"root/*[@att=\"third\"]", "<el1 att=\"third\"/>", with("\n <!--", third)},
           Row{"root/el2[@att=\"2\"]", "<el2 att=\"2\"/>", with("\n</root>", two)},
           Row{"root/el2[2][@att=\"2\"]", "<el2 att=\"2\"/>", with("\n</root>", two)},
           Row{"root/*[2][@att=\"2\"]", "<el2 att=\"2\"/>", with("\n <el1 att=\"second", two)},
           Row{"root/el2[1][@att=\"2\"]", "<el2 att=\"2\"/>", with("<el2", two)},
           Row{"root/*[1][@att=\"2\"]", "<el2 att=\"2\"/>", with("<el1 att=\"first", two)},
           Row{"root/*[4][@att=\"2\"]", "<el2 att=\"2\"/>", with("\n</root>", two)},
           Row{"root/*[4]", "<el9/>", with("\n</root>", "<el9/>")},
           Row{"root/el1[2][@att=\"2\"]", "<el1 att=\"2\"/>",
               with("\n <el1 att=\"second", "<el1 att=\"2\"/>")},
       }) {
    CAPTURE(row.selector);
    CHECK(put(root, row.selector, row.body) == row.result);
  }
}

TEST_CASE("an element that would not be found again is not put in (RFC 4825 7.4, 8.2.3)") {
  struct Row {
    const char* selector;
    const char* body;
  };
  for (const Row& row : {
           Row{"root/el3", "<el4/>"},                        // another name
           Row{"root/el1[@att='third']", "<el1 att='4'/>"},  // another value
           Row{"root/el1[4]", "<el1 att='third'/>"},         // a gap
           Row{"root/*[5]", "<el1 att='third'/>"},           //
           Row{"root/el3[2]", "<el3/>"},                     //
           Row{"root/el1[0]", "<el1/>"},                     //
           Row{"root/el1", "<el1 att='third'/>"},            // several
           Row{"root/el1[@att='first']", "<el1 att='4'/>"},  // replaced by another
           Row{"root/el1[1]", "<el2/>"},                     //
           Row{"other", "<other/>"},                         // a second root
           Row{"root", "<other/>"},                          //
           Row{"root/el3", "<el3 xmlns='urn:other'/>"},      //
       }) {
    CAPTURE(row.selector);
    CHECK(put(root, row.selector, row.body) == "cannot-insert");
  }
}

TEST_CASE("an element is replaced as a whole, and nothing else (RFC 4825 8.2.4)") {
  CHECK(put("<?xml version='1.0'?>\n<!--a--><r\n  x = 'y' ><a b='1'><c/></a> <a/>\t</r >\n<?p?>", "r/a[1]",
            "<a>\n<d/></a>") ==
        "<?xml version='1.0'?>\n<!--a--><r\n  x = 'y' ><a>\n<d/></a> <a/>\t</r >\n<?p?>");
  CHECK(put("<r><a/></r>", "r", "<r>x</r>") == "<r>x</r>");
  CHECK(put("\xEF\xBB\xBF<r><a/></r>", "r/a", "<a>\xC3\xA4</a>") == "\xEF\xBB\xBF<r><a>\xC3\xA4</a></r>");
}

TEST_CASE("the first child opens an empty element; a child may use prefixes of its parents") {
  CHECK(put("<r><a x=\"1/>\"/></r>", "r/a/b", "<b/>") == "<r><a x=\"1/>\"><b/></a></r>");
  CHECK(put("<r><a></a></r>", "r/a/b", "<b/>") == "<r><a><b/></a></r>");
  CHECK(put("<p:r xmlns:p='urn:p'/>", "p:r/p:b", "<p:b/>", "xmlns(p=urn:p)") ==
        "<p:r xmlns:p='urn:p'><p:b/></p:r>");
  CHECK(put("<r xmlns='urn:d'><a/></r>", "r/a/b", "<b/>", "", "urn:d") == "<r xmlns='urn:d'><a><b/></a></r>");
  CHECK(put("<r xmlns='urn:d'/>", "r/b", "<b xmlns='urn:d'/>", "", "urn:d") ==
        "<r xmlns='urn:d'><b xmlns='urn:d'/></r>");
}

TEST_CASE("a body that is no element, or no attribute value, is refused by name (RFC 4825 8.2.2)") {
  for (const char* body : {"", "x", "<b>", "<b></c>", "<b/><b/>", "<b/>x", "<!--c--><b/>", "<b/><?p?>",
                           "<?xml version='1.0'?><b/>", "</_><_>", "<b/></_><_><b/>", "<p:b/>", "<b>&no;</b>",
                           "<b a='1' a='2'/>", "\xEF\xBB\xBF<b/>", "<!DOCTYPE b><b/>"}) {
    CAPTURE(body);
    CHECK(put("<r/>", "r/b", body) == "not-xml-frag");
  }
  CHECK(text_of(put_node("<r/>", selector_of("r/b"), " \r\n<b/>\n")) == "<r><b/></r>");
  for (const char* body : {"", "x", "\"x", "x\"", "'x\"", "\"<\"", "\"&\"", "\"&no;\"", "\"a\" b=\"c\"",
                           "\"a\"/><_ _=\"b\"", "\"a\"\"b\"", "\"\x01\""}) {
    CAPTURE(body);
    CHECK(put("<r/>", "r/@b", body) == "not-xml-att-value");
  }
  CHECK(put("<r/>", "r/b", "<b>\xFF</b>") == "not-utf-8");
  CHECK(put("<r/>", "r/@b", "\"\xFF\"") == "not-utf-8");
}

TEST_CASE(
    "without a parent nothing is put in; the refusal names the closest that is there (RFC 4825 8.2.1)") {
  const char* text = "<r><a n='1'/><a n='2'><b/></a></r>";
  CHECK(put(text, "r/a[@n='3']/b", "<b/>") == "no-parent r");
  CHECK(put(text, "r/a[@n='2']/c/d/@e", "\"\"") == "no-parent r/a[@n='2']");
  CHECK(put(text, "r/a/b", "<b/>") == "no-parent r");
  CHECK(put(text, "r/a/@b", "\"\"") == "no-parent r");
  CHECK(put(text, "x/a", "<a/>") == "no-parent");
  CHECK(put(text, "x/a", "no element") == "no-parent");
}

TEST_CASE("an attribute is put in, or its value replaced, as it is written (RFC 4825 7.7)") {
  CHECK(put("<r a='1'  b = \"2\" />", "r/@b", "'3 &amp; \"4\"'") == "<r a='1'  b = '3 &amp; \"4\"' />");
  CHECK(put("<r/>", "r/@b", "\"3\"") == "<r b=\"3\"/>");
  CHECK(put("<r ></r>", "r/@b", "\"3\"") == "<r b=\"3\" ></r>");
  CHECK(put("<r a='>' />", "r/@b", "\"3\"") == "<r a='>' b=\"3\" />");
  CHECK(put("<r><a n='1'/></r>", "r/a[@n='1']/@m", "\"3\"") == "<r><a n='1' m=\"3\"/></r>");
  CHECK(put("<r xmlns:p='urn:p' p:a='1'/>", "r/@q:a", "\"2\"", "xmlns(q=urn:p)") ==
        "<r xmlns:p='urn:p' p:a=\"2\"/>");
  CHECK(put("<r xmlns:p='urn:p'/>", "r/@q:a", "\"2\"", "xmlns(q=urn:p)") == "<r xmlns:p='urn:p' p:a=\"2\"/>");
  CHECK(put("<r/>", "r/@xml:lang", "\"de\"") == "<r xml:lang=\"de\"/>");
}

TEST_CASE("an attribute that would not be found again is not put in (RFC 4825 7.7)") {
  CHECK(put("<r><a n='1'/></r>", "r/a[@n='1']/@n", "\"2\"") == "cannot-insert");
  CHECK(put("<r/>", "r/@xmlns", "\"urn:x\"") == "cannot-insert");
  CHECK(put("<r xmlns='urn:d'/>", "r/@xmlns", "\"urn:x\"", "", "urn:d") == "cannot-insert");
  CHECK(put("<r/>", "r/@p:a", "\"2\"", "xmlns(p=urn:p)") == "cannot-insert");
  CHECK(put("<r xmlns='urn:p'/>", "p:r/@p:a", "\"2\"", "xmlns(p=urn:p)") == "cannot-insert");
}

TEST_CASE("a part is taken out with nothing around it (RFC 4825 8.4)") {
  CHECK(del("<r>\n <a/>\n <b/>\n</r>", "r/a") == "<r>\n \n <b/>\n</r>");
  CHECK(del("<r><a/></r>", "r/a") == "<r></r>");
  CHECK(del("<r a='1'  b = \"2\" c='3'/>", "r/@b") == "<r a='1' c='3'/>");
  CHECK(del("<r\n a='1'/>", "r/@a") == "<r/>");
  CHECK(del("<r xmlns:p='urn:p' p:a='=' a='1'/>", "r/@q:a", "xmlns(q=urn:p)") ==
        "<r xmlns:p='urn:p' a='1'/>");
  CHECK(del("<r><a n='1'/><a n='2'/></r>", "r/a[1][@n='1']") == "<r><a n='2'/></r>");
  CHECK(del("<r><a n='1'/><a n='2'/></r>", "r/a[2]") == "<r><a n='1'/></r>");
}

TEST_CASE(
    "a deletion that could not be repeated safely is refused; what names nothing is 404 (RFC 4825 8.4)") {
  CHECK(del("<r><a n='1'/><a n='2'/></r>", "r/a[1]") == "cannot-delete");
  CHECK(del("<r><b/><a/></r>", "r/*[1]") == "cannot-delete");
  CHECK(del("<r><a n='1'/><a n='1'/></r>", "r/a[1][@n='1']") == "cannot-delete");
  CHECK(del("<r><a/><a/></r>", "r/a") == "404");
  CHECK(del("<r><a/></r>", "r/b") == "404");
  CHECK(del("<r><a/></r>", "r/a/@b") == "404");
  CHECK(del("<r><a/></r>", "r") == "schema-validation-error");
}

TEST_CASE("parts are read as they are written, namespaces as they are in scope (RFC 4825 8.3, 10)") {
  constexpr std::string_view text = R"(<?xml version="1.0"?>
<foo xmlns="urn:test:default-namespace">
  <ns1:bar xmlns:ns1="urn:test:namespace1-uri"
           xmlns="urn:test:namespace1-uri">
    <baz/>
    <ns2:baz xmlns:ns2="urn:test:namespace2-uri&amp;"/>
  </ns1:bar>
</foo>)";
  const std::string_view ns = "urn:test:default-namespace";
  const std::string_view query = "xmlns(df=urn:test:default-namespace)xmlns(df2=urn:test:namespace1-uri)";
  CHECK(get(text, "df:foo/df2:bar/df2:baz/namespace::*", query, ns) ==
        "<baz xmlns=\"urn:test:namespace1-uri\" xmlns:ns1=\"urn:test:namespace1-uri\"/>");
  CHECK(get(text, "foo/df2:bar/*[2]/namespace::*", query, ns) ==
        "<ns2:baz xmlns=\"urn:test:namespace1-uri\" xmlns:ns1=\"urn:test:namespace1-uri\" "
        "xmlns:ns2=\"urn:test:namespace2-uri&amp;\"/>");
  CHECK(get(text, "foo/namespace::*", "", ns) == "<foo xmlns=\"urn:test:default-namespace\"/>");
  CHECK(get("<a xmlns='urn:a'><b xmlns=''/></a>", "a:a/b/namespace::*", "xmlns(a=urn:a)") == "<b/>");
  CHECK(get(text, "foo/df2:bar/df2:baz", query, ns) == "<baz/>");
  CHECK(get("<r a = 'x&#65;\"y'/>", "r/@a") == "'x&#65;\"y'");
  CHECK(get("<r><a/><a/></r>", "r/a") == "none");
}

TEST_CASE("a document stays within the limits, whatever is put into it") {
  std::string deep = "<r>";
  for (int i = 0; i < 62; ++i) deep += "<r>";
  for (int i = 0; i < 63; ++i) deep += "</r>";
  std::string path = "r";
  for (int i = 0; i < 62; ++i) path += "/r";
  CHECK(put(deep, path + "/x", "<x><y/></x>") == "constraint-failure");
  CHECK(text_of(put_node(deep, selector_of(path + "/x"), "<x/>")).size() == deep.size() + 4);
  const std::string half = "<a>" + std::string(600'000, 'x') + "</a>";
  CHECK(text_of(put_node("<r>" + half + "</r>", selector_of("r/a[2]"), half)) == "constraint-failure");
}

TEST_CASE("the examples of RFC 4825 13, one after the other") {
  const std::string_view ns = "urn:ietf:params:xml:ns:resource-lists";
  std::string text = R"(<?xml version="1.0" encoding="UTF-8"?>
<resource-lists xmlns="urn:ietf:params:xml:ns:resource-lists">
  <list name="friends">
  </list>
</resource-lists>)";
  text = put(text, "resource-lists/list[@name=\"friends\"]/entry", R"(<entry uri="sip:bob@example.com">
    <display-name>Bob Jones</display-name>
  </entry>)",
             "", ns);
  CHECK(text == R"(<?xml version="1.0" encoding="UTF-8"?>
<resource-lists xmlns="urn:ietf:params:xml:ns:resource-lists">
  <list name="friends">
  <entry uri="sip:bob@example.com">
    <display-name>Bob Jones</display-name>
  </entry></list>
</resource-lists>)");
  text =
      put(text, "resource-lists/list[@name=\"friends\"]/list[@name=\"close-friends\"]",
          R"(<list name="close-friends"><entry uri="sip:joe@example.com"/><entry uri="sip:nancy@example.com"/>
<entry uri="sip:petri@example.com"/></list>)",
          "", ns);
  text = del(text, "resource-lists/list/list/entry[@uri=\"sip:petri@example.com\"]", "", ns);
  CHECK(get(text, "resource-lists/list/list/entry[2]/@uri", "", ns) == "\"sip:nancy@example.com\"");
  CHECK(get(text, "resource-lists/list/list", "", ns) ==
        "<list name=\"close-friends\"><entry uri=\"sip:joe@example.com\"/><entry "
        "uri=\"sip:nancy@example.com\"/>\n</list>");
}
