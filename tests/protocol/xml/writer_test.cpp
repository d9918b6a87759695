#include "protocol/xml/writer.hpp"

#include <doctest/doctest.h>

#include "protocol/xml/document.hpp"

using namespace beckon;

TEST_CASE("the writer escapes values, ends empty elements short and closes what is open") {
  xml::Writer writer;
  writer.open("a").declare("", "urn:a").declare("p", "urn:p").attribute("k", "\"<&>'").attribute("n", 7u);
  writer.element("p:b", "x < y & z").element("p:c", "").raw("<d/>").open("e").text("t");
  CHECK(writer.finish() ==
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
        "<a xmlns=\"urn:a\" xmlns:p=\"urn:p\" k=\"&quot;&lt;&amp;&gt;'\" n=\"7\">"
        "<p:b>x &lt; y &amp; z</p:b><p:c/><d/><e>t</e></a>");
}

TEST_CASE("whatever octets are written, the text is a document that reads back") {
  std::string octets;
  for (int i = 0; i < 256; ++i) octets.push_back(static_cast<char>(i));
  octets += "\xEF\xBF\xBE\xEF\xBF\xBF\xE2\x82\xAC\xF0\x9F\x98\x80]]>\xE2\x82";
  xml::Writer writer;
  writer.open("a").attribute("b", octets).text(octets);
  const auto document = xml::parse(writer.finish());
  REQUIRE(document.has_value());
  CHECK(document->root().text() == document->root().attribute("b"));
  CHECK(document->root().text().find("\xE2\x82\xAC\xF0\x9F\x98\x80]]>") != std::string_view::npos);
}
