#include "protocol/documents/direct.hpp"
#include "protocol/documents/pidf_diff.hpp"
#include "protocol/xml/document.hpp"
#include "tests/server/packages/stage.hpp"

using namespace beckon;
using namespace beckon::server;
using namespace beckon::server::test;
using sip::HeaderId;

// RFC 5263: watchers that get what changed.

namespace {

using Lines = std::vector<std::string>;

/// As in RFC 5263 5, F1.
const std::string accept_partial = "Accept: application/pidf+xml;q=0.3,\r\n application/pidf-diff+xml;q=1";

/// Alice's document: long enough for a change to be shorter.
std::string state(const std::string& note, const std::string& basic = "open") {
  return "<presence xmlns=\"urn:ietf:params:xml:ns:pidf\" "
         "xmlns:dm=\"urn:ietf:params:xml:ns:pidf:data-model\" "
         "xmlns:r=\"urn:ietf:params:xml:ns:pidf:rpid\" entity=\"" +
         alice + "\"><tuple id=\"laptop\"><status><basic>" + basic +
         "</basic></status><contact priority=\"0.8\">sip:alice@192.0.2.80</contact><note>" + note +
         "</note></tuple><tuple "
         "id=\"phone\"><status><basic>open</basic></status><contact>tel:09012345678</contact>"
         "</tuple><dm:person id=\"p\"><r:activities><r:busy/></r:activities><dm:note>at the desk</dm:note>"
         "</dm:person></presence>";
}

struct Partial {
  explicit Partial(WatcherPolicy policy = WatcherPolicy::allow,
                   std::uint32_t octets_max = Settings().document_octets_per_presentity)
      : stage([&] {
          Settings settings = Stage::default_settings();
          settings.watcher_policy = policy;
          settings.document_octets_per_presentity = octets_max;
          return settings;
        }()) {}

  const packages::PartialNotification& kept() const {
    return static_cast<const packages::Presence*>(stage.presence_package)->partial();
  }

  Stage stage;
  Device publisher{stage, alice, udp(5080)};
  Device watcher{stage, bob, udp(5070)};
};

struct Part {
  std::string root;
  std::string version;
};

Part part_of(const Notified& notified) {
  CHECK(notified.message.header(HeaderId::content_type) == documents::pidf_diff_type);
  const auto document = xml::parse(notified.message.body());
  REQUIRE(document.has_value());
  CHECK(document->root().ns() == "urn:ietf:params:xml:ns:pidf-diff");
  CHECK(document->root().attribute("entity") == alice);
  return {std::string(document->root().name()),
          std::string(document->root().attribute("version").value_or(""))};
}

bool is_full(const Notified& notified, std::uint32_t version) {
  const Part part = part_of(notified);
  return part.root == "pidf-full" && part.version == std::to_string(version);
}
bool is_diff(const Notified& notified, std::uint32_t version) {
  const Part part = part_of(notified);
  return part.root == "pidf-diff" && part.version == std::to_string(version);
}

/// A watcher's copy: each document must follow the last.
struct Copy {
  documents::PartialPresence copy;

  const documents::Presence& take(const Notified& notified) {
    CAPTURE(notified.message.body());
    CHECK(copy.take(notified.message.body(), notified.message.call_id()) ==
          documents::PartialPresence::Taken::yes);
    return copy.presence();
  }
};

std::string note_of(const documents::Presence& presence) {
  REQUIRE_FALSE(presence.tuples.empty());
  REQUIRE_FALSE(presence.tuples.front().notes.empty());
  return presence.tuples.front().notes.front().text;
}

}  // namespace

TEST_CASE(
    "the first document is full and has version 1; then what changed, one higher each time (RFC 5263 4.4, "
    "5)") {
  Partial it;
  it.publisher.publish(state("one"));
  CHECK(it.watcher.subscribe(alice, "presence", {accept_partial}).status() == 200);  // F1, F2
  Copy copy;
  const Notified first = it.stage.take();  // F3, F4
  CHECK(is_full(first, 1));
  CHECK(first.state() == "active");
  CHECK(note_of(copy.take(first)) == "one");
  it.publisher.publish(state("two"));
  const Notified second = it.stage.take();  // F5, F6
  CHECK(is_diff(second, 2));
  CHECK(second.message.body().size() < first.message.body().size() * 2 / 3);
  CHECK(second.message.body().find("tel:") == std::string_view::npos);
  CHECK(note_of(copy.take(second)) == "two");
  it.publisher.publish(state("three", "closed"));
  const Notified third = it.stage.take();
  CHECK(is_diff(third, 3));
  CHECK(note_of(copy.take(third)) == "three");
  CHECK(copy.copy.presence().tuples.front().basic == documents::Basic::closed);
}

