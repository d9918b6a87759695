#include "protocol/documents/direct.hpp"

#include <doctest/doctest.h>

#include <fstream>
#include <iterator>

#include "protocol/base/text.hpp"
#include "protocol/documents/namespaces.hpp"

using namespace beckon;
using namespace beckon::documents;

namespace {

Presence load(const char* name) {
  std::ifstream file(std::string(BECKON_TEST_DATA "/direct/") + name, std::ios::binary);
  auto presence = parse_pidf(std::string(std::istreambuf_iterator<char>(file), {}));
  REQUIRE(presence.has_value());
  return *presence;
}

xml::Fragment fragment(const std::string& text) {
  const auto document = xml::parse(text);
  REQUIRE(document.has_value());
  return document->root().keep();
}

const std::string key = "<key>Cmc3Z4rRrJ3V2aW9SObRq2B3aZU4gzcE4k+at9v/Dh8=</key>";
const std::string secret = "<secret>AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=</secret>";

/// A <direct> with these attributes and children.
xml::Fragment element(const std::string& attributes, const std::string& children) {
  return fragment("<direct xmlns='urn:beckon:params:xml:ns:direct:1' " + attributes + ">" + children +
                  "</direct>");
}

const std::string sealed = "v='1' mode='auto' profile='sealed' epoch='3f9a11c2'";

}  // namespace

TEST_CASE("the NOTIFY of the specification is read with every value (DIRECT_SESSIONS 2)") {
  const auto presence = load("notify.xml");
  const auto direct = find_direct(presence.tuples.at(0));
  REQUIRE(direct);
  CHECK(direct->version == 1);
  CHECK(direct->mode == ds1::Mode::automatic);
  CHECK(direct->profile == Profile::sealed);
  CHECK(direct->epoch == ds1::Epoch{0x3f, 0x9a, 0x11, 0xc2});
  REQUIRE(direct->media.size() == 2);
  const Media& audio = direct->media[0];
  CHECK(audio.codecs ==
        std::vector<Codec>{{111, "opus", 48000, 2, 20, "useinbandfec=1"}, {0, "PCMU", 8000, 1, 20, ""}});
  CHECK(audio.maxrate == 64000);
  const Media& video = direct->media[1];
  CHECK(video.dir == Direction::recvonly);
  CHECK(video.codecs == std::vector<Codec>{{96, "VP8", 90000, 1, 0, ""}});
  CHECK(direct->mode_of(MediaKind::audio) == ds1::Mode::automatic);
  CHECK(direct->mode_of(MediaKind::video) == ds1::Mode::ask);
  REQUIRE(direct->candidates.size() == 3);
  CHECK(print(direct->candidates[1].address) == "[2001:db8::10]:40000");
  CHECK(direct->candidates[2].type == Candidate::Type::srflx);
  CHECK(to_hex(direct->key) == "0a6737678ad1ac9dd5d9a5bd48e6d1ab6077699538833704e24f9ab7dbff0e1f");
  REQUIRE(direct->ident);
  CHECK(to_hex(direct->ident->key) == "9e7c29d6635595f1c0e30f29f9d390308885f3244678880de99a3fc38c7b12fa");
  CHECK(to_hex(direct->ident->fingerprint) ==
        "927663252f1266d6d03a493303595ca2b733300c6882ef32ed0d08fbcf314b7c");
  CHECK_FALSE(direct->secret);
  REQUIRE(direct->grant);
  CHECK(to_hex(direct->grant->ticket).starts_with("a0a1a2a3a4a5a6a7a8a9aaab"));
  CHECK(to_hex(direct->grant->psk) == "4b3a8d1ae0df7e92d97a28efba6a9f8f332ad0d1b15f605dfb58f9eb2c0014b0");
}

TEST_CASE("printed text reads back unchanged") {
  for (const char* name : {"notify.xml", "publish.xml"}) {
    CAPTURE(name);
    const auto direct = find_direct(load(name).tuples.at(0));
    REQUIRE(direct);
    const auto printed = print(*direct);
    const auto again = parse_direct(printed);
    REQUIRE(again.has_value());
    CHECK(print(*again) == printed);
    CHECK(again->media == direct->media);
    CHECK(again->candidates == direct->candidates);
    CHECK(again->ident == direct->ident);
    CHECK(again->secret == direct->secret);
    CHECK(again->grant.has_value() == direct->grant.has_value());
  }
}

