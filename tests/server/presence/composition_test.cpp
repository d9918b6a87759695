#include "server/presence/composition.hpp"

#include <doctest/doctest.h>

#include <list>
#include <set>

#include "protocol/base/text.hpp"
#include "protocol/documents/schema_types.hpp"
#include "server/presence/standing.hpp"

using namespace beckon;
using namespace beckon::server;
using namespace beckon::server::presence;

namespace {

const std::string alice = "sip:alice@example.org";

/// Publications numbered from 1, the oldest first.
struct Bench {
  /// `time`: when it came.
  void publish(const std::string& inside, const std::string& time = "2026-11-21T06:00:00Z") {
    documents_.emplace_back(
        "<presence xmlns=\"urn:ietf:params:xml:ns:pidf\""
        " xmlns:dm=\"urn:ietf:params:xml:ns:pidf:data-model\" xmlns:r=\"urn:ietf:params:xml:ns:pidf:rpid\""
        " xmlns:ts=\"urn:ietf:params:xml:ns:pidf:timed-status\" entity=\"" +
            alice + "\">" + inside + "</presence>",
        parse_time(time));
    sources.push_back({static_cast<std::uint16_t>(documents_.size()), &documents_.back()});
  }
  documents::Presence composed() {
    std::vector<const registrar::Binding*> silent;
    for (const auto& one : bindings) silent.push_back(&one);
    Names names;
    auto made = compose(alice, sources, silent, circumstances, names);
    work = names.work();
    next = made.next;
    return std::move(made.presence);
  }

  std::vector<Source> sources;
  std::list<registrar::Binding> bindings;
  Circumstances circumstances{.now = *parse_time("2026-11-21T06:00:00Z")};
  std::size_t work = 0;
  WallTime next{};

 private:
  std::list<Document> documents_;
};

std::string tuple(const std::string& id) {
  return "<tuple id=\"" + id + "\"><status><basic>open</basic></status></tuple>";
}

std::string person(const std::string& id, const std::string& time, const std::string& note,
                   const std::string& name = "person") {
  return "<dm:" + name + " id=\"" + id + "\"><dm:note>" + note + "</dm:note><dm:timestamp>" + time +
         "</dm:timestamp></dm:" + name + ">";
}

std::string rpid_person(const std::string& id, const std::string& inside) {
  return "<dm:person id=\"" + id + "\">" + inside + "</dm:person>";
}

using Words = std::vector<std::string>;

Words kinds_of(const documents::Component& component) {
  Words kinds;
  for (const auto& element : component.extensions) kinds.push_back(element.name);
  return kinds;
}

std::set<std::string> ids_of(const documents::Presence& presence) {
  std::set<std::string> ids;
  for (const auto& one : presence.tuples) ids.insert(one.id);
  for (const auto& one : presence.persons) ids.insert(one.id);
  for (const auto& one : presence.devices) ids.insert(one.id);
  return ids;
}

registrar::Binding binding(const std::string& instance, float q = 0.5F) {
  registrar::Binding made({.contact = "sip:a@b", .instance = instance});
  made.q = q;
  return made;
}

}  // namespace

TEST_CASE("without publication and binding the presentity is closed (DESIGN 6)") {
  const auto seen = Bench().composed();
  REQUIRE(seen.tuples.size() == 1);
  CHECK(seen.tuples[0].basic == documents::Basic::closed);
}

TEST_CASE("a tuple id that is taken is renamed in the later publication, always in the same way (DESIGN 6)") {
  Bench bench;
  bench.publish(tuple("a"));
  bench.publish(tuple("a"));
  const auto first = bench.composed();
  REQUIRE(first.tuples.size() == 2);
  CHECK(first.tuples[0].id == "a");
  CHECK(first.tuples[1].id != "a");
  bench.publish(tuple("b"));
  CHECK(bench.composed().tuples[1].id == first.tuples[1].id);
}