TEST_CASE(
    "where the watcher has the full state that is due, but perhaps not its version, the next document is "
    "full") {
  Partial it;
  it.publisher.publish(state("one"));
  it.watcher.subscribe(alice, "presence", {accept_partial});
  const std::string tag(it.stage.take().message.header(HeaderId::sip_etag));
  it.stage.restart();
  it.stage.wait(5s);
  CHECK(part_of(it.stage.take(0)).root == "pidf-full");  // lost on the way
  it.watcher.move(udp(5071));
  CHECK(it.watcher.refresh(600, {"Suppress-If-Match: " + tag}).status() == 200);
  CHECK(it.stage.take().message.body().empty());
  it.publisher.publish(state("two"));
  CHECK(part_of(it.stage.take()).root == "pidf-full");
  it.publisher.publish(state("three"));
  CHECK(part_of(it.stage.take()).root == "pidf-diff");
}

TEST_CASE("Accept decides: only who names the format gets it, unless it prefers another (RFC 5263 4.3)") {
  Partial it;
  it.publisher.publish(state("one"));
  struct Row {
    Lines accept;
    std::string_view type;
  };
  const Row rows[] = {
      {{}, documents::pidf_type},
      {{"Accept: */*"}, documents::pidf_type},
      {{"Accept: application/pidf+xml"}, documents::pidf_type},
      {{"Accept: application/pidf+xml, application/pidf-diff+xml;q=0.5"}, documents::pidf_type},
      {{"Accept: application/pidf+xml, application/pidf-diff+xml"}, documents::pidf_diff_type},
      {{accept_partial}, documents::pidf_diff_type},
  };
  for (const auto& row : rows) {
    it.watcher.subscribe(alice, "presence", row.accept);
    CHECK(it.stage.take().message.header(HeaderId::content_type) == row.type);
    it.watcher.refresh(0);
    it.stage.drain();
  }
  CHECK(it.kept().size() == 0);
}

TEST_CASE("a refresh is answered with full state, and its Accept may change the format (RFC 5263 4.4, 4.5)") {
  Partial it;
  it.publisher.publish(state("one"));
  it.watcher.subscribe(alice, "presence", {accept_partial});
  it.stage.take();
  it.watcher.refresh(600);
  CHECK(is_full(it.stage.take(), 2));
  it.publisher.publish(state("two"));
  CHECK(is_diff(it.stage.take(), 3));
  it.watcher.refresh(600, {"Accept: application/pidf+xml"});
  CHECK(it.stage.take().message.header(HeaderId::content_type) == documents::pidf_type);
  CHECK(it.kept().size() == 0);
  it.publisher.publish(state("three"));
  CHECK(it.stage.take().message.header(HeaderId::content_type) == documents::pidf_type);
  it.watcher.refresh(600, {accept_partial});
  CHECK(is_full(it.stage.take(), 4));  // the version goes on
  it.publisher.publish(state("four"));
  CHECK(is_diff(it.stage.take(), 5));
  it.watcher.refresh(600, {"Accept: text/plain"});
  CHECK(is_full(it.stage.take(), 6));
  it.watcher.refresh(0);
  CHECK(is_full(it.stage.take(), 7));
  CHECK(it.kept().size() == 0);
}