TEST_CASE("an element that a watcher cannot use counts as absent (DIRECT_SESSIONS 2)") {
  CHECK(parse_direct(element(sealed, key)).has_value());
  CHECK(parse_direct(fragment("<direct/>")).error() == Errc::wrong_root);
  for (const char* attributes :
       {"v='2' mode='auto' profile='sealed' epoch='3f9a11c2'",
        "mode='auto' profile='sealed' epoch='3f9a11c2'", "v='1' mode='auto' profile='open' epoch='3f9a11c2'",
        "v='1' mode='auto' profile='sealed' epoch='3f9a11'", "v='1' mode='auto' profile='sealed'"}) {
    CAPTURE(attributes);
    CHECK(parse_direct(element(attributes, key)).error() == Errc::bad_value);
  }
  CHECK(parse_direct(element(sealed, "")).error() == Errc::bad_value);
  CHECK(parse_direct(element(sealed, key + key)).error() == Errc::bad_value);
  CHECK(parse_direct(element(sealed, "<key>AAAA</key>")).error() == Errc::bad_value);
}

TEST_CASE("the version we know is found among others; an unknown mode is off") {
  Tuple tuple;
  tuple.status_extensions = {element("v='2' mode='auto' profile='new'", ""), element(sealed, key)};
  REQUIRE(find_direct(tuple));
  CHECK(find_direct(tuple)->version == 1);
  CHECK(remove_direct(tuple));
  CHECK_FALSE(find_direct(tuple));
  CHECK_FALSE(remove_direct(tuple));
  const auto odd = parse_direct(element("v='1' mode='maybe' profile='sealed' epoch='3f9a11c2'", key));
  REQUIRE(odd.has_value());
  CHECK(odd->mode == ds1::Mode::off);
}

TEST_CASE("unknown and broken children are ignored one by one (DIRECT_SESSIONS 2)") {
  const auto direct = parse_direct(element(
      sealed,
      "<media kind='smell'/><media kind='audio' dir='sideways'/><media kind='audio' x='y'>"
      "<codec pt='64' name='x' clock='1'/><codec pt='128' name='x' clock='1'/><codec pt='96' clock='1'/>"
      "<codec pt='97' name='x' clock='0'/><codec pt='98' name='opus' clock='48000'/>"
      "<codec pt='98' name='again' clock='8000'/></media><media kind='audio'><codec pt='0' name='PCMU' "
      "clock='8000'/>"
      "</media><cand type='relay' prio='1' ip='192.0.2.1' port='4000'/>"
      "<cand type='host' prio='1' ip='example.org' port='4000'/><cand type='host' prio='1' ip='192.0.2.1' "
      "port='70000'/>"
      "<cand type='host' prio='1' ip='192.0.2.1' port='4000'/><cand type='host' prio='2' ip='192.0.2.2' "
      "port='4000'/>"
      "<ident key='AAAA' sig='AAAA'/><grant><ticket>AAAA</ticket></grant><new><thing/></new>" +
          key));
  REQUIRE(direct.has_value());
  REQUIRE(direct->media.size() == 1);
  CHECK(direct->media[0].codecs == std::vector<Codec>{{98, "opus", 48000, 1, 0, ""}});
  CHECK(direct->media[0].maxrate == default_audio_rate);
  REQUIRE(direct->candidates.size() == 2);
  CHECK(direct->candidates[0].priority == 2);
  CHECK_FALSE(direct->ident);
  CHECK_FALSE(direct->grant);
}

TEST_CASE("no more codecs and candidates are read than the specification allows") {
  std::string codecs;
  for (int pt = 0; pt < 40; ++pt) codecs += "<codec pt='" + std::to_string(pt) + "' name='x' clock='1'/>";
  std::string candidates;
  for (int i = 0; i < 20; ++i) candidates += "<cand type='host' prio='1' ip='192.0.2.1' port='4000'/>";
  const auto direct =
      parse_direct(element(sealed, key + "<media kind='audio'>" + codecs + "</media>" + candidates));
  REQUIRE(direct.has_value());
  CHECK(direct->media.at(0).codecs.size() == direct_codecs_max);
  CHECK(direct->candidates.size() == direct_candidates_max);
}