TEST_CASE("ids stay unique, whatever the devices chose (RFC 3863 4.1.2)") {
  Bench bench;
  SUBCASE("a tuple named as another device's person") {
    bench.publish(tuple("a"));
    bench.publish(person("a", "", "n"));
  }
  SUBCASE("a device named as another device's person") {
    bench.publish(person("a", "", "n"));
    bench.publish(person("a", "", "n", "device"));
  }
  SUBCASE("a tuple that has the name another one would get") {
    bench.publish(tuple("a"));
    bench.publish(tuple("a"));
    const std::string made = bench.composed().tuples[1].id;
    bench = Bench();
    bench.publish(tuple("a") + tuple(made) + tuple(made + ".1"));
    bench.publish(tuple("a"));
  }
  SUBCASE("tuples without id") { bench.publish("<tuple/><tuple/><tuple/>"); }
  const auto seen = bench.composed();
  CHECK(ids_of(seen).size() == seen.tuples.size() + seen.persons.size() + seen.devices.size());
  CHECK_FALSE(ids_of(seen).contains(""));
}

TEST_CASE("there is one person: for each kind of element the newest publication speaks (RFC 4479 3.2, 3.5)") {
  Bench bench;
  SUBCASE("the later timestamp counts, whatever the ids") {
    bench.publish(person("p", "2026-11-21T05:00:00Z", "later"));
    bench.publish(person("q", "2026-11-21T04:00:00Z", "earlier"));
    const auto seen = bench.composed();
    REQUIRE(seen.persons.size() == 1);
    CHECK(seen.persons[0].notes.at(0).text == "later");
    CHECK(seen.persons[0].id == "p");
    CHECK(seen.persons[0].timestamp == "2026-11-21T05:00:00Z");
  }
  SUBCASE("without timestamp the time of publication does; what the newest does not say an older one says") {
    bench.publish(rpid_person("a", "<r:mood><r:happy/></r:mood><r:activities><r:away/></r:activities>"),
                  "2026-11-21T05:00:00Z");
    bench.publish(rpid_person("b", "<r:activities><r:meeting/></r:activities>"), "2026-11-21T05:30:00Z");
    bench.publish(person("c", "2026-11-21T05:15:00Z", "note"));
    const auto seen = bench.composed();
    REQUIRE(seen.persons.size() == 1);
    CHECK(documents::activities(seen.persons[0]) == Words{"meeting"});
    CHECK(kinds_of(seen.persons[0]) == Words{"activities", "mood"});
    CHECK(seen.persons[0].notes.at(0).text == "note");
  }
  SUBCASE("an empty element speaks too: the device says that there is no activity") {
    bench.publish(rpid_person("a", "<r:activities><r:away/></r:activities>"), "2026-11-21T05:00:00Z");
    bench.publish(rpid_person("b", "<r:activities/>"), "2026-11-21T05:30:00Z");
    const auto seen = bench.composed();
    REQUIRE(seen.persons.size() == 1);
    CHECK(documents::activities(seen.persons[0]).empty());
    CHECK(kinds_of(seen.persons[0]) == Words{"activities"});
  }
  SUBCASE("a clock that is ahead silences nobody") {
    bench.publish(person("p", "2036-01-01T00:00:00Z", "ahead"), "2026-11-21T05:00:00Z");
    bench.publish(person("p", "", "newer"), "2026-11-21T05:30:00Z");
    CHECK(bench.composed().persons.at(0).notes.at(0).text == "newer");
  }
  SUBCASE("of equal times the later publication counts") {
    bench.publish(person("p", "2026-11-21T05:00:00Z", "first"));
    bench.publish(person("p", "2026-11-21T05:00:00Z", "second"));
    CHECK(bench.composed().persons.at(0).notes.at(0).text == "second");
  }
  SUBCASE("several elements of one kind stay together") {
    bench.publish(rpid_person("a", "<r:activities><r:away/></r:activities>"), "2026-11-21T05:00:00Z");
    bench.publish(
        rpid_person("b", "<r:activities><r:tv/></r:activities><r:activities><r:meal/></r:activities>"),
        "2026-11-21T05:30:00Z");
    CHECK(documents::activities(bench.composed().persons.at(0)) == Words{"tv", "meal"});
  }
}

