#include "protocol/xml/document.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace beckon;
using xml::Errc;

namespace {

/// The fault of a text, from `parse`; 0 if it is taken.
ErrorCode fault_of(std::string_view text, const xml::Limits& limits = {}) {
  const auto document = xml::parse(text, limits);
  return document.has_error() ? document.error() : ErrorCode{};
}

std::string repeat(std::string_view text, std::size_t times) {
  std::string out;
  for (std::size_t i = 0; i < times; ++i) out += text;
  return out;
}

}  // namespace

TEST_CASE("a document that is not well-formed is refused with the reason (XML 1.0)") {
  struct Row {
    std::string_view text;
    Errc errc;
  };
  const Row rows[] = {
      {"", Errc::not_one_root},
      {"   ", Errc::not_one_root},
      {"<", Errc::bad_syntax},
      {"<a", Errc::bad_syntax},
      {"<a/", Errc::bad_syntax},
      {"<a>", Errc::bad_syntax},
      {"<a></a", Errc::bad_syntax},
      {"<a></>", Errc::bad_syntax},
      {"</a>", Errc::mismatched_tag},
      {"<a></b>", Errc::mismatched_tag},
      {"<a><b></a></b>", Errc::mismatched_tag},
      {"<a/><b/>", Errc::not_one_root},
      {"<a/>text", Errc::not_one_root},
      {"text<a/>", Errc::not_one_root},
      {"<a/><![CDATA[x]]>", Errc::not_one_root},
      {"<1a/>", Errc::bad_syntax},
      {"<a:/>", Errc::bad_syntax},
      {"<:a/>", Errc::bad_syntax},
      {"<a:b:c/>", Errc::bad_syntax},
      {"< a/>", Errc::bad_syntax},
      {"<a b/>", Errc::bad_syntax},
      {"<a b=c/>", Errc::bad_syntax},
      {"<a b='1'c='2'/>", Errc::bad_syntax},
      {"<a b='<'/>", Errc::bad_syntax},
      {"<a b='1' b='2'/>", Errc::duplicate_attribute},
      {"<a b='1/>", Errc::bad_syntax},
      {"<a>]]></a>", Errc::bad_syntax},
      {"<a><!-- -- --></a>", Errc::bad_syntax},
      {"<a><!--></a>", Errc::bad_syntax},
      {"<a><![CDATA[</a>", Errc::bad_syntax},
      {"<a><?xml version='1.0'?></a>", Errc::bad_syntax},
      {" <?xml version='1.0'?><a/>", Errc::bad_syntax},
      {"<?xml?><a/>", Errc::bad_syntax},
      {"<?xml encoding='UTF-8'?><a/>", Errc::bad_syntax},
      {"<?xml version='1.0' encoding='ISO-8859-1'?><a/>", Errc::not_utf8},
      {"<a>\xE4</a>", Errc::not_utf8},
      {"<a>\xC0\x80</a>", Errc::not_utf8},
      {"<a>\xED\xA0\x80</a>", Errc::not_utf8},
      {"<a>\x01</a>", Errc::bad_character},
      {"<a>\xEF\xBF\xBF</a>", Errc::bad_character},
      {std::string_view("<a>\0</a>", 8), Errc::bad_character},
      {"<a>&#0;</a>", Errc::bad_character},
      {"<a>&#xD800;</a>", Errc::bad_character},
      {"<a>&#x110000;</a>", Errc::bad_character},
      {"<a>&#99999999999;</a>", Errc::bad_entity},
      {"<a>&nbsp;</a>", Errc::bad_entity},
      {"<a>&amp</a>", Errc::bad_entity},
      {"<a>& b;</a>", Errc::bad_entity},
      {"<a b='&x;'/>", Errc::bad_entity},
      {"<!DOCTYPE a><a/>", Errc::has_doctype},
      {"<!DOCTYPE a [<!ENTITY x 'y'>]><a>&x;</a>", Errc::has_doctype},
      {"<p:a/>", Errc::unbound_prefix},
      {"<a p:b='1'/>", Errc::unbound_prefix},
      {"<a xmlns:p='u'><b/></a><p:c/>", Errc::not_one_root},
      {"<a><b xmlns:p='u'/><p:c/></a>", Errc::unbound_prefix},
      {"<a xmlns:p=''/>", Errc::unbound_prefix},
      {"<a xmlns:xmlns='u'/>", Errc::unbound_prefix},
      {"<a xmlns:xml='u'/>", Errc::unbound_prefix},
      {"<a xmlns:p='u' xmlns:q='u' p:b='1' q:b='2'/>", Errc::duplicate_attribute},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text);
    CHECK(fault_of(row.text) == row.errc);
  }
}

TEST_CASE("what XML allows around and inside elements is taken") {
  for (const std::string_view text :
       {"<a/>", "\xEF\xBB\xBF<a/>", "<?xml version=\"1.0\"?>\r\n<a/>\n",
        "<?xml version='1.1' encoding='utf-8' standalone=\"no\"?><a/>",
        "<!-- c --><?p i?><a/><!-- c --><?q?>", "<a ><b\n/></a >", "<a b = 'x>y' c=\"it's\"/>",
        "<a><![CDATA[<&]]>]]&gt;</a>", "<a.b-c_1/>", "<\xC3\xA4/>",
        "<a>&#x9;&#65;&lt;&gt;&amp;&quot;&apos;</a>", "<a xml:lang='en'/>", "<a xmlns=''/>"}) {
    CAPTURE(text);
    CHECK(fault_of(text) == ErrorCode{});
  }
}

