#include "protocol/xml/document.hpp"

#include <doctest/doctest.h>

#include <memory_resource>
#include <ranges>
#include <string>
#include <utility>
#include <vector>

using namespace beckon;

namespace {

/// Counts what arenas take while it is the default resource.
class Counter final : public std::pmr::memory_resource {
 public:
  Counter() : before_(std::pmr::set_default_resource(this)) {}
  ~Counter() override { std::pmr::set_default_resource(before_); }
  std::size_t blocks = 0;

 private:
  void* do_allocate(std::size_t size, std::size_t alignment) override {
    ++blocks;
    return std::pmr::new_delete_resource()->allocate(size, alignment);
  }
  void do_deallocate(void* block, std::size_t size, std::size_t alignment) override {
    std::pmr::new_delete_resource()->deallocate(block, size, alignment);
  }
  bool do_is_equal(const memory_resource& other) const noexcept override { return this == &other; }

  std::pmr::memory_resource* before_;
};

}  // namespace

TEST_CASE("namespaces are resolved for elements and attributes (Namespaces in XML 1.0, 6)") {
  const auto document = xml::parse(
      "<a xmlns='urn:a' xmlns:p='urn:p' k='1' p:k='2'><p:b/><c xmlns=''><d p:e='3'/></c><p:f "
      "xmlns:p='urn:q'/></a>");
  REQUIRE(document.has_value());
  const auto& root = document->root();
  CHECK(root.is("urn:a", "a"));
  CHECK(root.attribute("k") == "1");
  CHECK(root.attribute("k", "urn:p") == "2");
  CHECK(std::ranges::distance(root.attributes()) == 2);
  CHECK_FALSE(root.attribute("z"));
  std::vector<std::string> children;
  for (const auto& child : root.children())
    children.push_back(std::string(child.ns()) + "|" + std::string(child.name()));
  CHECK(children == std::vector<std::string>{"urn:p|b", "|c", "urn:q|f"});
  const auto* c = root.child("", "c");
  REQUIRE(c != nullptr);
  REQUIRE(c->child("", "d") != nullptr);
  CHECK(c->child("", "d")->attribute("e", "urn:p") == "3");
  CHECK(root.child("urn:a", "b") == nullptr);
}

TEST_CASE("text joins what comments, CDATA and children divide; references are resolved") {
  struct Row {
    const char* text;
    const char* value;
  };
  for (const Row& row : {Row{"<a/>", ""}, Row{"<a> </a>", ""}, Row{"<a>x</a>", "x"}, Row{"<a> x </a>", " x "},
                         Row{"<a>&lt;&#65;&#x42;&amp;amp;</a>", "<AB&amp;"}, Row{"<a>x<!-- y -->z</a>", "xz"},
                         Row{"<a>x<![CDATA[<y>&amp;]]>z</a>", "x<y>&amp;z"}, Row{"<a>x<b>y</b>z</a>", "xz"},
                         Row{"<a>\xE2\x82\xAC&#x20AC;</a>", "\xE2\x82\xAC\xE2\x82\xAC"},
                         Row{"<a>&#x1F600;</a>", "\xF0\x9F\x98\x80"}}) {
    CAPTURE(row.text);
    const auto document = xml::parse(row.text);
    REQUIRE(document.has_value());
    CHECK(document->root().text() == row.value);
  }
}

TEST_CASE("attribute values are resolved, and their source is kept as written") {
  const auto document = xml::parse("\xEF\xBB\xBF<a b='&lt;\"&#65;' c = \"it's\" d=''/>");
  REQUIRE(document.has_value());
  std::vector<std::pair<std::string_view, std::string_view>> attributes;
  for (const auto& attribute : document->root().attributes())
    attributes.emplace_back(attribute.value(), attribute.source());
  CHECK(attributes == std::vector<std::pair<std::string_view, std::string_view>>{
                          {"<\"A", "&lt;\"&#65;"}, {"it's", "it's"}, {"", ""}});
}