TEST_CASE(
    "persons of different classes are kept apart, as rules select by class (RFC 4480 3.3, RFC 5025 3.3.1)") {
  Bench bench;
  bench.publish(rpid_person("a", "<r:class>work</r:class><r:activities><r:meeting/></r:activities>"));
  bench.publish(rpid_person("b", "<r:class>friends</r:class><r:activities><r:playing/></r:activities>"));
  bench.publish(rpid_person("c", "<r:class>work</r:class><r:activities><r:busy/></r:activities>"));
  const auto seen = bench.composed();
  REQUIRE(seen.persons.size() == 2);
  CHECK(documents::activities(seen.persons[0]) == Words{"busy"});
  CHECK(documents::activities(seen.persons[1]) == Words{"playing"});
}

TEST_CASE("a person that a watcher may not see puts nothing into the one it may see (RFC 5025 3.3.1.2)") {
  Bench bench;
  bench.publish(rpid_person("public", "<r:activities><r:away/></r:activities>"), "2026-11-21T05:00:00Z");
  bench.publish(rpid_person("private", "<r:activities><r:travel/></r:activities><r:mood><r:sad/></r:mood>"),
                "2026-11-21T05:30:00Z");
  documents::Transformations what;
  what.persons.selectors = {{"occurrence-id", "public"}};
  bench.circumstances.what = &what;
  auto seen = bench.composed();
  REQUIRE(seen.persons.size() == 1);
  CHECK(documents::activities(seen.persons[0]) == Words{"away"});
  CHECK(kinds_of(seen.persons[0]) == Words{"activities"});
  bench.circumstances.on_the_phone = true;
  CHECK(documents::activities(bench.composed().persons.at(0)) == Words{"away", "on-the-phone"});
  what.persons.selectors.clear();
  CHECK(bench.composed().persons.empty());
}

TEST_CASE("devices with one deviceID are one; <deviceID> comes after what they say (RFC 4479 3.4, 5.1.2)") {
  Bench bench;
  const std::string id = "<dm:deviceID>urn:uuid:1</dm:deviceID>";
  bench.publish("<dm:device id=\"a\"><r:user-input>idle</r:user-input>" + id + "</dm:device>",
                "2026-11-21T05:00:00Z");
  bench.publish("<dm:device id=\"b\"><r:place-is/>" + id + "</dm:device>", "2026-11-21T05:30:00Z");
  bench.publish("<dm:device id=\"c\"><dm:deviceID>urn:uuid:2</dm:deviceID></dm:device>");
  const auto seen = bench.composed();
  REQUIRE(seen.devices.size() == 2);
  CHECK(seen.devices[0].id == "a");
  CHECK(kinds_of(seen.devices[0]) == Words{"place-is", "user-input", "deviceID"});
}

TEST_CASE("do-not-disturb and a call do not give way to newer activities of other devices (DESIGN 6)") {
  Bench bench;
  const auto dnd = [](const std::string& text) {
    return rpid_person("a", "<r:activities><r:busy/><r:other>" + text + "</r:other></r:activities>");
  };
  const std::string away = rpid_person("b", "<r:activities><r:away/></r:activities>");
  const std::string call = rpid_person("c", "<r:activities><r:on-the-phone/></r:activities>");
  const auto activities = [&] { return documents::activities(bench.composed().persons.at(0)); };
  SUBCASE("do-not-disturb, as it is written here and by liblinphone") {
    for (const char* text : {"do-not-disturb", "Do not disturb", "DND"}) {
      CAPTURE(text);
      Bench one;
      one.publish(dnd(text), "2026-11-21T05:00:00Z");
      one.publish(away, "2026-11-21T05:30:00Z");
      const auto seen = one.composed();
      CHECK(documents::activities(seen.persons.at(0)) == Words{"busy", "do-not-disturb"});
      CHECK(standing_of(seen) == Standing{Overall::do_not_disturb, true, true});
    }
  }
  SUBCASE("the device itself takes it back") {
    bench.publish(rpid_person("a", "<r:activities/>"));
    CHECK(activities().empty());
  }
  SUBCASE("a call shows before it, and beside it") {
    bench.publish(call, "2026-11-21T04:00:00Z");
    bench.publish(dnd("dnd"), "2026-11-21T05:00:00Z");
    bench.publish(away, "2026-11-21T05:30:00Z");
    CHECK(activities() == Words{"on-the-phone", "do-not-disturb"});
    CHECK(standing_of(bench.composed()) == Standing{Overall::on_the_phone, true, false, true});
  }
  SUBCASE("and neither does the wish for messages, or for one call at a time") {
    for (const char* wish : {"messages-only", "one-call"}) {
      CAPTURE(wish);
      Bench one;
      one.publish(
          rpid_person("a", "<r:activities><r:other>" + std::string(wish) + "</r:other></r:activities>"),
          "2026-11-21T05:00:00Z");
      one.publish(away, "2026-11-21T05:30:00Z");
      CHECK(documents::activities(one.composed().persons.at(0)) == Words{"away", wish});
    }
  }
  SUBCASE("a call that the server knows of") {
    bench.circumstances.on_the_phone = true;
    SUBCASE("and no device publishes") {
      bench.publish(tuple("t"));
      CHECK(activities() == Words{"on-the-phone"});
      CHECK(bench.composed().tuples.size() == 1);
    }
    SUBCASE("and of nothing else") {
      CHECK(activities() == Words{"on-the-phone"});
      CHECK(bench.composed().tuples.at(0).basic == documents::Basic::closed);
    }
    SUBCASE("beside what devices say") {
      bench.publish(away);
      CHECK(activities() == Words{"away", "on-the-phone"});
    }
    SUBCASE("instead of <unknown>, which stands alone") {
      bench.publish(rpid_person("a", "<r:activities><r:unknown/></r:activities>"));
      CHECK(activities() == Words{"on-the-phone"});
    }
  }
}