TEST_CASE("the server's check of a published element says why it is stripped (DIRECT_SESSIONS 3.2)") {
  const auto good = check_published(element(sealed, key + secret + "<new x='1'/>"));
  REQUIRE(good.value);
  CHECK(good.why.empty());
  CHECK(good.value->mode == ds1::Mode::automatic);
  CHECK(good.value->epoch == ds1::Epoch{0x3f, 0x9a, 0x11, 0xc2});
  CHECK(good.value->secret[31] == 31);
  CHECK(check_published(element("v='1' mode='ask' profile='plain'", "")).value);

  struct Row {
    xml::Fragment element;
    const char* why;
  };
  const std::string base = "profile='sealed' epoch='3f9a11c2'";
  for (const Row& row :
       {Row{fragment("<direct/>"), "not a direct element"},
        Row{element("v='2' mode='auto' " + base, key + secret), "unknown version"},
        Row{element("v='1' mode='maybe' " + base, key + secret), "bad mode"},
        Row{element("v='1' " + base, key + secret), "bad mode"},
        Row{element("v='1' mode='auto' profile='odd'", key + secret), "unknown profile"},
        Row{element("v='1' mode='auto' profile='sealed' epoch='xyz'", key + secret), "bad epoch"},
        Row{element(sealed, secret), "bad key"}, Row{element(sealed, key + key + secret), "bad key"},
        Row{element(sealed, key), "no secret"}, Row{element(sealed, key + secret + secret), "two secrets"},
        Row{element(sealed, key + "<secret>AAAA</secret>"), "bad secret"},
        Row{element("v='1' mode='ask' profile='plain'", secret), "a secret in profile plain"},
        Row{element(sealed, key + secret + "<media kind='audio' mode='x'/>"), "bad media mode"},
        Row{element(sealed, key + secret + "<x>" + std::string(16384, 'x') + "</x>"), "too large"}}) {
    CAPTURE(row.element.text.substr(0, 200));
    const auto check = check_published(row.element);
    CHECK_FALSE(check.value);
    CHECK(check.why == row.why);
  }
}

TEST_CASE(
    "the shared text has modes lowered, no secret, no grant, and all else as written (DIRECT_SESSIONS 3.5)") {
  const auto published = element(
      sealed + " new='1'",
      key + secret +
          "<media kind='audio'/><media kind='video' mode='auto' q=\"2\"/><n:new xmlns:n='urn:n'>x</n:new>" +
          "<grant>forged</grant><media kind='x' mode='ask'/><!-- kept -->");
  SUBCASE("to ask") {
    const auto shared = lower(published, ds1::Mode::ask);
    CHECK(shared.text ==
          "<direct xmlns='urn:beckon:params:xml:ns:direct:1' v='1' mode='ask' profile='sealed' "
          "epoch='3f9a11c2' new='1'>" +
              key +
              "<media kind='audio'/><media kind='video' mode='ask' q=\"2\"/><n:new xmlns:n='urn:n'>x</n:new>"
              "<media kind='x' mode='ask'/><!-- kept --></direct>");
    CHECK(shared.text.substr(grant_offset(shared)) == "</direct>");
  }
  SUBCASE("unchanged at the published mode") {
    const auto shared = lower(published, ds1::Mode::automatic);
    CHECK(shared.text.find("mode='auto' q=") != std::string::npos);
    CHECK(shared.text.find("secret") == std::string::npos);
  }
  SUBCASE("an element without children gets a place for the grant") {
    const auto shared =
        lower(fragment("<d:direct xmlns:d='urn:beckon:params:xml:ns:direct:1' v='1' mode='ask' "
                       "profile='plain'/>"),
              ds1::Mode::ask);
    CHECK(shared.text.substr(grant_offset(shared)) == "</d:direct>");
  }
}

TEST_CASE("one watcher's grant is spliced into the shared document (DIRECT_SESSIONS 3.5)") {
  auto presence = load("publish.xml");
  presence.tuples.push_back(presence.tuples[0]);
  presence.tuples[1].id = "phone";
  for (Tuple& tuple : presence.tuples) {
    for (auto& extension : tuple.status_extensions) {
      if (is_direct(extension)) extension = lower(extension, ds1::Mode::ask);
    }
  }
  const auto printed = print_with_grant_places(presence);
  CHECK(printed.text == print(presence));
  REQUIRE(printed.grants.size() == 2);
  CHECK(printed.grants[0].tuple_id == "laptop");
  CHECK(printed.grants[1].tuple_id == "phone");

  std::string text = printed.text;
  text.insert(printed.grants[1].offset, print(ds1::Grant{Bytes(92, 2), {}}));
  text.insert(printed.grants[0].offset, print(ds1::Grant{Bytes(60, 1), {}}));
  const auto received = parse_pidf(text);
  REQUIRE(received.has_value());
  const auto first = find_direct(received->tuples.at(0));
  const auto second = find_direct(received->tuples.at(1));
  REQUIRE((first && second));
  CHECK(first->grant->ticket == Bytes(60, 1));
  CHECK(second->grant->ticket == Bytes(92, 2));
  CHECK_FALSE(first->secret);
  CHECK(first->mode == ds1::Mode::ask);
}
