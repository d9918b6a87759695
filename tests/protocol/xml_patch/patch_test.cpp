#include "protocol/xml_patch/patch.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace beckon;
using xml_patch::Errc;

namespace {

constexpr std::string_view ns = "urn:diff";

xml::Tree read(std::string_view text) {
  auto tree = xml::parse_tree(text);
  REQUIRE(tree.has_value());
  return std::move(*tree);
}

/// The root of a diff document in whose scope "a" and "b" are namespaces, and "urn:d" the default.
std::string diff(std::string_view operations) {
  return "<p:diff xmlns:p='urn:diff' xmlns='urn:d' xmlns:a='urn:a' xmlns:b='urn:b'>" +
         std::string(operations) + "</p:diff>";
}

/// The patched document without its declarations, or the error.
std::string patch(std::string_view target, std::string_view operations,
                  const xml_patch::Limits& limits = {}) {
  auto tree = read(target);
  const auto patches = read(diff(operations));
  const auto done = xml_patch::apply(tree, patches.root(), ns, {}, limits);
  return done ? *tree.print() : done.error().message();
}

}  // namespace

TEST_CASE("operations on each kind of node (RFC 5261 4.3 to 4.5)") {
  struct Row {
    std::string_view target, operations, patched;
  };
  const Row rows[] = {
      // Additions
      {"<d xmlns='urn:d'><e/></d>", "<p:add sel='d'><f>x</f></p:add>", "<d xmlns=\"urn:d\"><e/><f>x</f></d>"},
      {"<d xmlns='urn:d'><e/></d>", "<p:add sel='d' pos='prepend'><f/>t</p:add>",
       "<d xmlns=\"urn:d\"><f/>t<e/></d>"},
      {"<d xmlns='urn:d'><e/></d>", "<p:add sel='d/e' pos='before'>t<!--c--></p:add>",
       "<d xmlns=\"urn:d\">t<!--c--><e/></d>"},
      {"<d xmlns='urn:d'><e/><f/></d>", "<p:add sel='d/e' pos='after'>t<?pi x?></p:add>",
       "<d xmlns=\"urn:d\"><e/>t<?pi x?><f/></d>"},
      {"<d xmlns='urn:d'/>", "<p:add sel='d' type='@k'>v&lt;&quot;&#10;</p:add>",
       "<d xmlns=\"urn:d\" k=\"v&lt;&quot;&#10;\"/>"},
      {"<d xmlns='urn:d'/>", "<p:add sel='d' type='namespace::pref'>urn:ns:xxx</p:add>",
       "<d xmlns=\"urn:d\" xmlns:pref=\"urn:ns:xxx\"/>"},
      {"<d xmlns='urn:d'/>",
       "<p:add sel='d' pos='before'> <!--c--> </p:add><p:add sel='d' pos='after'><?pi?></p:add>",
       "<!--c-->\n<d xmlns=\"urn:d\"/>\n<?pi?>"},
      // Texts on both sides join (4.3.5)
      {"<d xmlns='urn:d'>x<e/>y</d>", "<p:add sel='*/text()[2]' pos='after'>new<f/>elem</p:add>",
       "<d xmlns=\"urn:d\">x<e/>ynew<f/>elem</d>"},
      {"<d xmlns='urn:d'>x<e/>y</d>", "<p:add sel='*/text()[2]' pos='before'>new<f/>elem</p:add>",
       "<d xmlns=\"urn:d\">x<e/>new<f/>elemy</d>"},
      {"<d xmlns='urn:d'>x</d>", "<p:add sel='d'> y <![CDATA[<]]></p:add>",
       "<d xmlns=\"urn:d\">x y <![CDATA[<]]></d>"},
      // Replacements
      {"<d xmlns='urn:d'><e k='1'>x</e></d>", "<p:replace sel='d/e'><f k='2'/></p:replace>",
       "<d xmlns=\"urn:d\"><f k='2'/></d>"},
      {"<d xmlns='urn:d' k='1'/>", "<p:replace sel='d/@k'>2</p:replace>", "<d xmlns=\"urn:d\" k=\"2\"/>"},
      {"<d xmlns='urn:d' k='1'/>", "<p:replace sel='d/@k'/>", "<d xmlns=\"urn:d\" k=\"\"/>"},
      {"<d xmlns='urn:d' xmlns:q='urn:q'/>", "<p:replace sel='d/namespace::q'>urn:r</p:replace>",
       "<d xmlns=\"urn:d\" xmlns:q=\"urn:r\"/>"},
      {"<d xmlns='urn:d'><!--x--></d>", "<p:replace sel='d/comment()'><!--y--></p:replace>",
       "<d xmlns=\"urn:d\"><!--y--></d>"},
      {"<d xmlns='urn:d'><?a x?></d>", "<p:replace sel=\"d/processing-instruction('a')\"><?a y?></p:replace>",
       "<d xmlns=\"urn:d\"><?a y?></d>"},
      {"<d xmlns='urn:d'><e>x</e></d>", "<p:replace sel='d/e/text()'>y</p:replace>",
       "<d xmlns=\"urn:d\"><e>y</e></d>"},
      {"<d xmlns='urn:d'><e>x</e></d>", "<p:replace sel='d/e/text()'/>", "<d xmlns=\"urn:d\"><e/></d>"},
      {"<d xmlns='urn:d'/>", "<p:replace sel='d'><f xmlns='urn:f'/></p:replace>", "<f xmlns=\"urn:f\"/>"},
      // Removals
      {"<d xmlns='urn:d'> <e/> <f/></d>", "<p:remove sel='d/e' ws='after'/>", "<d xmlns=\"urn:d\"> <f/></d>"},
      {"<d xmlns='urn:d'> <e/> <f/></d>", "<p:remove sel='d/e' ws='before'/>",
       "<d xmlns=\"urn:d\"> <f/></d>"},
      {"<d xmlns='urn:d'> <e/>\n</d>", "<p:remove sel='d/e' ws='both'/>", "<d xmlns=\"urn:d\"/>"},
      {"<d xmlns='urn:d'>x<e/>y</d>", "<p:remove sel='d/e'/><p:remove sel='d/text()[1]'/>",
       "<d xmlns=\"urn:d\"/>"},
      {"<d xmlns='urn:d' k='1'/>", "<p:remove sel='d/@k'/>", "<d xmlns=\"urn:d\"/>"},
      {"<d xmlns='urn:d' xmlns:q='urn:q'/>", "<p:remove sel='d/namespace::q'/>", "<d xmlns=\"urn:d\"/>"},
      {"<d xmlns='urn:d'><!--x--> </d>", "<p:remove sel='d/comment()[1]' ws='after'/>",
       "<d xmlns=\"urn:d\"/>"},
      // One after the other (4)
      {"<d xmlns='urn:d'><e/></d>", "<p:add sel='d'><f/></p:add> <p:add sel='d/f' type='@k'>v</p:add>",
       "<d xmlns=\"urn:d\"><e/><f k=\"v\"/></d>"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.target);
    CAPTURE(row.operations);
    CHECK(patch(row.target, row.operations) == row.patched);
  }
}

