#include "protocol/documents/direct.hpp"
#include "tests/server/packages/stage.hpp"

using namespace beckon;
using namespace beckon::server;
using namespace beckon::server::test;
using documents::WatcherInfo;

namespace {

/// The watchers of a document, one a line: "sip:bob@example.org pending subscribe".
std::vector<std::string> watchers(const WatcherInfo& info) {
  std::vector<std::string> lines;
  for (const auto& list : info.lists)
    for (const auto& watcher : list.watchers)
      lines.push_back(watcher.uri + ' ' + documents::to_string(watcher.status) + ' ' +
                      documents::to_string(watcher.event));
  std::sort(lines.begin(), lines.end());
  return lines;
}

std::vector<std::string> permits(const WatcherInfo& info) {
  std::vector<std::string> lines;
  for (const auto& permit : info.permits) lines.push_back(permit.aor + ' ' + ds1::to_string(permit.mode));
  return lines;
}

using Lines = std::vector<std::string>;

/// alice's own subscription to her watcher information, its first document taken.
struct Owner {
  explicit Owner(Stage& s, Hop hop = tls(10)) : stage(s), device(s, alice, hop) {
    device.subscribe(alice, "presence.winfo");
    first = stage.take().winfo();
  }
  Stage& stage;
  Device device;
  WatcherInfo first;
};

const std::string direct_element =
    "<d:direct xmlns:d=\"urn:beckon:params:xml:ns:direct:1\" v=\"1\" mode=\"auto\" profile=\"sealed\" "
    "epoch=\"3f9a11c2\"><d:media kind=\"audio\"><d:codec pt=\"111\" name=\"opus\" "
    "clock=\"48000\"/></d:media>"
    "<d:key>Cmc3Z4rRrJ3V2aW9SObRq2B3aZU4gzcE4k+at9v/Dh8=</d:key>"
    "<d:secret>AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=</d:secret></d:direct>";

bool has_grant(const Notified& notified) {
  const auto direct = documents::find_direct(notified.presence().tuples.at(0));
  return direct && direct->grant.has_value();
}

}  // namespace

TEST_CASE(
    "the presentity sees all watchers: first full, then what changed, versions rising by one (RFC 3857 4.7, "
    "RFC 3858 3)") {
  Stage stage;
  Device early(stage, carol, udp(5071));
  early.subscribe(alice);
  stage.take();
  Owner owner(stage);
  CHECK(owner.first.state == WatcherInfo::State::full);
  CHECK(owner.first.version == 0);
  REQUIRE(owner.first.lists.size() == 1);
  CHECK(owner.first.lists[0].resource == alice);
  CHECK(owner.first.lists[0].package == "presence");
  CHECK(watchers(owner.first) == Lines{carol + " pending subscribe"});

  stage.wait(10s);
  Device watcher(stage, bob, udp(5070));
  watcher.subscribe(alice);
  const auto asked = stage.take();
  CHECK(asked.message.header(sip::HeaderId::content_type) == "application/watcherinfo+xml");
  CHECK(asked.winfo().state == WatcherInfo::State::partial);
  CHECK(asked.winfo().version == 1);
  CHECK(watchers(asked.winfo()) == Lines{bob + " pending subscribe"});
  CHECK(asked.winfo().lists.at(0).watchers.at(0).display_name == "bob");
  CHECK(stage.take().state() == "pending");

  stage.wait(10s);
  stage.put_rules(rule_for(bob, "allow"));
  const auto allowed = stage.take().winfo();
  CHECK(allowed.version == 2);
  CHECK(watchers(allowed) == Lines{bob + " active approved"});
  CHECK(stage.take().state() == "active");

  stage.wait(10s);
  stage.put_rules(rule_for(bob, "block"));
  CHECK(watchers(stage.take().winfo()) == Lines{bob + " terminated rejected"});
  CHECK(stage.take().state() == "terminated;rejected");

  stage.wait(10s);
  owner.device.refresh(3600);
  const auto again = stage.take().winfo();
  CHECK(again.state == WatcherInfo::State::full);
  CHECK(again.version == 4);
  CHECK(watchers(again) == Lines{carol + " pending subscribe"});
}

