#include "server/presence/document.hpp"

#include <doctest/doctest.h>

using namespace beckon;
using namespace beckon::server;
using namespace beckon::server::presence;

namespace {

const std::string key = "Cmc3Z4rRrJ3V2aW9SObRq2B3aZU4gzcE4k+at9v/Dh8=";
const std::string secret = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

std::string direct(const std::string& mode = "auto") {
  return "<d:direct xmlns:d='urn:beckon:params:xml:ns:direct:1' v='1' mode='" + mode +
         "' profile='sealed' epoch='3f9a11c2'><d:key>" + key + "</d:key><d:secret>" + secret +
         "</d:secret></d:direct>";
}

std::string in_presence(const std::string& inside) {
  return "<?xml version='1.0'?>\n<presence xmlns='urn:ietf:params:xml:ns:pidf' "
         "xmlns:dm='urn:ietf:params:xml:ns:pidf:data-model' entity='sip:alice@example.org'>" +
         inside + "</presence>";
}

std::string tuple(const std::string& id, const std::string& status = "<basic>open</basic>") {
  return "<tuple id='" + id + "'><status>" + status + "</status></tuple>";
}

constexpr std::uint32_t elements_max = 10;
const Arrival tls{.secure = true, .requires_direct = true, .flow = 7};

publication::Reading read(const std::string& inside, const Arrival& arrival = tls) {
  return read_document(in_presence(inside), arrival, elements_max, false);
}

Document& document_in(const publication::Reading& reading) {
  REQUIRE(reading.state);
  return static_cast<Document&>(*reading.state);
}

bool mentions_direct(std::string_view text) { return text.find("ns:direct") != std::string_view::npos; }

}  // namespace

TEST_CASE("a document is kept as it was written, once") {
  const auto reading = read(tuple("a") + "<note>n</note>");
  Document& document = document_in(reading);
  CHECK(document.stored() ==
        in_presence(tuple("a") + "<note>n</note>").substr(22));  // without XML declaration
  CHECK(document.is_stored_whole());
  CHECK(reading.size == 2);
  CHECK(reading.device == publication::shorten("tuple:a"));
  CHECK(document.parse().notes.at(0).text == "n");
  CHECK(document.flow() == 0);
}

TEST_CASE("a body that is no presence document, or has an id twice, is 400 (RFC 3863 4.1.2)") {
  CHECK(read("<tuple").status == 400);
  CHECK_FALSE(read("<tuple").state);
  CHECK_FALSE(read_document("<other/>", tls, elements_max, false).state);
  const auto twins = read(tuple("a") + tuple("a"));
  CHECK_FALSE(twins.state);
  CHECK(twins.status == 400);
}

TEST_CASE("a document alone past the limit is not read further (DESIGN 7)") {
  std::string many;
  for (std::uint32_t i = 0; i < elements_max; ++i) many += tuple("t" + std::to_string(i));
  CHECK(read(many).state);
  const auto more = read(many + "<note>one more</note>");
  CHECK_FALSE(more.state);
  CHECK(more.size == elements_max + 1);
}

TEST_CASE("a <direct> is kept apart from the text, which goes to the store (DIRECT_SESSIONS 3.3)") {
  const auto reading = read(tuple("a") + tuple("b", "<basic>open</basic><x:y xmlns:x='urn:x'/>" + direct() +
                                                        "<x:z xmlns:x='urn:x'/>"));
  Document& document = document_in(reading);
  CHECK_FALSE(mentions_direct(document.stored()));
  CHECK_FALSE(document.is_stored_whole());
  CHECK(reading.warning.empty());
  REQUIRE(document.offers().size() == 1);
  const auto& offer = document.offers()[0];
  CHECK(offer.tuple == 1);
  CHECK(offer.position == 1);
  CHECK(offer.tuple_id == "b");
  CHECK(offer.shown.text.find(secret) == std::string::npos);
  CHECK(offer.shown.text.find(key) != std::string::npos);
  CHECK(document.flow() == 7);

  SUBCASE("it ends with its connection") {
    document.drop_flow_parts();
    CHECK(document.offers().empty());
    CHECK(document.flow() == 0);
  }
  SUBCASE("it moves to the connection of the last refresh") {
    document.move_to(8);
    CHECK(document.flow() == 8);
  }
  SUBCASE("the next document of the same epoch keeps the grants") {
    SeededRandom random(1);
    const std::string bob = "sip:bob@example.org";
    const std::string grant(document.offers()[0].direct.grant(bob, ds1::Mode::ask, random));
    const auto next = read(tuple("b", direct()));
    document_in(next).inherit(document);
    CHECK(document_in(next).offers()[0].direct.grant(bob, ds1::Mode::ask, random) == grant);
  }
}

TEST_CASE(
    "a <direct> that cannot be used is removed wherever it stands, with a warning (DIRECT_SESSIONS 3.2)") {
  struct {
    const char* what;
    std::string inside;
    Arrival arrival;
    const char* warning;
  } const rows[] = {
      {"outside a status", tuple("a") + "<x:y xmlns:x='urn:x'>" + direct() + "</x:y>", tls,
       "direct removed: not in a status"},
      {"inside another element", tuple("a", "<x:y xmlns:x='urn:x'>" + direct() + "</x:y>"), tls,
       "direct removed: not in a status"},
      {"two in a tuple", tuple("a", direct() + direct()), tls, "direct removed: more than one in a tuple"},
      {"without Require",
       tuple("a", direct()),
       {.secure = true, .flow = 7},
       "direct removed: Require: beckon-direct is missing"},
      {"mode off", tuple("a", direct("off")), tls, ""},
  };
  for (const auto& row : rows) {
    CAPTURE(row.what);
    const auto reading = read(row.inside, row.arrival);
    CHECK(reading.warning == row.warning);
    const Document& document = document_in(reading);
    CHECK_FALSE(mentions_direct(document.stored()));
    CHECK_FALSE(document.is_stored_whole());
  }
}

TEST_CASE("a secret over a hop without TLS is 403, wherever it stands (DIRECT_SESSIONS 3.1)") {
  const Arrival open{.requires_direct = true};
  CHECK(read(tuple("a", direct()), open).status == 403);
  CHECK(read(tuple("a") + direct(), open).status == 403);
}

TEST_CASE("a device without registration is known by its tuple (DIRECT_SESSIONS 3.3)") {
  const auto restored = read(tuple("b") + tuple("a")), same = read(tuple("a")), other = read(tuple("c"));
  CHECK(document_in(same).supersedes(document_in(restored)));
  CHECK_FALSE(document_in(other).supersedes(document_in(restored)));
}