TEST_CASE("added content gets the prefixes of its new place (RFC 5261 4.2.3)") {
  struct Row {
    std::string_view target, operations, patched;
  };
  const Row rows[] = {
      {"<d:d xmlns:d='urn:d'/>", "<p:add sel='d'><e/></p:add>", "<d:d xmlns:d=\"urn:d\"><d:e/></d:d>"},
      {"<z:d xmlns:z='urn:d' xmlns:x='urn:a'/>", "<p:add sel='d'><a:e a:k='1' k='2'/></p:add>",
       "<z:d xmlns:z=\"urn:d\" xmlns:x=\"urn:a\"><x:e x:k='1' k='2'/></z:d>"},
      // The same prefix, when it is one of several.
      {"<d xmlns='urn:d' xmlns:x='urn:a' xmlns:a='urn:a'/>", "<p:add sel='d'><a:e/></p:add>",
       "<d xmlns=\"urn:d\" xmlns:x=\"urn:a\" xmlns:a=\"urn:a\"><a:e/></d>"},
      // Then that of the parent...
      {"<d:d xmlns:d='urn:d' xmlns:c='urn:d'/>", "<p:add sel='d'><e/></p:add>",
       "<d:d xmlns:d=\"urn:d\" xmlns:c=\"urn:d\"><d:e/></d:d>"},
      // ...then the next smaller one, then the first.
      {"<d xmlns='urn:d' xmlns:Z='urn:a' xmlns:_a='urn:a' xmlns:c='urn:a'/>", "<p:add sel='d'><a:e/></p:add>",
       "<d xmlns=\"urn:d\" xmlns:Z=\"urn:a\" xmlns:_a=\"urn:a\" xmlns:c=\"urn:a\"><_a:e/></d>"},
      {"<d xmlns='urn:d' xmlns:x='urn:a' xmlns:y='urn:a'/>", "<p:add sel='d'><a:e/></p:add>",
       "<d xmlns=\"urn:d\" xmlns:x=\"urn:a\" xmlns:y=\"urn:a\"><x:e/></d>"},
      {"<d xmlns='urn:a' xmlns:x='urn:a'><e xmlns:q='urn:q'/></d>",
       "<p:add sel='a:d/a:e'><a:f a:k='1'/></p:add>",
       "<d xmlns=\"urn:a\" xmlns:x=\"urn:a\"><e xmlns:q=\"urn:q\"><f x:k='1'/></e></d>"},
      // What the content declares itself is copied.
      {"<d xmlns='urn:d'/>", "<p:add sel='d'><q:e xmlns:q='urn:q'><q:f xmlns=''><g/></q:f></q:e></p:add>",
       "<d xmlns=\"urn:d\"><q:e xmlns:q=\"urn:q\"><q:f xmlns=\"\"><g/></q:f></q:e></d>"},
      {"<d xmlns='urn:d' xmlns:z='urn:a'/>", "<p:add sel='d' type='@a:k'>v</p:add>",
       "<d xmlns=\"urn:d\" xmlns:z=\"urn:a\" z:k=\"v\"/>"},
      {"<d xmlns='urn:d'/>", "<p:add sel='d' type='@xml:lang'>de</p:add>",
       "<d xmlns=\"urn:d\" xml:lang=\"de\"/>"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.target);
    CHECK(patch(row.target, row.operations) == row.patched);
  }
}