TEST_CASE("what is no xs:ID is renamed, always in the same way (RFC 3863 4.1.2, 4.4)") {
  for (const char* id : {"", "my phone", "1a", "-a", "a:b", "a\t"}) {
    CAPTURE(id);
    Bench bench;
    bench.publish(tuple(id) + person(std::string(id) + " ?", "", "n") +
                  person(std::string(id) + " !", "", "n", "device"));
    const auto seen = bench.composed();
    const auto ids = ids_of(seen);
    CHECK(ids.size() == 3);
    for (const std::string& made : ids) CHECK(documents::is_xs_id(made));
    CHECK(ids_of(bench.composed()) == ids);
  }
  Bench bench;
  bench.publish(tuple(" a "));  // white space around it is none of it (xs:ID)
  CHECK(bench.composed().tuples.at(0).id == "a");
}

TEST_CASE("values that no schema takes do not reach watchers (RFC 3863 4.4, RFC 4480 5.1)") {
  Bench bench;
  SUBCASE("timestamps") {
    const std::pair<std::string, std::string> rows[] = {
        {"2026-11-21T05:00:00.5+09:00", "2026-11-21T05:00:00.5+09:00"},
        {"2026-11-21T05:00:00", "2026-11-21T05:00:00"},
        {"2026-11-21t05:00:00z", "2026-11-21T05:00:00Z"},
        {"2026-11-21T05:00:60Z", "2026-11-21T05:01:00Z"},
        {"yesterday", ""},
        {"1764567890", ""},
        {"2026-13-21T05:00:00Z", ""}};
    for (const auto& [written, shown] : rows) {
      CAPTURE(written);
      Bench one;
      one.publish("<tuple id=\"a\"><status/><timestamp>" + written + "</timestamp></tuple>" +
                  person("p", written, "n"));
      const auto seen = one.composed();
      CHECK(seen.tuples.at(0).timestamp == shown);
      CHECK(seen.persons.at(0).timestamp == shown);
    }
  }
  SUBCASE("basic and priority") {
    bench.publish(
        "<tuple id=\"a\"><status><basic>unknown</basic></status><contact "
        "priority=\"7\">sip:a@b</contact></tuple>");
    const auto seen = bench.composed();
    CHECK_FALSE(seen.tuples.at(0).basic.has_value());
    CHECK_FALSE(seen.tuples.at(0).contact->priority.has_value());
  }
  SUBCASE("languages of notes") {
    bench.publish("<note xml:lang=\"not a language\">x</note><note xml:lang=\"de-AT\">y</note>");
    const auto seen = bench.composed();
    CHECK(seen.notes.at(0).lang.empty());
    CHECK(seen.notes.at(1).lang == "de-AT");
  }
  SUBCASE("ids of RPID elements that are taken, or are none") {
    bench.publish(rpid_person("p",
                              "<r:mood id=\"p\"><r:happy/></r:mood><r:sphere id=\"1\"><r:home/></r:sphere>"
                              "<r:privacy id=\"own\"><r:unknown/></r:privacy>"));
    const auto seen = bench.composed().persons.at(0);
    std::set<std::string> ids{seen.id};
    for (const auto& element : seen.extensions) {
      const auto document = xml::parse(element).value();
      const std::string id(document.root().attribute("id").value());
      CHECK(documents::is_xs_id(id));
      ids.insert(id);
    }
    CHECK(ids.size() == 4);
    CHECK(ids.contains("own"));
  }
}