TEST_CASE("any other watcher sees its own entry only, and no permits (RFC 3857 4.8, MISSION A)") {
  Stage stage;
  stage.put_rules(rule_for(bob, "allow", "auto"));
  Device bob_device(stage, bob, tls(5)), carol_device(stage, carol, tls(6));
  bob_device.subscribe(alice);
  carol_device.subscribe(alice);
  stage.drain();
  bob_device.subscribe(alice, "presence.winfo");
  const auto own = stage.take().winfo();
  CHECK(watchers(own) == Lines{bob + " active subscribe"});
  CHECK(own.permits.empty());
  stage.wait(10s);
  carol_device.refresh(0);
  for (const Notified& told : stage.notifies) CHECK(told.message.header(sip::HeaderId::event) == "presence");
}

TEST_CASE("a foreign domain cannot watch watchers") {
  Stage stage;
  CHECK(Device(stage, "sip:eve@elsewhere.example", tls(9)).subscribe(alice, "presence.winfo").status() ==
        403);
}

TEST_CASE("documents are sent at most every five seconds, and the last one has all changes (RFC 3857 4.8)") {
  Stage stage;
  Owner owner(stage);
  Device watcher(stage, bob, udp(5070)), other(stage, carol, udp(5071));
  watcher.subscribe(alice);
  CHECK(stage.take().state() == "pending");  // bob's own; alice is notified later
  other.subscribe(alice);
  stage.take();
  CHECK(stage.notifies.empty());
  stage.wait(5s);
  CHECK(watchers(stage.take().winfo()) == Lines{bob + " pending subscribe", carol + " pending subscribe"});
  CHECK(stage.notifies.empty());
}

TEST_CASE("a lost document is followed by a full one (RFC 3858 3)") {
  Stage stage;
  Owner owner(stage);
  stage.wait(10s);
  Device watcher(stage, bob, udp(5070));
  watcher.subscribe(alice);
  CHECK(stage.take(408).winfo().state == WatcherInfo::State::partial);
  stage.take();
  stage.wait(30s);
  const auto again = stage.take().winfo();
  CHECK(again.state == WatcherInfo::State::full);
  CHECK(again.version == 2);
  CHECK(watchers(again) == Lines{bob + " pending subscribe"});
}

TEST_CASE(
    "a watcher whose subscription expires undecided is `waiting`, so that it is not forgotten (RFC 3857 "
    "4.7.1)") {
  Stage stage;
  Owner owner(stage);
  Device watcher(stage, bob, udp(5070));
  const auto last_news = [&] {
    stage.wait(5s);
    const auto all = stage.drain("presence.winfo");
    return all.empty() ? Lines{} : watchers(all.back().winfo());
  };
  const auto run_out = [&] {
    watcher.subscribe(alice, "presence", {"Expires: 60"});
    stage.drain();
    CHECK(last_news() == Lines{bob + " pending subscribe"});
    stage.wait(60s);
    CHECK(last_news() == Lines{bob + " waiting timeout"});
  };
  SUBCASE("a fetch is reported like a subscription that expired") {
    watcher.subscribe(alice, "presence", {"Expires: 0"});
    CHECK(last_news() == Lines{bob + " waiting timeout"});
  }
  SUBCASE("a decision ends it") {
    run_out();
    stage.put_rules(rule_for(bob, "allow"));
    CHECK(last_news() == Lines{bob + " terminated approved"});
  }
  SUBCASE("a new subscription takes its place") {
    run_out();
    watcher.subscribe(alice);
    CHECK(last_news() == Lines{bob + " pending subscribe", bob + " terminated giveup"});
  }
  SUBCASE("after a day the watcher is given up") {
    run_out();
    bool given_up = false;
    for (int hour = 0; hour < 25; ++hour) {
      owner.device.refresh(7200);
      stage.drain();
      stage.wait(1h);
      for (const Notified& told : stage.drain())
        given_up |= watchers(told.winfo()) == Lines{bob + " terminated giveup"};
    }
    CHECK(given_up);
  }
}

