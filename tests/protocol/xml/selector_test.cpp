#include "protocol/xml/selector.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace beckon;
using xml::SelectorErrc;

namespace {

constexpr std::string_view document =
    "<!--top--><doc xmlns='urn:d' xmlns:x='urn:x' a='1'>"
    "<note>one</note>"
    "<elem id='e1' x:a='q'>text<!--c1--><x:child>in</x:child><!--c2--><?pi one?><?other?></elem>"
    "<elem id='e2' a=\"it's\"><x:child>in</x:child><x:child>two<b>more</b></x:child></elem>"
    "<elem a='2'/>"
    "<empty xmlns=''><plain xml:id='p'/></empty>"
    "</doc>";

std::optional<std::string_view> find_ns(std::string_view prefix) {
  if (prefix.empty() || prefix == "d") return "urn:d";
  if (prefix == "y") return "urn:x";
  if (prefix == "none") return "";
  return std::nullopt;
}

/// What a selector finds, printed; "-": nothing, or several.
std::string find(std::string_view selector, const xml::Vocabulary& vocabulary = {}) {
  auto tree = xml::parse_tree(document);
  REQUIRE(tree.has_value());
  const auto read = xml::parse_selector(selector, find_ns);
  REQUIRE(read.has_value());
  const auto found = xml::locate(*tree, *read, vocabulary);
  if (!found) return "-";
  if (read->target == xml::Selector::Target::attribute)
    return std::string(found->node->attributes[found->index].source);
  if (read->target == xml::Selector::Target::declaration)
    return std::string(found->node->declarations[found->index].ns);
  std::string out;
  xml::append(out, *found->node);
  return out.size() > 40 ? std::string(found->node->name) : out;
}

}  // namespace

TEST_CASE("a selector names one node, with the prefixes of its own document (RFC 5261 4.1, 4.2)") {
  struct Row {
    std::string_view selector, found;
  };
  const Row rows[] = {
      {"doc", "doc"},
      {"/doc", "doc"},
      {"*", "doc"},
      {"d:doc/d:note", "<note>one</note>"},
      {"doc/*[1]", "<note>one</note>"},
      {"*/*[4]", "<elem a='2'/>"},
      {"doc/elem[3]", "<elem a='2'/>"},
      {"doc/elem[@a='2']", "<elem a='2'/>"},
      {"doc/elem[@a=\"it's\"]/@id", "e2"},
      {"doc/elem[@y:a='q']/@y:a", "q"},
      {"doc/elem[@a='q']", "-"},
      {"*/elem[@id='e1'][1]/y:child", "<x:child>in</x:child>"},
      {"*/elem[2][@id='e1']", "-"},
      {"*/elem[@id='e2']/y:child[2]/b/text()", "more"},
      {"*/*[.='one']", "<note>one</note>"},
      {"*/elem/y:child[.='twomore']", "<x:child>two<b>more</b></x:child>"},
      {"*/elem[y:child='twomore']/@id", "e2"},
      {"*/elem[y:child='in']", "-"},  // two of them
      {"doc/elem", "-"},
      {"note", "-"},
      {"doc/@a", "1"},
      {"doc/@b", "-"},
      {"doc/namespace::x", "urn:x"},
      {"doc/elem[1]/namespace::x", "-"},  // declared further outside
      {"doc/note/text()", "one"},
      {"doc/note/text()[1]", "one"},
      {"doc/note/text()[2]", "-"},
      {"doc/elem[1]/comment()[2]", "<!--c2-->"},
      {"doc/elem[1]/comment()", "-"},
      {"comment()", "<!--top-->"},
      {"doc/elem[1]/processing-instruction('pi')", "<?pi one?>"},
      {"doc/elem[1]/processing-instruction()[2]", "<?other?>"},
      {"*/none:empty", "empty"},  // in no namespace
      {"*/empty", "-"},
      {"id('p')", "<plain xml:id='p'/>"},
      {"id('e2')", "-"},
      {"id('none')/elem", "-"},
      {"* / note", "<note>one</note>"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.selector);
    CHECK(find(row.selector) == row.found);
  }
  CHECK(find("id('e2')/@a", {.has_ids = true}) == "it's");
  CHECK(find("other/note", {.root_ns = "urn:d", .root_name = "other"}) == "<note>one</note>");
}

TEST_CASE("what is no selector is refused") {
  for (const std::string_view text : {"",
                                      "/",
                                      "//doc",
                                      "doc/",
                                      "doc//elem",
                                      "doc[",
                                      "doc[]",
                                      "doc[@a]",
                                      "doc[@a=1]",
                                      "doc[@a='1]",
                                      "doc[0x]",
                                      "doc/@a/elem",
                                      "doc/text()/b",
                                      "doc/text(",
                                      "doc/text()[a]",
                                      "id(e)",
                                      "id('e'",
                                      "id('e')elem",
                                      "doc elem",
                                      "..",
                                      "doc/.",
                                      "doc|doc",
                                      "doc[position()=1]",
                                      "child::doc",
                                      "doc[99999999999]",
                                      "@",
                                      "namespace::",
                                      "d:",
                                      ":doc",
                                      "doc/@*",
                                      "processing-instruction(a)"}) {
    CAPTURE(text);
    CHECK(xml::parse_selector(text, find_ns).error() == SelectorErrc::bad_syntax);
  }
  CHECK(xml::parse_selector(std::string(xml::selector_size_max, 'a'), find_ns).has_value());
  CHECK(xml::parse_selector(std::string(xml::selector_size_max + 1, 'a'), find_ns).error() ==
        SelectorErrc::bad_syntax);
  CHECK(xml::parse_selector("z:doc", find_ns).error() == SelectorErrc::unbound_prefix);
  CHECK(xml::parse_selector("doc/@z:a", find_ns).error() == SelectorErrc::unbound_prefix);
}

TEST_CASE("a hostile selector does not look at more nodes than it may") {
  std::string text = "<a>";
  for (int i = 0; i < 10'000; ++i) text += "<b>x</b>";
  auto tree = xml::parse_tree(text + "</a>");
  REQUIRE(tree.has_value());
  std::string selector = "*/*";
  while (selector.size() < 4000) selector += "[.='x']";
  const auto read = xml::parse_selector(selector, find_ns);
  REQUIRE(read.has_value());
  CHECK_FALSE(xml::locate(*tree, *read, {}, 50'000).has_value());
  CHECK(tree->work() > 50'000);
  CHECK(tree->work() < 100'000);
}

TEST_CASE("attributes count as nodes that a selector looks at") {
  std::string attributes;
  for (int i = 0; i < 60; ++i) attributes += " a" + std::to_string(i) + "=\"\"";
  std::string text = "<a>";
  for (int i = 0; i < 1000; ++i) text += "<b" + attributes + "/>";
  auto tree = xml::parse_tree(text + "</a>");
  REQUIRE(tree.has_value());
  for (const std::string_view selector : {"*/*[@none='']", "*/*/@none", "id('none')"}) {
    CAPTURE(selector);
    const auto read = xml::parse_selector(selector, find_ns);
    REQUIRE(read.has_value());
    const std::size_t before = tree->work();
    CHECK_FALSE(xml::locate(*tree, *read).has_value());
    CHECK(tree->work() - before > 60'000);
  }
}