TEST_CASE("several patches with other prefixes than the target's, as in RFC 5261 A.18") {
  CHECK(
      patch(
          "<doc xmlns='urn:d' xmlns:z='urn:a'>\n <note>Sample</note>\n <elem k='foo'>\n  <child/>\n </elem>\n"
          " <elem k='bar'>\n  <z:child/>\n </elem>\n</doc>",
          "<p:add sel=\"doc/elem[@k='foo']\">  <!-- new -->\n  <child id='e'>\n   <a:node/>\n  </child>\n "
          "</p:add>"
          "<p:replace sel='doc/note/text()'>Patched</p:replace>"
          "<p:remove sel=\"*/elem[@k='bar']/a:child\" ws='both'/>"
          "<p:add sel=\"*/elem[@k='bar']\" type='@b'>attr</p:add>") ==
      "<doc xmlns=\"urn:d\" xmlns:z=\"urn:a\">\n <note>Patched</note>\n <elem k='foo'>\n  <child/>\n   <!-- "
      "new -->\n"
      "  <child id='e'>\n   <z:node/>\n  </child>\n </elem>\n <elem k='bar' b=\"attr\"/>\n</doc>");
}

TEST_CASE("what cannot be fulfilled is an error of RFC 5261 5.1") {
  constexpr std::string_view target = "<d xmlns='urn:d' k='1' xmlns:q='urn:q'><e>x</e><e/><q:f/><!--c--></d>";
  struct Row {
    std::string_view operations;
    Errc error;
  };
  const Row rows[] = {
      {"<p:add><e/></p:add>", Errc::invalid_attribute_value},
      {"<p:add sel='d['><e/></p:add>", Errc::invalid_attribute_value},
      {"<p:add sel='d/@k'><e/></p:add>", Errc::invalid_attribute_value},
      {"<p:add sel='d' pos='middle'><e/></p:add>", Errc::invalid_attribute_value},
      {"<p:add sel='d' type='k'>x</p:add>", Errc::invalid_attribute_value},
      {"<p:add sel='d' type='@k' pos='before'>x</p:add>", Errc::invalid_attribute_value},
      {"<p:add sel='d' type='@xmlns'>urn:x</p:add>", Errc::invalid_attribute_value},
      {"<p:add sel='d' type='@m'><![CDATA[x]]></p:add>", Errc::invalid_attribute_value},
      {"<p:remove sel='d/e[1]' ws='all'/>", Errc::invalid_attribute_value},
      {"<p:remove sel='d/@k' ws='after'/>", Errc::invalid_attribute_value},
      {"<p:remove sel='d/e[1]/text()' ws='after'/>", Errc::invalid_attribute_value},
      {"<p:add sel='d'><e/></p:add>text", Errc::invalid_diff_format},
      {"<p:remove sel='d/e[1]'>x</p:remove>", Errc::invalid_diff_format},
      {"<p:add sel='z:d'><e/></p:add>", Errc::invalid_namespace_prefix},
      {"<p:add sel='d' type='@z:m'>x</p:add>", Errc::invalid_namespace_prefix},
      {"<p:add sel='d' type='namespace::q'>urn:r</p:add>", Errc::invalid_namespace_prefix},
      {"<p:add sel='d' type='namespace::xml'>urn:r</p:add>", Errc::invalid_namespace_prefix},
      {"<p:remove sel='d/namespace::q'/>", Errc::invalid_namespace_prefix},  // <q:f> needs it
      {"<p:add sel='d'><a:e/></p:add>", Errc::invalid_namespace_uri},
      {"<p:add sel='d' type='@a:m'>x</p:add>", Errc::invalid_namespace_uri},
      {"<p:add sel='d' type='namespace::r'/>", Errc::invalid_namespace_uri},
      {"<p:replace sel='d'><e/></p:replace>", Errc::invalid_namespace_uri},  // nothing is declared outside
      {"<p:replace sel='d/e[1]'>text</p:replace>", Errc::invalid_node_types},
      {"<p:replace sel='d/e[1]'/>", Errc::invalid_node_types},
      {"<p:replace sel='d/e[1]'><e/><e/></p:replace>", Errc::invalid_node_types},
      {"<p:replace sel='d/e[1]/text()'><e/></p:replace>", Errc::invalid_node_types},
      {"<p:replace sel='d/@k'><e/></p:replace>", Errc::invalid_node_types},
      {"<p:replace sel='d/comment()'><?c?></p:replace>", Errc::invalid_node_types},
      {"<p:add sel='d/comment()'><e/></p:add>", Errc::invalid_node_types},
      {"<p:move sel='d/e[1]'/>", Errc::invalid_patch_directive},
      {"<add sel='d'><e/></add>", Errc::invalid_patch_directive},
      {"<p:add sel='d' type='@k'>2</p:add>", Errc::invalid_patch_directive},
      {"<p:remove sel='d'/>", Errc::invalid_root_element_operation},
      {"<p:add sel='d' pos='after'><e/></p:add>", Errc::invalid_root_element_operation},
      {"<p:add sel='d' pos='after'>x</p:add>", Errc::invalid_xml_prolog_operation},
      {"<p:remove sel='d/e[1]' ws='after'/>", Errc::invalid_whitespace_directive},
      {"<p:remove sel='d/e[2]' ws='both'/>", Errc::invalid_whitespace_directive},
      {"<p:remove sel='d/e'/>", Errc::unlocated_node},
      {"<p:remove sel='d/g'/>", Errc::unlocated_node},
      {"<p:add sel='id(\"x\")'><e/></p:add>", Errc::unlocated_node},
      {"<p:replace sel='d/namespace::z'>urn:z</p:replace>", Errc::unlocated_node},
      {"<p:replace sel='d/e[1]/namespace::q'>urn:z</p:replace>", Errc::unlocated_node},
  };
  for (const auto& row : rows) {
    CAPTURE(row.operations);
    CHECK(patch(target, row.operations) == to_string(row.error));
  }
}