TEST_CASE("full state follows a NOTIFY that was lost, with a version above it") {
  Partial it;
  it.publisher.publish(state("one"));
  it.watcher.subscribe(alice, "presence", {accept_partial});
  Copy copy;
  copy.take(it.stage.take());
  it.publisher.publish(state("two"));
  CHECK(is_diff(it.stage.take(408), 2));  // nobody got it
  it.publisher.publish(state("three"));
  it.stage.wait(31s);
  const Notified full = it.stage.take();
  CHECK(is_full(full, 3));
  CHECK(note_of(copy.take(full)) == "three");
  it.publisher.publish(state("four"));
  const Notified diff = it.stage.take();
  CHECK(is_diff(diff, 4));
  CHECK(note_of(copy.take(diff)) == "four");
}

TEST_CASE("changes while a NOTIFY is in flight are one change, from what that one carried (RFC 5263 4.4)") {
  Partial it;
  it.publisher.publish(state("one"));
  it.watcher.subscribe(alice, "presence", {accept_partial});
  Copy copy;
  copy.take(it.stage.take());
  it.publisher.publish(state("two"));
  const Notified slow = it.stage.take(0);
  it.publisher.publish(state("three"));
  it.publisher.publish(state("four"));
  CHECK(it.stage.notifies.empty());
  it.stage.answer_notify(slow, 200);
  CHECK(note_of(copy.take(slow)) == "two");
  const Notified next = it.stage.take();
  CHECK(is_diff(next, 3));
  CHECK(note_of(copy.take(next)) == "four");
}

TEST_CASE(
    "where the change is longer than the document, and where the presentity is gone, full state is sent") {
  Partial it;
  it.publisher.publish(state("one"));
  it.watcher.subscribe(alice, "presence", {accept_partial});
  Copy copy;
  copy.take(it.stage.take());
  it.publisher.publish(pidf("x", "other"));
  const Notified other = it.stage.take();
  CHECK(note_of(copy.take(other)) == "x");
  it.publisher.publish("", {"Expires: 0"});
  const Notified gone = it.stage.take();
  CHECK(is_full(gone, 3));
  CHECK(copy.take(gone).tuples.front().basic == documents::Basic::closed);
}

TEST_CASE("after a restart full state is sent, with a version above all that were used") {
  Partial it;
  it.publisher.publish(state("one"));
  it.watcher.subscribe(alice, "presence", {accept_partial});
  Copy copy;
  copy.take(it.stage.take());
  for (const std::string note : {"two", "three"}) {
    it.publisher.publish(state(note));
    copy.take(it.stage.take());
  }
  it.stage.restart();
  it.stage.wait(6s);
  const Notified full = it.stage.take();
  CHECK(part_of(full).root == "pidf-full");
  CHECK(note_of(copy.take(full)) == "three");
  it.publisher.publish(state("four"));
  const Notified diff = it.stage.take();
  CHECK(part_of(diff).root == "pidf-diff");
  CHECK(note_of(copy.take(diff)) == "four");
}

TEST_CASE("full state follows a change of what the watcher may see, and a connection that was lost") {
  Partial it(WatcherPolicy::confirm);
  it.publisher.publish(state("one"));
  CHECK(it.stage.put_rules(rule_for(bob, "allow")) == 201);
  SUBCASE("a view that shows less") {
    it.watcher.subscribe(alice, "presence", {accept_partial});
    Copy copy;
    copy.take(it.stage.take());
    std::string fewer = rule_for(bob, "allow");
    const auto all = fewer.find("<provide-all-attributes/>");
    fewer.replace(all, std::string_view("<provide-all-attributes/>").size(), "");
    CHECK(it.stage.put_rules(fewer) == 200);
    const Notified full = it.stage.take();
    CHECK(is_full(full, 2));
    CHECK(copy.take(full).tuples.front().notes.empty());
  }
  SUBCASE("pending, and then not") {
    it.watcher.subscribe(alice, "presence", {accept_partial});
    Copy copy;
    copy.take(it.stage.take());
    it.stage.put_rules(rule_for(carol, "allow"));
    const Notified pending = it.stage.take();
    CHECK(pending.state() == "pending");
    CHECK(pending.message.body().empty());
    it.stage.put_rules(rule_for(bob, "allow"));
    const Notified full = it.stage.take();
    CHECK(is_full(full, 2));
    CHECK(note_of(copy.take(full)) == "one");
  }
  SUBCASE("blocked politely") {
    it.watcher.subscribe(alice, "presence", {accept_partial});
    Copy copy;
    copy.take(it.stage.take());
    it.stage.put_rules(rule_for(bob, "polite-block"));
    const Notified nothing = it.stage.take();
    CHECK(is_full(nothing, 2));
    CHECK(copy.take(nothing).tuples.front().basic == documents::Basic::closed);
    CHECK(it.kept().size() == 0);
  }
  SUBCASE("a connection lost, and the refresh over another one") {
    it.watcher.move(tls(9));
    it.watcher.subscribe(alice, "presence", {accept_partial});
    Copy copy;
    copy.take(it.stage.take());
    it.stage.close_flow(9);
    CHECK(it.kept().size() == 0);
    it.publisher.publish(state("two"));
    CHECK(it.stage.notifies.empty());
    it.watcher.move(tls(10));
    it.watcher.refresh(600);
    const Notified full = it.stage.take();
    CHECK(is_full(full, 2));
    CHECK(note_of(copy.take(full)) == "two");
  }
}

