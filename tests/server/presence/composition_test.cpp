#include "server/presence/composition.hpp"

#include <doctest/doctest.h>

#include <list>
#include <set>

using namespace beckon;
using namespace beckon::server;
using namespace beckon::server::presence;

namespace {

const std::string alice = "sip:alice@example.org";

/// Publications numbered from 1, the oldest first.
struct Bench {
  void publish(const std::string& inside) {
    documents_.emplace_back(
        "<presence xmlns=\"urn:ietf:params:xml:ns:pidf\""
        " xmlns:dm=\"urn:ietf:params:xml:ns:pidf:data-model\" entity=\"" +
        alice + "\">" + inside + "</presence>");
    sources.push_back({static_cast<std::uint16_t>(documents_.size()), &documents_.back()});
  }
  documents::Presence composed() {
    std::vector<const registrar::Binding*> silent;
    for (const auto& one : bindings) silent.push_back(&one);
    Names names;
    auto made = compose(alice, sources, silent, names);
    work = names.work();
    return std::move(made.presence);
  }

  std::vector<Source> sources;
  std::list<registrar::Binding> bindings;
  std::size_t work = 0;

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

TEST_CASE("of two persons with one id the later one counts (RFC 4479)") {
  Bench bench;
  bench.publish(person("p", "2026-11-21T05:00:00Z", "later"));
  bench.publish(person("p", "2026-11-21T04:00:00Z", "earlier"));
  const auto seen = bench.composed();
  REQUIRE(seen.persons.size() == 1);
  CHECK(seen.persons[0].notes.at(0).text == "later");
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
  CHECK(seen.tuples[0].contact->priority == 700);
  CHECK(seen.tuples[1].contact->priority == 500);
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