TEST_CASE("a patch that works too long, nests too deep or piles up attributes is refused") {
  const std::string_view target = "<d xmlns='urn:d'><e/></d>";
  CHECK(patch(target, "<p:add sel='d/e'><f><g/></f></p:add>", {.depth = 4}).starts_with("<d"));
  CHECK(patch(target, "<p:add sel='d/e'><f><g/></f></p:add>", {.depth = 3}) == to_string(Errc::too_costly));
  CHECK(patch(target, "<p:add sel='d' type='@k'>v</p:add>", {.attributes = 2}).starts_with("<d"));
  CHECK(patch(target, "<p:add sel='d' type='@k'>v</p:add>", {.attributes = 1}) ==
        to_string(Errc::too_costly));
  std::string many;
  for (int i = 0; i < 200; ++i) many += "<p:add sel='d'>" + std::string(1000, 'x') + "</p:add>";
  CHECK(patch(target, many).starts_with("<d"));
  CHECK(patch(target, many, {.work = 10'000}) == to_string(Errc::too_costly));
  std::string wide = "<d xmlns='urn:d'>";
  for (int i = 0; i < 1000; ++i) wide += "<e/>";
  wide += "</d>";
  std::string operations;
  for (int i = 0; i < 1000; ++i) operations += "<p:remove sel='d/e[1]'/>";
  CHECK(patch(wide, operations) == "<d xmlns=\"urn:d\"/>");
  CHECK(patch(wide, operations, {.work = 100'000}) == to_string(Errc::too_costly));
}