TEST_CASE("watchers that have the same document share it, and the change is found once for all of them") {
  Partial it;
  it.publisher.publish(state("one"));
  constexpr int watchers = 300;
  std::vector<std::unique_ptr<Device>> devices;
  std::map<std::string, Copy> copies;  // by Call-ID
  for (int i = 0; i < watchers; ++i) {
    devices.push_back(std::make_unique<Device>(it.stage, "sip:w" + std::to_string(i) + "@example.org",
                                               udp(static_cast<std::uint16_t>(20000 + i))));
    devices.back()->subscribe(alice, "presence", {accept_partial});
    if (i % 2 == 1) devices.back()->refresh(600);  // other versions
    for (const auto& notified : it.stage.drain())
      copies[std::string(notified.message.call_id())].take(notified);
  }
  CHECK(it.kept().size() == 1);
  CHECK(it.kept().differences() == 0);
  it.publisher.publish(state("two"));
  it.stage.wait(1s);
  const auto all = it.stage.drain();
  CHECK(all.size() == watchers);
  for (const auto& notified : all) {
    CHECK(part_of(notified).root == "pidf-diff");
    CHECK(note_of(copies[std::string(notified.message.call_id())].take(notified)) == "two");
  }
  CHECK(it.kept().differences() == 1);
  CHECK(it.kept().size() == 1);
  for (auto& device : devices) device->refresh(0);
  it.stage.drain();
  CHECK(it.kept().size() == 0);
}

TEST_CASE(
    "of a presentity a bounded number of documents is kept; a watcher with an older one gets full state") {
  using packages::PartialNotification;
  Partial it;
  it.publisher.publish(state("0"));
  it.watcher.subscribe(alice, "presence", {accept_partial});
  it.stage.take();
  it.publisher.publish(state("1"));
  const Notified slow = it.stage.take(0);
  // Each of these gets another document and does not answer either.
  std::vector<std::unique_ptr<Device>> devices;
  for (std::size_t i = 0; i < PartialNotification::documents_max + 2; ++i) {
    devices.push_back(std::make_unique<Device>(it.stage, "sip:w" + std::to_string(i) + "@example.org",
                                               udp(static_cast<std::uint16_t>(20000 + i))));
    devices.back()->subscribe(alice, "presence", {accept_partial});
    CHECK(part_of(it.stage.take(0)).root == "pidf-full");
    it.publisher.publish(state(std::to_string(i + 2)));
  }
  CHECK(it.kept().size() == PartialNotification::documents_max);
  it.stage.answer_notify(slow, 200);
  CHECK(part_of(it.stage.take()).root == "pidf-full");
}