TEST_CASE("unknown elements, and those in a wrong place, harm nobody and are relayed (pjsip's busy)") {
  Bench bench;
  bench.publish(
      "<dm:person id=\"p\"><r:activities><r:busy/></r:activities><note>Busy</note>"
      "<x:y xmlns:x=\"urn:x\"/></dm:person>");
  const auto seen = bench.composed().persons.at(0);
  CHECK(seen.notes.at(0).text == "Busy");
  CHECK(kinds_of(seen) == Words{"activities", "y"});
}

TEST_CASE("time alone changes a state, and the composition says when (RFC 4480 3.1, RFC 4481 3)") {
  Bench bench;
  const auto at = [&](const char* time) { bench.circumstances.now = *parse_time(time); };
  SUBCASE("an RPID element ends with its `until`, and begins with its `from`") {
    bench.publish(rpid_person("a",
                              "<r:activities until=\"2026-11-21T07:00:00Z\"><r:meeting/></r:activities>"
                              "<r:activities from=\"2026-11-21T08:00:00Z\"><r:meal/></r:activities>"));
    CHECK(documents::activities(bench.composed().persons.at(0)) == Words{"meeting"});
    CHECK(bench.next == *parse_time("2026-11-21T07:00:00Z"));
    at("2026-11-21T07:00:00Z");
    CHECK(bench.composed().persons.at(0).extensions.empty());
    CHECK(bench.next == *parse_time("2026-11-21T08:00:00Z"));
    at("2026-11-21T08:00:00Z");
    CHECK(documents::activities(bench.composed().persons.at(0)) == Words{"meal"});
    CHECK(bench.next == WallTime::max());
  }
  SUBCASE("moments within one second are one") {
    bench.publish(rpid_person("a",
                              "<r:activities until=\"2026-11-21T07:00:00.001Z\"><r:meeting/></r:activities>"
                              "<r:mood until=\"2026-11-21T07:00:00.002Z\"><r:happy/></r:mood>"));
    bench.composed();
    CHECK(bench.next == *parse_time("2026-11-21T07:00:01Z"));
    at("2026-11-21T07:00:01Z");
    CHECK(bench.composed().persons.at(0).extensions.empty());
    CHECK(bench.next == WallTime::max());
  }
  SUBCASE("what has ended does not speak any more: an older one does") {
    bench.publish(rpid_person("a", "<r:activities><r:away/></r:activities>"), "2026-11-21T05:00:00Z");
    bench.publish(
        rpid_person("b", "<r:activities until=\"2026-11-21T07:00:00Z\"><r:meeting/></r:activities>"));
    CHECK(documents::activities(bench.composed().persons.at(0)) == Words{"meeting"});
    at("2026-11-21T07:00:01Z");
    CHECK(documents::activities(bench.composed().persons.at(0)) == Words{"away"});
  }
  SUBCASE("a timed status is the status while its time is now, and gone afterwards") {
    bench.publish(
        "<tuple id=\"a\"><status><basic>open</basic></status>"
        "<ts:timed-status from=\"2026-11-21T07:00:00Z\" "
        "until=\"2026-11-21T09:00:00Z\"><ts:basic>closed</ts:basic>"
        "<ts:note>on a plane</ts:note></ts:timed-status>"
        "<ts:timed-status from=\"2026-11-21T08:00:00Z\" "
        "until=\"2026-11-21T09:00:00Z\"><ts:note>landing</ts:note>"
        "</ts:timed-status><note>at home</note></tuple>");
    const auto seen = [&] { return bench.composed().tuples.at(0); };
    CHECK(seen().basic == documents::Basic::open);
    CHECK(seen().extensions.size() == 2);  // they are of use to watchers that plan
    CHECK(bench.next == *parse_time("2026-11-21T07:00:00Z"));
    at("2026-11-21T07:30:00Z");
    CHECK(seen().basic == documents::Basic::closed);
    CHECK(seen().notes.at(0).text == "on a plane");
    CHECK(seen().extensions.size() == 1);
    CHECK(bench.next == *parse_time("2026-11-21T08:00:00Z"));
    at("2026-11-21T08:30:00Z");
    CHECK(seen().basic == documents::Basic::closed);
    CHECK(seen().notes.at(0).text == "landing");
    at("2026-11-21T09:00:00Z");
    CHECK(seen().basic == documents::Basic::open);
    CHECK(seen().notes.at(0).text == "at home");
    CHECK(seen().extensions.empty());
    CHECK(bench.next == WallTime::max());
  }
  SUBCASE("times that cannot be read are relayed") {
    bench.publish("<tuple id=\"a\"><status/><ts:timed-status from=\"soon\"/></tuple>" +
                  rpid_person("a", "<r:mood until=\"later\"/>"));
    const auto seen = bench.composed();
    CHECK(seen.tuples.at(0).extensions.size() == 1);
    CHECK(seen.persons.at(0).extensions.size() == 1);
  }
}