TEST_CASE("a kept element stands alone: it declares what it borrowed from outside, and nothing else") {
  struct Row {
    const char* text;
    const char* kept;
  };
  for (const Row& row :
       {Row{"<a xmlns='urn:a'><b>x</b></a>", "<b xmlns=\"urn:a\">x</b>"},
        Row{"<a xmlns='urn:a' xmlns:p='urn:p' xmlns:q='urn:q'><p:b c='1'/></a>",
            "<p:b xmlns:p=\"urn:p\" c='1'/>"},
        Row{"<a xmlns:p='urn:p' xmlns:q='urn:q'><p:b><p:c q:d='1'/></p:b></a>",
            "<p:b xmlns:p=\"urn:p\" xmlns:q=\"urn:q\"><p:c q:d='1'/></p:b>"},
        Row{"<a xmlns:p='urn:p'><p:b xmlns:p='urn:r'/></a>", "<p:b xmlns:p='urn:r'/>"},
        Row{"<a xmlns:p='urn:1'><x xmlns:p='urn:2'><p:b/></x></a>",
            "<x xmlns=\"\" xmlns:p='urn:2'><p:b/></x>"},
        Row{"<a><b/></a>", "<b xmlns=\"\"/>"},
        Row{"<a xmlns:xs='urn:xs' xmlns:p='urn:p'><p:b t='xs:int'/></a>",
            "<p:b xmlns:p=\"urn:p\" xmlns:xs=\"urn:xs\" t='xs:int'/>"},
        Row{"<a xmlns:p='urn:p' xmlns:s='urn:s'><p:b>https://x <!-- k --> &amp; <![CDATA[y]]></p:b></a>",
            "<p:b xmlns:p=\"urn:p\">https://x <!-- k --> &amp; <![CDATA[y]]></p:b>"},
        Row{"<a xmlns:p='urn:p' xmlns:q='urn:q'><p:b>:q::x:q::: q:x</p:b></a>",
            "<p:b xmlns:p=\"urn:p\" xmlns:q=\"urn:q\">:q::x:q::: q:x</p:b>"},
        Row{"<a xmlns:p='urn:p' xmlns:q='urn:q'><p:b>:q::x:q::: aq:x</p:b></a>",
            "<p:b xmlns:p=\"urn:p\">:q::x:q::: aq:x</p:b>"},
        Row{"<a xmlns:p='urn:p?x&amp;y'><p:b/></a>", "<p:b xmlns:p=\"urn:p?x&amp;y\"/>"}}) {
    CAPTURE(row.text);
    const auto document = xml::parse(row.text);
    REQUIRE(document.has_value());
    const auto kept = document->root().children().begin()->keep();
    CHECK(kept.text == row.kept);

    const auto again = xml::parse("<other xmlns='urn:o' xmlns:p='urn:z'>" + kept.text + "</other>");
    REQUIRE(again.has_value());
    const auto& copy = *again->root().children().begin();
    CHECK(kept.is(copy.ns(), copy.name()));
    CHECK(copy.keep() == kept);
  }
}

TEST_CASE("elements keep their place when the document moves") {
  auto document = xml::parse("<a><b/></a>");
  REQUIRE(document.has_value());
  const auto* root = &document->root();
  const xml::Document moved = std::move(*document);
  CHECK(&moved.root() == root);
  CHECK(root->child("", "b") != nullptr);
}

TEST_CASE("the memory of a document comes in few blocks, however many elements it has") {
  struct Row {
    std::size_t tuples;
    std::size_t blocks_max;
  };
  for (const Row& row : {Row{1, 1}, Row{10, 2}, Row{100, 3}, Row{1'000, 5}}) {
    CAPTURE(row.tuples);
    std::string text = "<presence xmlns='urn:ietf:params:xml:ns:pidf' entity='sip:alice@example.org'>";
    for (std::size_t i = 0; i < row.tuples; ++i)
      text += "<tuple id='t" + std::to_string(i) + "'><status><basic>open</basic></status></tuple>";
    text += "</presence>";
    Counter counter;
    REQUIRE(xml::parse(text).has_value());
    CHECK(counter.blocks >= 1);
    CHECK(counter.blocks <= row.blocks_max);
  }
}