TEST_CASE(
    "full documents carry a permit for every watcher, partial ones those that changed (DIRECT_SESSIONS "
    "3.7)") {
  Stage stage;
  stage.put_rules(rule_for(bob, "allow", "ask"));
  Device watcher(stage, bob, tls(5)), other(stage, carol, tls(6));
  watcher.subscribe(alice);
  other.subscribe(alice);
  stage.drain();
  Owner owner(stage);
  CHECK(permits(owner.first) == Lines{bob + " ask", carol + " off"});
  stage.wait(10s);
  stage.put_rules(rule_for(bob, "allow", "auto"));
  CHECK(permits(stage.take().winfo()) == Lines{bob + " auto"});
  stage.drain();
  stage.wait(10s);
  watcher.refresh(0);
  const auto ended = stage.take().winfo();
  CHECK(permits(ended) == Lines{bob + " off"});
  CHECK(watchers(ended) == Lines{bob + " terminated timeout"});
}

TEST_CASE("a lowered permit is notified at once, whatever the pacing (DIRECT_SESSIONS 3.7)") {
  Stage stage;
  stage.put_rules(rule_for(bob, "allow", "auto"));
  Device watcher(stage, bob, tls(5));
  watcher.subscribe(alice);
  stage.drain();
  Owner owner(stage);
  stage.put_rules(rule_for(bob, "block"));
  const auto lowered = stage.take().winfo();
  CHECK(permits(lowered) == Lines{bob + " off"});
  CHECK(stage.take().state() == "terminated;rejected");
}

TEST_CASE("a grant goes out only after its permit (DIRECT_SESSIONS 3.7)") {
  Stage stage;
  Device laptop(stage, alice, tls(10));
  laptop.publish(pidf("here", "laptop", direct_element), {"Require: beckon-direct"});
  Owner owner(stage, tls(12));
  stage.wait(10s);
  Device watcher(stage, bob, tls(5));
  watcher.subscribe(alice);
  SUBCASE("both leave together, the permit first") {
    stage.take();
    stage.take();
    stage.wait(10s);
    stage.put_rules(rule_for(bob, "allow", "auto"));
    CHECK(permits(stage.take(0).winfo()) == Lines{bob + " auto"});
    CHECK(has_grant(stage.take()));
  }
  SUBCASE(
      "while an older document is still on its way, the watcher sees the state without grant, then with it") {
    const Notified older = stage.take(0);
    stage.take();
    stage.put_rules(rule_for(bob, "allow", "auto"));
    const Notified without = stage.take();
    CHECK(without.state() == "active");
    CHECK_FALSE(has_grant(without));
    CHECK(stage.notifies.empty());
    stage.answer_notify(older, 200);
    CHECK(permits(stage.take().winfo()) == Lines{bob + " auto"});
    CHECK(has_grant(stage.take()));
  }
  SUBCASE("an unreachable presentity delays no watcher") {
    const Notified older = stage.take(0);
    stage.take();
    stage.put_rules(rule_for(bob, "allow", "auto"));
    CHECK_FALSE(has_grant(stage.take()));
    SUBCASE("because its connection closed") { stage.close_flow(12); }
    SUBCASE("because its NOTIFY could not be sent") { stage.answer_notify(older, 503); }
    CHECK(has_grant(stage.take()));
    CHECK(stage.notifies.empty());
  }
}