TEST_CASE("what is kept of a presentity is bounded by octets; past it watchers get full state") {
  const auto large = [](int number) { return state(std::to_string(number) + std::string(20'000, 'x')); };
  for (const std::uint32_t octets_max : {1U, 200'000U}) {
    CAPTURE(octets_max);
    Partial it(WatcherPolicy::allow, octets_max);
    it.publisher.publish(large(0));
    it.watcher.subscribe(alice, "presence", {accept_partial});
    it.stage.take();
    // Each of these has another document, and all get the next.
    std::vector<std::unique_ptr<Device>> devices;
    for (int i = 1; i < 7; ++i) {
      devices.push_back(std::make_unique<Device>(it.stage, "sip:w" + std::to_string(i) + "@example.org",
                                                 udp(static_cast<std::uint16_t>(20000 + i))));
      devices.back()->subscribe(alice, "presence", {accept_partial});
      CHECK(part_of(it.stage.take(0)).root == "pidf-full");
      it.publisher.publish(large(i));
      CHECK(part_of(it.stage.take()).root == (octets_max == 1 ? "pidf-full" : "pidf-diff"));
      // One document with its body, and what the last NOTIFY made of it.
      CHECK(it.kept().octets() <= octets_max + 4 * large(i).size());
    }
  }
}

TEST_CASE("suppressed documents have no version, and entity-tags are those of the whole state (RFC 5839 4)") {
  Partial it;
  it.publisher.publish(state("one"));
  it.watcher.subscribe(alice, "presence", {accept_partial});
  Copy copy;
  const Notified first = it.stage.take();
  copy.take(first);
  const std::string tag(first.message.header(HeaderId::sip_etag));
  CHECK_FALSE(tag.empty());
  CHECK(it.watcher.refresh(600, {"Suppress-If-Match: " + tag}).status() == 204);
  it.publisher.publish(state("two"));
  const Notified second = it.stage.take();
  CHECK(is_diff(second, 2));
  CHECK(note_of(copy.take(second)) == "two");
  CHECK(second.message.header(HeaderId::sip_etag) != tag);
  it.publisher.publish(state("one"));
  const Notified third = it.stage.take();
  CHECK(third.message.header(HeaderId::sip_etag) == tag);
  CHECK(note_of(copy.take(third)) == "one");

  SUBCASE("a subscription that begins without a document begins with a full one") {
    it.watcher.subscribe(alice, "presence", {accept_partial, "Suppress-If-Match: " + tag});
    const Notified bare = it.stage.take();
    CHECK(bare.message.body().empty());
    CHECK(bare.message.header(HeaderId::sip_etag) == tag);
    it.publisher.publish(state("two"));
    const auto both = it.stage.drain();
    REQUIRE(both.size() == 2);
    Copy fresh;
    for (const auto& notified : both) {
      const bool is_old = notified.message.call_id() == first.message.call_id();
      CHECK((is_old ? is_diff(notified, 4) : is_full(notified, 1)));
      CHECK(note_of((is_old ? copy : fresh).take(notified)) == "two");
    }
  }
  SUBCASE("silence, and full state at its end") {
    CHECK(it.watcher.refresh(600, {"Suppress-If-Match: *"}).status() == 204);
    it.publisher.publish(state("two"));
    CHECK(it.stage.notifies.empty());
    it.watcher.refresh(600);
    const Notified full = it.stage.take();
    CHECK(is_full(full, 4));
    CHECK(note_of(copy.take(full)) == "two");
  }
}

TEST_CASE(
    "changes that a rate gathers are one change; a NOTIFY for silence says that nothing changed (RFC 6446 "
    "5.5.1)") {
  Partial it;
  it.publisher.publish(state("one"));
  Copy copy;
  SUBCASE("max-rate") {
    it.watcher.subscribe(alice, "presence;max-rate=0.05", {accept_partial});
    copy.take(it.stage.take());
    it.publisher.publish(state("two"));
    it.publisher.publish(state("three"));
    CHECK(it.stage.notifies.empty());
    it.stage.wait(21s);
    const Notified diff = it.stage.take();
    CHECK(is_diff(diff, 2));
    CHECK(note_of(copy.take(diff)) == "three");
  }
  SUBCASE("min-rate") {
    it.watcher.subscribe(alice, "presence;min-rate=0.01", {accept_partial});
    copy.take(it.stage.take());
    it.stage.wait(101s);
    const Notified same = it.stage.take();
    CHECK(is_diff(same, 2));
    CHECK(note_of(copy.take(same)) == "one");
    it.publisher.publish(state("two"));
    const Notified diff = it.stage.take();
    CHECK(is_diff(diff, 3));
    CHECK(note_of(copy.take(diff)) == "two");
  }
}

TEST_CASE("what time alone changes is a change like any other, found once for all (RFC 4481 3)") {
  Partial it;
  const auto in = [&](std::chrono::seconds after) { return print_time(it.stage.clock_.at.wall + after); };
  std::string body = state("one");
  body.insert(body.find("<contact"),
              "<ts:timed-status xmlns:ts=\"urn:ietf:params:xml:ns:pidf:timed-status\" from=\"" + in(100s) +
                  "\" until=\"" + in(200s) + "\"><ts:basic>closed</ts:basic></ts:timed-status>");
  it.publisher.publish(body);
  Device other(it.stage, carol, udp(5071));
  it.watcher.subscribe(alice, "presence", {accept_partial});
  other.subscribe(alice, "presence", {accept_partial});
  std::map<std::string, Copy> copies;  // by Call-ID
  const auto take = [&](documents::Basic basic) {
    const auto all = it.stage.drain();
    CHECK(all.size() == 2);
    for (const Notified& each : all)
      CHECK(copies[std::string(each.message.call_id())].take(each).tuples.front().basic == basic);
    return all;
  };
  take(documents::Basic::open);
  it.stage.wait(100s);
  for (const Notified& each : take(documents::Basic::closed)) CHECK(is_diff(each, 2));
  it.stage.wait(100s);
  for (const Notified& each : take(documents::Basic::open)) CHECK(is_diff(each, 3));
  CHECK(it.kept().differences() == 2);
  it.stage.wait(10min);
  CHECK(it.stage.notifies.empty());
}

namespace {

std::string direct(const std::string& epoch, const std::string& secret) {
  return "<d:direct xmlns:d=\"urn:beckon:params:xml:ns:direct:1\" v=\"1\" mode=\"auto\" profile=\"sealed\" "
         "epoch=\"" +
         epoch +
         "\"><d:media kind=\"audio\"><d:codec pt=\"111\" name=\"opus\" clock=\"48000\" ch=\"2\"/></d:media>"
         "<d:cand type=\"host\" prio=\"1\" ip=\"192.0.2.10\" port=\"40000\"/>"
         "<d:key>Cmc3Z4rRrJ3V2aW9SObRq2B3aZU4gzcE4k+at9v/Dh8=</d:key><d:secret>" +
         secret + "</d:secret></d:direct>";
}

}  // namespace

TEST_CASE("grants of direct sessions stay in the watcher's copy; where they change the document is full") {
  const std::string one = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
  const std::string two = "ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8=";
  Partial it(WatcherPolicy::confirm);
  CHECK(it.stage.put_rules(rule_for(bob, "allow", "auto")) == 201);
  Device laptop(it.stage, alice, tls(10));
  laptop.register_(3600, "urn:uuid:laptop");
  it.watcher.move(tls(5));
  it.watcher.subscribe(alice, "presence", {accept_partial});
  Copy copy;
  copy.take(it.stage.take());
  const auto publish = [&](const std::string& note, const std::string& offer) {
    CHECK(laptop.publish(pidf(note, "laptop", offer), {"Require: beckon-direct"}).status() == 200);
    return it.stage.take();
  };
  const auto grant = [&] {
    const auto found = documents::find_direct(copy.copy.presence().tuples.at(0));
    return found && found->grant ? found->grant->ticket : Bytes();
  };
  const Notified first = publish("one", direct("3f9a11c2", one));
  CHECK(part_of(first).root == "pidf-full");
  copy.take(first);
  const auto given = grant();
  CHECK_FALSE(given.empty());
  const Notified second = publish("two", direct("3f9a11c2", one));
  CHECK(part_of(second).root == "pidf-diff");
  CHECK(second.message.body().find("direct") == std::string_view::npos);
  CHECK(note_of(copy.take(second)) == "two");
  CHECK(grant() == given);
  const Notified third = publish("two", direct("aabbccdd", two));
  CHECK(part_of(third).root == "pidf-full");
  copy.take(third);
  CHECK(grant() != given);
  const auto next = grant();
  // The secret alone is another one: nothing else differs, and yet the grant does.
  const Notified fourth = publish("two", direct("aabbccdd", one));
  CHECK(part_of(fourth).root == "pidf-full");
  copy.take(fourth);
  CHECK(grant() != next);
}
