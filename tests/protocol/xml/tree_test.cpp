#include "protocol/xml/tree.hpp"

#include <doctest/doctest.h>

using namespace beckon;
using xml::Node;

namespace {

xml::Tree read(std::string_view text) {
  auto tree = xml::parse_tree(text);
  REQUIRE(tree.has_value());
  return std::move(*tree);
}

}  // namespace

TEST_CASE("every node of a document is kept, and printed as it was written") {
  for (const std::string_view text : {
           "<a/>",
           "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!-- before --><a/>\n<?after it?>",
           "<a>\n  <b c='1' d=\"&lt;&#65;&quot;'\"/>\n  <!-- - --> text &amp; <![CDATA[<x>]]]]> "
           "more<?pi?>\n</a>",
           "<p:a xmlns:p=\"urn:p\" xmlns=\"urn:d\" p:b=\"1\"><c/><p:d>\xC3\xA4</p:d></p:a>",
       }) {
    CAPTURE(text);
    const auto printed = read(text).print();
    REQUIRE(printed.has_value());
    CHECK(xml::equal(read(*printed).document(), read(text).document()));
    CHECK(*read(*printed).print() == *printed);
  }
  CHECK(*read("<a>\n <b c='1'/> <!-- x -->t&amp;<![CDATA[<]]><?pi y?></a>").print() ==
        "<a>\n <b c='1'/> <!-- x -->t&amp;<![CDATA[<]]><?pi y?></a>");
  CHECK(*read("\xEF\xBB\xBF<a  b = \"1\"  ></a >").print() == "<a b=\"1\"/>");
}

TEST_CASE("what parse refuses is refused, and a long result too") {
  CHECK(xml::parse_tree("<a>").error() == xml::Errc::bad_syntax);
  CHECK(xml::parse_tree("<a><b/></a>", {.depth = 1}).error() == xml::Errc::too_deep);
  const auto tree = read("<a><b>text</b></a>");
  CHECK(tree.print(18).has_value());
  CHECK(tree.print(17).error() == xml::Errc::too_large);
}

TEST_CASE("texts that come to stand side by side become one, and never form the end of a CDATA section") {
  auto tree = read("<a>one<b/>two</a>");
  Node& root = tree.root();
  tree.remove(*root.first->next);
  CHECK(root.first == root.last);
  CHECK(*tree.print() == "<a>onetwo</a>");
  auto odd = read("<a>]]<b/>&gt;</a>");
  Node& more = odd.make(Node::Kind::text);
  more.source = ">";
  odd.insert(odd.root(), odd.root().first->next, more);
  odd.join(more, more);
  const auto printed = odd.print();
  REQUIRE(printed.has_value());
  CHECK(xml::decode(read(*printed).root().first->source) == "]]>");
}

TEST_CASE("references and CDATA sections are resolved where a value is asked for") {
  CHECK(xml::decode("a&lt;b&#x41;<![CDATA[&amp;]]>c") == "a<bA&amp;c");
  CHECK(xml::says("&#97;bc", "abc"));
  CHECK_FALSE(xml::says("&amp;", "&amp;"));
  CHECK(read("<a>&#32;<![CDATA[\n]]></a>").root().first->is_space());
  CHECK_FALSE(read("<a>&#33;</a>").root().first->is_space());
}

TEST_CASE("documents are equal whatever the order of attributes and the quotes; prefixes count") {
  const auto equal = [](std::string_view a, std::string_view b) {
    return xml::equal(read(a).document(), read(b).document());
  };
  CHECK(equal("<a b='1' c=\"2\"></a>", "<a c='2' b='&#49;'/>"));
  CHECK(equal("<a>&lt;</a>", "<a><![CDATA[<]]></a>"));
  CHECK_FALSE(equal("<a/>", "<a> </a>"));
  CHECK_FALSE(equal("<a b=''/>", "<a/>"));
  CHECK_FALSE(equal("<a><b/></a>", "<a><b/><b/></a>"));
  CHECK_FALSE(equal("<a xmlns='x'/>", "<a xmlns='y'/>"));
  CHECK_FALSE(equal("<p:a xmlns:p='x'/>", "<a xmlns='x'/>"));
  CHECK_FALSE(equal("<a><!--b--></a>", "<a><!--c--></a>"));
}
