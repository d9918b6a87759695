#include "protocol/xml/edit.hpp"

#include <doctest/doctest.h>

using namespace beckon;

TEST_CASE("an edit changes the named places and leaves every other octet") {
  const auto document = xml::parse(
      "<r xmlns:p='urn:p'><p:a  x = '1&amp;2' >\n <b y=''/><!-- c --> <c>1</c><d>2</d>\n</p:a></r>");
  REQUIRE(document.has_value());
  const auto& a = *document->root().child("urn:p", "a");
  xml::Editor editor(a);
  editor.remove(*a.child("", "c"));
  editor.set_attribute(a, "x", "\"<3");
  editor.set_attribute(*a.child("", "d"), "z", "new");
  editor.append(*a.child("", "b"), "<e/>");
  editor.append(a, "<f/>");
  const auto result = editor.finish();
  CHECK(result.text ==
        "<p:a xmlns:p=\"urn:p\" xmlns=\"\"  x = '&quot;&lt;3' >\n <b y=''><e/></b><!-- c --> <d "
        "z=\"new\">2</d>\n<f/></p:a>");
  CHECK(result.is("urn:p", "a"));
  CHECK(xml::parse(result.text).has_value());
}

TEST_CASE("an edit without change equals the kept element") {
  const auto document = xml::parse("<r xmlns='urn:r'><a b=\"1\"> x </a></r>");
  REQUIRE(document.has_value());
  const auto& a = *document->root().children().begin();
  CHECK(xml::Editor(a).finish() == a.keep());
}