TEST_CASE("each limit is taken at its value and refused one past it") {
  SUBCASE("octets") {
    const std::string text = "<a>" + std::string(100, 'x') + "</a>";
    CHECK(fault_of(text, {.size = text.size()}) == ErrorCode{});
    CHECK(fault_of(text, {.size = text.size() - 1}) == Errc::too_large);
  }
  SUBCASE("depth") {
    const xml::Limits limits;
    CHECK(fault_of(repeat("<a>", limits.depth) + repeat("</a>", limits.depth)) == ErrorCode{});
    CHECK(fault_of(repeat("<a>", limits.depth + 1) + repeat("</a>", limits.depth + 1)) == Errc::too_deep);
  }
  SUBCASE("nodes") {
    CHECK(fault_of("<r>" + repeat("<a/>", 49'999) + "</r>") == ErrorCode{});
    CHECK(fault_of("<r>" + repeat("<a/>", 50'000) + "</r>") == Errc::too_many_nodes);
    CHECK(fault_of("<r>" + repeat("<!---->", 50'000) + "</r>") == Errc::too_many_nodes);
    CHECK(fault_of("<r>" + repeat("<![CDATA[]]>", 50'000) + "</r>") == Errc::too_many_nodes);
  }
  SUBCASE("attributes of one element") {
    std::string text = "<a";
    for (int i = 0; i < 64; ++i) text += " a" + std::to_string(i) + "=''";
    CHECK(fault_of(text + "/>") == ErrorCode{});
    CHECK(fault_of(text + " b=''/>") == Errc::too_many_attributes);
  }
  SUBCASE("namespace declarations in scope") {
    const auto nest = [](std::size_t levels) {
      return repeat("<a xmlns:p='u'>", levels) + repeat("</a>", levels);
    };
    CHECK(fault_of(nest(8), {.bindings = 8}) == ErrorCode{});
    CHECK(fault_of(nest(9), {.bindings = 8}) == Errc::too_many_bindings);
  }
  SUBCASE("octets of a namespace's name, which each element that is kept has copies of") {
    const auto declare = [](std::size_t octets) { return "<a xmlns='" + std::string(octets, 'u') + "'/>"; };
    CHECK(fault_of(declare(256)) == ErrorCode{});
    CHECK(fault_of(declare(257)) == Errc::long_namespace);
    CHECK(fault_of("<p:a xmlns:p='" + std::string(700'000, 'u') + "'>" + repeat("<p:x/>", 49'000) +
                   "</p:a>") == Errc::long_namespace);
  }
}

TEST_CASE("100 000 nested elements are refused without recursion") {
  CHECK(fault_of(repeat("<a>", 100'000) + repeat("</a>", 100'000)) == Errc::too_deep);
  CHECK(fault_of(repeat("<a>", 100'000)) == Errc::too_deep);
}

TEST_CASE("every cut of a good document is refused") {
  const std::string text =
      "<?xml version='1.0'?><a xmlns:p='u' b='&amp;'><p:c>x &#65; y</p:c><!-- c --><![CDATA[d]]><?e f?></a>";
  REQUIRE(fault_of(text) == ErrorCode{});
  for (std::size_t size = 0; size < text.size(); ++size) {
    CAPTURE(size);
    CHECK(fault_of(std::string_view(text).substr(0, size)) != ErrorCode{});
  }
}

TEST_CASE("each element's source is the element as written") {
  const auto document = xml::parse("\xEF\xBB\xBF<?xml version='1.0'?> <a><b/><c >x&lt;<!-- y --></c ></a> ");
  REQUIRE(document.has_value());
  CHECK(document->root().source() == "<a><b/><c >x&lt;<!-- y --></c ></a>");
  CHECK(document->root().child("", "b")->source() == "<b/>");
  CHECK(document->root().child("", "c")->source() == "<c >x&lt;<!-- y --></c >");
}

TEST_CASE("an odd octet is found wherever it stands") {
  const std::string text = "<a b='12345678'>abcdefghijklmnopqrstuvwxyz\t\r\n </a>";
  REQUIRE(fault_of(text) == ErrorCode{});
  for (std::size_t at = 0; at < text.size(); ++at) {
    CAPTURE(at);
    for (const char octet : {'\x00', '\x01', '\x1F', '\xA0', '\xFF'}) {
      std::string broken = text;
      broken[at] = octet;
      CHECK(fault_of(broken) ==
            (static_cast<unsigned char>(octet) < 0x80 ? Errc::bad_character : Errc::not_utf8));
    }
  }
}

TEST_CASE("a tree that outgrows its first block is whole, and the document does not need the text") {
  constexpr std::size_t count = 20'000;
  std::string text = "<r>" + repeat("<e a='&amp;'>x<!-- -->y</e>", count) + "</r>";
  const auto document = xml::parse(text, {.nodes = 100'000});
  text.assign(text.size(), '!');
  REQUIRE(document.has_value());
  std::size_t seen = 0;
  for (const auto& element : document->root().children()) {
    seen += element.text() == "xy" && element.attribute("a") == "&";
  }
  CHECK(seen == count);
}
