#include "server/presence/presentity.hpp"

#include <doctest/doctest.h>

using namespace beckon;
using namespace beckon::server;
using namespace beckon::server::presence;

namespace {

const std::string alice = "sip:alice@example.org";

struct Bench {
  Bench() : presentity(alice, event::Compositor({10}, [this] { return "e" + std::to_string(++minted); })) {}

  /// Publishes as a device of its own; the publication's id.
  std::string publish(const std::string& inside, const std::string& instance = {}) {
    const std::string text =
        "<presence xmlns=\"urn:ietf:params:xml:ns:pidf\""
        " xmlns:dm=\"urn:ietf:params:xml:ns:pidf:data-model\" entity=\"" +
        alice + "\">" + inside + "</presence>";
    event::Compositor next = presentity.compositor();
    event::Compositor::Request request;
    request.document = share(text);
    request.expires = 600s;
    request.instance = instance;
    const auto answer = next.on_publish(request, now);
    auto read = read_publication(text, {.secure = true, .requires_direct = true, .flow = 1});
    REQUIRE(read.value.has_value());
    presentity.apply(std::move(next), answer.id, std::move(read.value->publication));
    return answer.id;
  }
  SharedText render(const documents::Transformations& what,
                    const std::string& watcher = "sip:bob@example.org") {
    return presentity.render(what, true, watcher, random);
  }
  documents::Presence seen() { return documents::parse_pidf(*render(everything())).value(); }

  Time now{};
  int minted = 0;
  SeededRandom random{1};
  Presentity presentity;
};

const std::string open_tuple = "<tuple id=\"a\"><status><basic>open</basic></status></tuple>";

registrar::Binding binding(const std::string& instance) {
  registrar::Binding made({.contact = "sip:dev@192.0.2.9:5070", .instance = instance});
  made.q = 0.5;
  return made;
}

}  // namespace

TEST_CASE("a document is composed once for each version and class of watchers (DESIGN 1.3)") {
  Bench bench;
  bench.publish(open_tuple);
  documents::Transformations less = everything();
  less.all_attributes = false;
  const auto first = bench.render(everything());
  CHECK(bench.render(everything(), "sip:carol@example.org") == first);  // the same text, not an equal one
  CHECK(bench.render(less) != first);
  CHECK(bench.render(everything()) == first);
  bench.publish(open_tuple);
  CHECK(bench.render(everything()) != first);
}

TEST_CASE("without publication and binding the presentity is closed (DESIGN 6)") {
  Bench bench;
  const auto seen = bench.seen();
  REQUIRE(seen.tuples.size() == 1);
  CHECK(seen.tuples[0].basic == documents::Basic::closed);
  CHECK(bench.presentity.idle());
}

TEST_CASE("a clashing tuple id is renamed in the later publication, always alike (DESIGN 6)") {
  Bench bench;
  bench.publish(open_tuple);
  bench.publish(open_tuple);
  const auto first = bench.seen();
  REQUIRE(first.tuples.size() == 2);
  CHECK(first.tuples[0].id == "a");
  CHECK(first.tuples[1].id != "a");
  bench.publish("<tuple id=\"b\"><status><basic>open</basic></status></tuple>");
  CHECK(bench.seen().tuples[1].id == first.tuples[1].id);
}

TEST_CASE("of two persons with one id the later one speaks (RFC 4479)") {
  const auto person = [](const std::string& time, const std::string& note) {
    return "<dm:person id=\"p\"><dm:note>" + note + "</dm:note><dm:timestamp>" + time +
           "</dm:timestamp></dm:person>";
  };
  Bench bench;
  bench.publish(person("2026-11-21T05:00:00Z", "later"));
  bench.publish(person("2026-11-21T04:00:00Z", "earlier"));
  const auto seen = bench.seen();
  REQUIRE(seen.persons.size() == 1);
  CHECK(seen.persons[0].notes.at(0).text == "later");
}

TEST_CASE(
    "bindings speak for devices that never published, and only where that changes something (DESIGN 6)") {
  Bench bench;
  CHECK(bench.presentity.on_bindings_changed({binding("urn:uuid:1"), binding("urn:uuid:2")}));
  CHECK(bench.seen().tuples.size() == 2);
  CHECK(bench.seen().tuples[0].contact->priority == 500);
  CHECK_FALSE(bench.presentity.on_bindings_changed({binding("urn:uuid:1"), binding("urn:uuid:2")}));
  bench.publish(open_tuple, "urn:uuid:1");
  const auto mixed = bench.seen();
  REQUIRE(mixed.tuples.size() == 2);
  CHECK(mixed.tuples[0].id == "a");
  CHECK_FALSE(bench.presentity.on_bindings_changed({binding("urn:uuid:2")}));
  CHECK(bench.presentity.on_bindings_changed({}));
}

TEST_CASE("ids that ran out are named once, and a presentity with nothing left is idle") {
  Bench bench;
  const auto id = bench.publish(open_tuple, "urn:uuid:1");
  CHECK_FALSE(bench.presentity.idle());
  CHECK(bench.presentity.expire(bench.now + 599s).empty());
  CHECK(bench.presentity.expire(bench.now + 600s) == std::vector{id});
  CHECK(bench.presentity.expire(bench.now + 600s).empty());
  CHECK(bench.presentity.idle());
}