TEST_CASE("grants that wait for one document of permits go out in slices once it has left") {
  constexpr std::size_t count = 300;
  Stage stage;
  Device(stage, alice, tls(10)).publish(pidf("here", "laptop", direct_element), {"Require: beckon-direct"});
  for (std::size_t i = 0; i < count; ++i) {
    Device(stage, "sip:u" + std::to_string(1000 + i) + "@example.org", tls(100 + i)).subscribe(alice);
    stage.drain();
  }
  Owner owner(stage, tls(12));
  stage.wait(10s);
  stage.drain();
  Device(stage, bob, tls(5)).subscribe(alice);
  const Notified older = stage.take(0);
  REQUIRE(older.message.header(sip::HeaderId::event) == "presence.winfo");
  std::string rules = rule_for("x", "allow", "auto");
  const std::string one = "<cr:one id=\"x\"/>";
  stage.put_rules(rules.replace(rules.find(one), one.size(), "<cr:many domain=\"example.org\"/>"));
  stage.wait(1s);
  std::size_t active = 0;
  for (const Notified& notified : stage.drain())
    if (notified.state() == "active") {
      ++active;
      CHECK_FALSE(has_grant(notified));
    }
  CHECK(active == count + 1);
  stage.answer_notify(older, 200);
  REQUIRE(stage.notifies.size() == 1 + Slice::visits_max);
  CHECK(permits(stage.take().winfo()).size() == count + 1);
  stage.wait(1s);
  const auto granted = stage.drain();
  CHECK(granted.size() == count + 1);
  for (const Notified& notified : granted) CHECK(has_grant(notified));
}

TEST_CASE(
    "a slow pace gathers changes, and a full document when they are too many to keep (RFC 6446 5.5.1)") {
  for (const unsigned count : {200U, 300U}) {
    CAPTURE(count);
    Stage stage;
    Device laptop(stage, alice, udp(5080));
    laptop.subscribe(alice, "presence.winfo;max-rate=0.002");
    stage.take();
    for (unsigned i = 0; i < count; ++i)
      Device(stage, "sip:u" + std::to_string(i) + "@example.org", udp(5070)).subscribe(alice);
    CHECK(stage.drain("presence.winfo").empty());
    stage.wait(500s);
    const auto news = stage.drain("presence.winfo");
    REQUIRE(news.size() == 1);
    const bool is_full = news[0].winfo().state == WatcherInfo::State::full;
    CHECK(is_full == (count == 300));
    CHECK(watchers(news[0].winfo()).size() == count);
  }
}

TEST_CASE("who watches the watchers: the watcher information of watcher information (RFC 3857 4.1, 4.10)") {
  Stage stage;
  Device phone(stage, alice, tls(9)), laptop(stage, alice, tls(8)), curious(stage, bob, udp(5070));
  CHECK(phone.subscribe(alice, "presence.winfo.winfo").status() == 200);
  const auto first = stage.take();
  CHECK(first.message.header(sip::HeaderId::event) == "presence.winfo.winfo");
  CHECK(first.winfo().lists.at(0).package == "presence.winfo");
  CHECK(first.winfo().lists.at(0).watchers.empty());
  CHECK(first.winfo().permits.empty());
  stage.wait(10s);
  curious.subscribe(alice, "presence.winfo");
  const auto notified = stage.drain("presence.winfo.winfo");
  REQUIRE(notified.size() == 1);
  CHECK(notified[0].winfo().state == documents::WatcherInfo::State::partial);
  REQUIRE(notified[0].winfo().lists.at(0).watchers.size() == 1);
  CHECK(notified[0].winfo().lists[0].watchers[0].uri == bob);
  SUBCASE("they are told of it themselves, and of nobody else") {
    stage.wait(10s);
    curious.subscribe(alice, "presence.winfo.winfo");
    const auto own = stage.drain("presence.winfo.winfo");
    REQUIRE(own.size() == 1);
    CHECK(own[0].winfo().lists.at(0).watchers.size() == 1);
    CHECK(own[0].winfo().lists[0].watchers[0].uri == bob);
  }
  SUBCASE("it ends there: there is no further one") {
    CHECK(laptop.subscribe(alice, "presence.winfo.winfo.winfo").status() == 400);
  }
}