TEST_CASE("equal notes and extensions stand once") {
  Bench bench;
  bench.publish("<note>here</note><x:y xmlns:x=\"urn:x\"/>");
  bench.publish("<note>here</note><note>there</note><x:y xmlns:x=\"urn:x\"/>");
  const auto seen = bench.composed();
  CHECK(seen.notes.size() == 2);
  CHECK(seen.extensions.size() == 1);
}

TEST_CASE("a registered device that never published is open; its flows are one device (DESIGN 6, RFC 5626)") {
  Bench bench;
  bench.bindings = {binding("urn:uuid:1"), binding("urn:uuid:2"), binding("urn:uuid:1", 0.7F)};
  const auto seen = bench.composed();
  REQUIRE(seen.tuples.size() == 2);
  CHECK(seen.tuples[0].basic == documents::Basic::open);
  CHECK(seen.tuples[0].contact->uri == alice);
  // It says nothing that would rank it before what the user published.
  CHECK_FALSE(seen.tuples[0].contact->priority.has_value());
  CHECK_FALSE(seen.tuples[1].contact->priority.has_value());
}

TEST_CASE("ten publications of the same 8 000 ids are composed in linear work") {
  constexpr std::size_t tuples = 8000, publications = 10;
  const auto work_for = [](const std::string& inside) {
    Bench bench;
    for (std::size_t i = 0; i < publications; ++i) bench.publish(inside);
    const auto seen = bench.composed();
    return std::pair(bench.work, seen);
  };
  SUBCASE("tuples") {
    std::string all;
    for (std::size_t i = 0; i < tuples; ++i) all += tuple("t" + std::to_string(i));
    const auto [work, seen] = work_for(all);
    CHECK(seen.tuples.size() == tuples * publications);
    CHECK(ids_of(seen).size() == tuples * publications);
    CHECK(work <= 4 * tuples * publications);
  }
  SUBCASE("tuples without id") {
    std::string all;
    for (std::size_t i = 0; i < tuples; ++i) all += "<tuple/>";
    const auto [work, seen] = work_for(all);
    CHECK(ids_of(seen).size() == tuples * publications);
    CHECK(work <= 4 * tuples * publications);
  }
  SUBCASE("tuples that take the names made for others") {
    // The names that the second publication's tuples would get, and their successors.
    Bench probe;
    std::string wanted;
    for (std::size_t i = 0; i < tuples / 2; ++i) wanted += tuple("t" + std::to_string(i));
    probe.publish(wanted);
    probe.publish(wanted);
    const auto first = probe.composed();
    std::string all = wanted;
    for (std::size_t i = 0; i < tuples / 2; ++i) all += tuple(first.tuples[tuples / 2 + i].id);
    const auto [work, seen] = work_for(all);
    CHECK(ids_of(seen).size() == tuples * publications);
    CHECK(work <= 5 * tuples * publications);
  }
}
