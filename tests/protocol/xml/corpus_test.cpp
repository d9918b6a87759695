#include <doctest/doctest.h>

#include <boost/json.hpp>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>

#include "protocol/xml/document.hpp"

using namespace beckon;
using xml::Errc;

namespace {

const std::filesystem::path folder = std::filesystem::path(BECKON_CORPORA) / "xml";

/// A file's octets; compressed ones through gzip.
std::string read(const std::filesystem::path& path) {
  if (path.extension() != ".gz") {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  std::string out;
  FILE* pipe = popen(("gzip -dc '" + path.string() + "'").c_str(), "r");
  REQUIRE(pipe != nullptr);
  char block[65536];
  for (std::size_t n = 0; (n = fread(block, 1, sizeof block, pipe)) > 0;) out.append(block, n);
  REQUIRE(pclose(pipe) == 0);
  return out;
}

}  // namespace

TEST_CASE("hostile documents: refused where xmllint refuses, and where a limit or a document type says so") {
  // Well-formed for a parser without our limits, but not for us.
  const std::map<std::string, Errc> ours = {{"external-entity.xml", Errc::has_doctype},
                                            {"million-attributes.xml.gz", Errc::too_many_attributes},
                                            {"huge-text.xml.gz", Errc::too_large},
                                            {"billion-laughs.xml", Errc::has_doctype},
                                            {"deep-nesting-100k.xml.gz", Errc::too_deep}};
  const auto index = boost::json::parse(read(folder / "hostile" / "index.json"));
  REQUIRE(index.as_array().size() >= 20);
  for (const auto& row : index.as_array()) {
    const std::string file(row.at("file").as_string());
    CAPTURE(file);
    const auto document = xml::parse(read(folder / "hostile" / file));
    const auto expected = ours.find(file);
    if (expected != ours.end()) {
      CHECK(document.error() == expected->second);
    } else {
      CHECK(document.has_value() == (row.at("xmllint").as_string() != "not-well-formed"));
    }
  }
}

TEST_CASE("a text of two megabytes is refused for its size alone") {
  const auto text = read(folder / "hostile" / "huge-text.xml.gz");
  CHECK(xml::parse(text, {.size = text.size()}).has_value());
}

TEST_CASE("every document printed in the RFCs is read; kept children stand alone") {
  // As printed these lack a namespace declaration, or a quote, or hold an end tag of another element.
  const std::map<std::string, Errc> broken = {{"rfc4826-s4.4.8-2.xml", Errc::unbound_prefix},
                                              {"rfc4482-s4-1.xml", Errc::mismatched_tag},
                                              {"rfc4235-s6.2-8.xml", Errc::mismatched_tag}};
  std::size_t count = 0;
  for (const auto* name : {"examples", "xcap-documents", "pres-rules-filter", "pjsip-presence-seeds"}) {
    for (const auto& entry : std::filesystem::directory_iterator(folder / name)) {
      if (entry.path().extension() != ".xml") continue;
      CAPTURE(entry.path().string());
      const auto document = xml::parse(read(entry.path()));
      if (const auto fault = broken.find(entry.path().filename().string()); fault != broken.end()) {
        CHECK(document.error() == fault->second);
        continue;
      }
      REQUIRE(document.has_value());
      ++count;
      for (const auto& child : document->root().children()) {
        const auto kept = child.keep();
        const auto again = xml::parse(kept.text);
        REQUIRE(again.has_value());
        CHECK(kept.is(again->root().ns(), again->root().name()));
      }
    }
  }
  CHECK(count > 100);
}
