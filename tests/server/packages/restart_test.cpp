#include <algorithm>

#include "server/subscription/record.hpp"
#include "tests/server/packages/stage.hpp"

using namespace beckon;
using namespace beckon::server;
using namespace beckon::server::test;

namespace {

unsigned cseq_of(const Notified& notified) { return notified.message.cseq().value().number; }

std::string note_of(const Notified& notified) {
  const auto presence = notified.presence();
  return presence.tuples.empty() || presence.tuples[0].notes.empty() ? "" : presence.tuples[0].notes[0].text;
}

}  // namespace

TEST_CASE(
    "after kill -9 publications, rules and subscriptions are there, and watchers in reach get full state "
    "(DESIGN 1.4)") {
  Stage stage;
  stage.put_rules(rule_for(bob, "allow"));
  Device laptop(stage, alice, udp(5080));
  laptop.publish(pidf("here"));
  Device watcher(stage, bob, udp(5070));
  watcher.subscribe(alice);
  const Notified before = stage.take();
  stage.restart();
  CHECK(stage.notifies.empty());  // not all at once
  stage.wait(5s);
  const Notified after = stage.take();
  CHECK(after.state() == "active");
  CHECK(note_of(after) == "here");
  CHECK(after.message.call_id() == before.message.call_id());
  CHECK(after.message.from_tag() == before.message.from_tag());
  CHECK(cseq_of(after) > cseq_of(before));
  CHECK(stage.notifies.empty());

  CHECK(laptop.publish("").status() == 200);
  laptop.publish(pidf("away"));
  CHECK(note_of(stage.take()) == "away");
  CHECK(watcher.refresh(600).status() == 200);
  CHECK(note_of(stage.take()) == "away");
}

TEST_CASE("a watcher whose connection died with the server gets the present state when it is back") {
  Stage stage;
  stage.put_rules(rule_for(bob, "allow"));
  Device laptop(stage, alice, udp(5080));
  laptop.publish(pidf("here"));
  Device watcher(stage, bob, tls(5));
  watcher.subscribe(alice);
  const Notified before = stage.take();
  stage.restart();
  stage.wait(60s);
  CHECK(stage.notifies.empty());
  watcher.move(tls(7));
  SUBCASE("by a refresh in the old dialog") {
    CHECK(watcher.refresh(600).status() == 200);
    const Notified after = stage.take();
    CHECK(note_of(after) == "here");
    CHECK(cseq_of(after) > cseq_of(before));
  }
  SUBCASE("by a new subscription") {
    CHECK(watcher.subscribe(alice).status() == 200);
    CHECK(note_of(stage.take()) == "here");
    stage.settle();
    CHECK(stage.table("PST").rows.size() == 1);  // the lost one is forgotten
  }
}

TEST_CASE("watcher information goes on after a restart: same ids, higher versions, full (RFC 3858 3)") {
  Stage stage;
  Device owner(stage, alice, udp(5080)), watcher(stage, bob, tls(5));
  owner.subscribe(alice, "presence.winfo");
  stage.take();
  stage.wait(10s);
  watcher.subscribe(alice);
  const auto before = stage.take().winfo();
  stage.restart();
  stage.wait(5s);
  const auto after = stage.take().winfo();
  CHECK(after.state == documents::WatcherInfo::State::full);
  CHECK(after.version > before.version);
  REQUIRE(after.lists.at(0).watchers.size() == 1);
  CHECK(after.lists[0].watchers[0].id == before.lists.at(0).watchers.at(0).id);
  CHECK(after.lists[0].watchers[0].status == documents::WatcherStatus::pending);
}

TEST_CASE("CSeq never goes back, also when many NOTIFYs went out before the crash") {
  Stage stage;
  stage.put_rules(rule_for(bob, "allow"));
  Device laptop(stage, alice, udp(5080)), watcher(stage, bob, udp(5070));
  watcher.subscribe(alice, "presence", {"Expires: 86400"});
  unsigned highest = cseq_of(stage.take());
  for (int i = 0; i < 1500; ++i) {
    laptop.publish(pidf(std::to_string(i)));
    highest = std::max(highest, cseq_of(stage.take()));
  }
  stage.restart();
  stage.wait(5s);
  CHECK(cseq_of(stage.take()) > highest);
}

TEST_CASE(
    "after a restart no number of the next block goes out before the store has it: a second crash uses none "
    "twice (DESIGN 1.4; found by seed 2670 of the simulation)") {
  Stage stage;
  stage.put_rules(rule_for(bob, "allow"));
  Device laptop(stage, alice, udp(5080)), watcher(stage, bob, udp(5070));
  laptop.publish(pidf("here"), {"Expires: 60"});
  watcher.subscribe(alice);
  unsigned highest = cseq_of(stage.take());
  const auto take_all = [&] {
    while (!stage.notifies.empty()) {
      const unsigned cseq = cseq_of(stage.take());
      CHECK(cseq > highest);
      highest = std::max(highest, cseq);
    }
  };
  stage.store_latency = 30s;
  SUBCASE("full state waits for the store") {
    stage.restart();
    stage.wait(20s);
  }
  SUBCASE("so does what happens meanwhile") {
    stage.wait(50s);
    stage.restart();
    stage.wait(20s);  // the publication runs out
  }
  CHECK(stage.notifies.empty());
  take_all();
  stage.store_latency = 1ms;
  stage.restart();
  stage.wait(6s);
  CHECK(stage.notifies.size() >= 1);
  take_all();
}

TEST_CASE(
    "while the store fails no CSeq leaves that it does not have: NOTIFYs wait for it, and the newest state "
    "follows "
    "(DESIGN 1.4)") {
  Stage stage;
  stage.put_rules(rule_for(bob, "allow"));
  Device watcher(stage, bob, udp(5070));
  watcher.subscribe(alice, "presence", {"Expires: 86400"});
  Device laptop(stage, alice, udp(5080));
  laptop.publish(pidf("0"));
  unsigned highest = cseq_of(stage.drain().back());
  const auto stored = [&] {
    for (const auto& [key, value] : stage.memory.records)
      if (std::get<store::Kind>(key) == store::Kind::subscription)
        return subscription::parse_record(std::get<2>(key), value, stage.clock_.at.mono, stage.memory.scale,
                                          0s)
            ->dialog.reserved_cseq;
    return 0U;
  };
  const unsigned most = stored();
  stage.memory.broken = store::Errc::io;
  const EntryPtr entry = stage.entry(alice);
  const auto change = [&] {
    stage.subscriptions->changed(*stage.presence_package, *entry, stage.clock_.at);
    stage.wait(1s);
  };
  for (unsigned i = 0; i < 1500; ++i) {
    change();
    for (const Notified& notified : stage.drain()) {
      CHECK(cseq_of(notified) == highest + 1);
      highest = cseq_of(notified);
    }
  }
  CHECK(highest == most);
  CHECK(stored() == most);
  SUBCASE("the store comes back") {
    stage.memory.broken = {};
    stage.wait(store::Sequence::retry_max);
    CHECK(cseq_of(stage.take()) == most + 1);
    CHECK(stored() > most);
    CHECK(stage.notifies.empty());
    change();
    CHECK(cseq_of(stage.take()) == most + 2);
  }
  SUBCASE("a refresh is stored first") {
    stage.memory.broken = {};
    CHECK(watcher.refresh(600).status() == 200);
    CHECK(cseq_of(stage.take()) == most + 1);
    CHECK(stored() > most);
    stage.wait(store::Sequence::retry_max);
    CHECK(stage.notifies.empty());
  }
  SUBCASE("the watcher ends it first") {
    stage.memory.broken = {};
    CHECK(watcher.refresh(0).status() == 200);
    CHECK(stage.take().state() == "terminated;timeout");
    stage.settle();
    CHECK(stored() == 0);
  }
  SUBCASE("its lifetime ends first") {
    stage.wait(24h);
    CHECK(stage.notifies.empty());
    CHECK(stored() == most);
    stage.memory.broken = {};
    stage.wait(store::Sequence::retry_max);
    CHECK(stage.take().state() == "terminated;timeout");
    stage.settle();
    CHECK(stored() == 0);
    CHECK(stage.table("PST").rows.empty());
  }
  SUBCASE("kill -9") {
    stage.memory.broken = {};
    stage.restart();
    stage.wait(6s);
    CHECK(cseq_of(stage.take()) > highest);
  }
}

TEST_CASE(
    "a watcher that has not answered its last NOTIFY when the server is killed gets it again: that the rules "
    "refuse it, or that its time is over") {
  Stage stage;
  stage.put_rules(rule_for(bob, "allow"));
  Device watcher(stage, bob, udp(5070));
  watcher.subscribe(alice, "presence", {"Expires: 60"});
  stage.take();
  std::string end;
  SUBCASE("refused") {
    end = "terminated;rejected";
    stage.put_rules(rule_for(bob, "block"));
  }
  SUBCASE("over") {
    end = "terminated;timeout";
    stage.wait(61s);
  }
  stage.settle();
  CHECK(stage.take(0).state() == end);  // lost on the way
  stage.restart();
  stage.wait(5s);
  CHECK(stage.take().state() == end);
  stage.settle();
  CHECK(stage.subscriptions->size() == 0);
  stage.restart();
  stage.wait(5s);
  CHECK(stage.notifies.empty());
  CHECK(stage.memory.records.size() == 1);  // the rules
}

TEST_CASE("tries to reserve CSeqs after a restart are spaced: 1 s, 2 s ... 60 s while the store fails") {
  Stage stage;
  stage.put_rules(rule_for(bob, "allow"));
  Device watcher(stage, bob, udp(5070));
  watcher.subscribe(alice, "presence", {"Expires: 86400"});
  stage.take();
  stage.memory.broken = store::Errc::io;
  stage.restart();
  const auto tries = [&](Duration time) {
    const auto before = stage.memory.commits;
    stage.wait(time);
    return stage.memory.commits - before;
  };
  CHECK(tries(1s) >= 2);
  CHECK(tries(1h) <= 3600 / 45 + 10);
  CHECK(tries(1h) >= 60);
  CHECK(stage.notifies.empty());
  stage.memory.broken = {};
  stage.wait(66s);
  CHECK(stage.take().state() == "active");
}

TEST_CASE(
    "what ended while the machine was down ends: a forward jump of the clock looks the same, so a watcher "
    "has "
    "the grace time to refresh (once it stayed terminated for ever)") {
  Stage stage;
  stage.put_rules(rule_for(bob, "allow"));
  Device laptop(stage, alice, udp(5080)), watcher(stage, bob, udp(5070)), lost(stage, carol, tls(5));
  laptop.publish(pidf("here"), {"Expires: 60"});
  watcher.subscribe(alice, "presence", {"Expires: 60"});
  const unsigned before = cseq_of(stage.take());
  lost.subscribe(alice, "presence", {"Expires: 60"});
  stage.take();
  stage.clock_.at.mono += 120s;
  stage.clock_.at.wall += 120s;
  stage.boot = "boot 2";
  stage.restart();
  stage.wait(5s);
  const Notified again = stage.take();
  CHECK(again.state() == "active");
  CHECK(cseq_of(again) > before);
  SUBCASE("a refresh keeps it") {
    CHECK(watcher.refresh(600).status() == 200);
    stage.take();
    stage.wait(300s);
    CHECK(stage.table("PST").rows.size() == 1);
  }
  SUBCASE("without it the watcher is notified of the end, and nothing is left") {
    std::string last;
    for (int second = 0; second < 120; ++second) {
      stage.wait(1s);
      for (const Notified& notified : stage.drain()) last = notified.state();
    }
    CHECK(last == "terminated;timeout");
    CHECK(stage.table("PST").rows.empty());
    CHECK(stage.memory.records.size() == 1);  // the rules
  }
}

TEST_CASE("the last NOTIFY of one that ran out waits for its CSeq, too (DESIGN 1.4)") {
  Stage stage;
  stage.put_rules(rule_for(bob, "allow"));
  Device watcher(stage, bob, udp(5070));
  watcher.subscribe(alice, "presence", {"Expires: 60"});
  stage.take();
  stage.clock_.at.wall += 120s;
  stage.clock_.at.mono += 120s;
  stage.store_latency = 200s;
  stage.restart();
  stage.wait(199s);
  CHECK(stage.notifies.empty());
  stage.wait(2s);
  CHECK(stage.take().state() == "terminated;timeout");
  CHECK(stage.size() == 0);
}

TEST_CASE("a wall clock that jumps while the server runs or is down loses and prolongs nothing (DESIGN 7)") {
  for (const auto jump : {std::chrono::hours(24 * 365 * 20), -std::chrono::hours(24 * 365 * 20)}) {
    for (const bool while_down : {false, true}) {
      CAPTURE(jump.count());
      CAPTURE(while_down);
      Stage stage;
      stage.put_rules(rule_for(bob, "allow"));
      Device laptop(stage, alice, udp(5080)), watcher(stage, bob, udp(5070));
      laptop.publish(pidf("here"), {"Expires: 900"});
      if (!while_down) stage.clock_.at.wall += jump;
      watcher.subscribe(alice, "presence", {"Expires: 600"});
      stage.take();
      stage.wait(60s);
      if (while_down) stage.clock_.at.wall += jump;
      stage.restart();
      stage.wait(5s);
      CHECK(note_of(stage.take()) == "here");
      stage.wait(534s);
      CHECK(stage.notifies.empty());
      stage.wait(2s);
      CHECK(stage.take().state() == "terminated;timeout");
      stage.wait(250s);
      CHECK(stage.size() == 1);  // the publication
      stage.wait(60s);
      CHECK(stage.size() == 0);
    }
  }
}

TEST_CASE("a subscription that ran out while the server was down, and not the machine, ends at the start") {
  Stage stage;
  stage.put_rules(rule_for(bob, "allow"));
  Device watcher(stage, bob, udp(5070));
  watcher.subscribe(alice, "presence", {"Expires: 60"});
  const unsigned before = cseq_of(stage.take());
  stage.clock_.at.mono += 120s;
  stage.clock_.at.wall += 120s;
  stage.restart();
  stage.settle();
  const Notified last = stage.take();
  CHECK(last.state() == "terminated;timeout");
  CHECK(cseq_of(last) > before);
  stage.settle();
  CHECK(stage.size() == 0);
  CHECK(stage.memory.records.size() == 1);  // the rules
}

TEST_CASE("a wall clock set back over a boot prolongs nothing past what was granted") {
  Stage stage;
  stage.put_rules(rule_for(bob, "allow"));
  Device watcher(stage, bob, udp(5070));
  watcher.subscribe(alice, "presence", {"Expires: 600"});
  stage.take();
  stage.clock_.at.wall -= std::chrono::hours(24 * 365 * 20);
  stage.boot = "boot 2";
  stage.restart();
  stage.wait(5s);
  CHECK(stage.take().state() == "active");
  stage.wait(596s);
  CHECK(stage.take().state() == "terminated;timeout");
  CHECK(stage.size() == 0);
}

TEST_CASE("a watcher blocked by rules is notified of it after the restart") {
  Stage stage;
  stage.put_rules(rule_for(bob, "allow"));
  Device watcher(stage, bob, udp(5070));
  watcher.subscribe(alice);
  stage.take();
  const auto rules = stage.memory.records;
  stage.put_rules(rule_for(bob, "block"));
  // As if the crash had come between the two commits: the rule is stored, the end of the subscription is not.
  for (const auto& [key, value] : rules)
    if (std::get<store::Kind>(key) == store::Kind::subscription) stage.memory.records[key] = value;
  stage.restart();
  stage.wait(5s);
  CHECK(stage.take().state() == "terminated;rejected");
}

TEST_CASE("a refresh that follows an unsubscribe before the store has it leaves no record behind") {
  Stage stage;
  stage.store_latency = 20ms;
  stage.restart();
  Device watcher(stage, bob, udp(5070));
  const auto to = std::string(watcher.subscribe(alice).header(sip::HeaderId::to));
  stage.drain();
  const auto end = watcher.send("SUBSCRIBE", to, {"Event: presence", "Expires: 0"}, {}, /*settle=*/false);
  const auto again = watcher.send("SUBSCRIBE", to, {"Event: presence", "Expires: 600"});
  stage.drain();
  stage.settle();
  CHECK(stage.answer(end).status() == 200);
  CHECK(stage.answer(again).status() == 481);
  stage.restart();
  CHECK(stage.subscriptions->size() == 0);
}

TEST_CASE("a damaged record is left out, the rest is restored") {
  Stage stage;
  stage.put_rules(rule_for(bob, "allow"));
  Device laptop(stage, alice, udp(5080)), watcher(stage, bob, udp(5070));
  laptop.publish(pidf("here"));
  watcher.subscribe(alice);
  stage.take();
  for (auto& [key, value] : stage.memory.records)
    if (std::get<store::Kind>(key) == store::Kind::publication) value.resize(value.size() / 2);
  stage.restart();
  stage.wait(5s);
  CHECK(stage.take().basic() == "closed");
}

namespace {

/// alice's laptop, registered and published; bob may see.
struct Laptop {
  Laptop() {
    stage.put_rules(rule_for(bob, "allow"));
    laptop.register_(3600, "urn:uuid:laptop");
    laptop.publish(pidf("here"), {"Expires: 600"});
    REQUIRE(seen() == "open");
  }
  std::string seen() {
    watcher.subscribe(alice, "presence", {"Expires: 0"});
    return stage.take().basic();
  }
  auto records() const {
    return std::ranges::count_if(stage.memory.records, [](const auto& record) {
      return std::get<store::Kind>(record.first) == store::Kind::publication;
    });
  }
  Stage stage;
  Device laptop{stage, alice, udp(5080)}, watcher{stage, bob, udp(5070)};
};

}  // namespace

TEST_CASE("a device that took its publication back stays closed over a restart (DESIGN 6)") {
  Laptop play;
  SUBCASE("by a PUBLISH with Expires 0") { play.laptop.publish("", {"Expires: 0"}); }
  SUBCASE("by letting it run out") { play.stage.wait(601s); }
  CHECK(play.seen() == "closed");
  for (int i = 0; i < 2; ++i) {
    play.stage.restart();
    CHECK(play.seen() == "closed");
    CHECK(play.records() == 1);
  }
}

TEST_CASE(
    "that a device took its publication back is forgotten when it publishes again or its binding ends") {
  Laptop play;
  play.laptop.publish("", {"Expires: 0"});
  play.stage.restart();
  SUBCASE("a publication") {
    play.laptop.etag.clear();
    play.laptop.publish(pidf("back"));
    CHECK(play.seen() == "open");
    CHECK(play.records() == 1);
  }
  SUBCASE("the end of the binding") {
    play.laptop.register_(0, "urn:uuid:laptop");
    play.stage.settle();
    CHECK(play.records() == 0);
    play.laptop.register_(3600, "urn:uuid:laptop");
    CHECK(play.seen() == "open");
  }
  SUBCASE("the end of the binding while the server was down") {
    play.stage.clock_.at.mono += 2h;
    play.stage.clock_.at.wall += 2h;
    play.stage.restart();
    play.stage.wait(120s);
    CHECK(play.records() == 0);
  }
}

TEST_CASE("a stored document with an id twice is left out, and costs no time") {
  Stage stage;
  stage.put_rules(rule_for(bob, "allow"));
  Device laptop(stage, alice, udp(5080)), watcher(stage, bob, udp(5070));
  std::string two = pidf("here", "abcd");
  two.insert(two.find("<tuple"), "<tuple id=\"free\"/>");
  laptop.publish(two);
  for (auto& [key, value] : stage.memory.records)
    if (std::get<store::Kind>(key) == store::Kind::publication)
      value.replace(value.find("id=\"free\""), 9, "id=\"abcd\"");
  stage.restart();
  watcher.subscribe(alice, "presence", {"Expires: 0"});
  CHECK(stage.take().basic() == "closed");
}

TEST_CASE("after a restart the state leaves at the configured rate, to watchers in reach only") {
  constexpr std::uint32_t rate = 10;
  constexpr std::size_t watchers = 25;
  auto settings = Stage::default_settings();
  settings.restart_notifies_per_second = rate;
  settings.watcher_policy = WatcherPolicy::allow;
  Stage stage(settings);
  std::vector<std::unique_ptr<Device>> devices;
  const auto subscribe = [&](const Hop& hop) {
    const std::string watcher = "sip:w" + std::to_string(devices.size()) + "@example.org";
    stage.memory.users[watcher].aor = watcher;
    devices.push_back(std::make_unique<Device>(stage, watcher, hop));
    REQUIRE(devices.back()->subscribe(alice).status() == 200);
  };
  for (std::size_t i = 0; i < watchers; ++i) {
    subscribe(udp(static_cast<std::uint16_t>(6000 + i)));
    subscribe(tls(100 + i));  // their connections end with the server
  }
  stage.drain();
  stage.restart();
  // One at once, then one each tenth of a second.
  for (std::size_t sent = 1; sent <= watchers; sent += rate) {
    stage.wait(sent == 1 ? Duration(50ms) : Duration(1s));
    CHECK(stage.notifies.size() == sent);
  }
  stage.wait(60s);
  CHECK(stage.notifies.size() == watchers);
}

TEST_CASE("figures say what is undelivered and what became of NOTIFYs, also when nobody answers") {
  auto settings = Stage::default_settings();
  settings.watcher_policy = WatcherPolicy::allow;
  Stage stage(settings);
  Device laptop(stage, alice, udp(5080)), near(stage, bob, udp(5070)), far(stage, carol, tls(5));
  near.subscribe(alice);
  far.subscribe(alice);
  stage.drain();
  const auto& subscriptions = *stage.subscriptions;
  const auto age = [&] { return subscriptions.staleness(stage.clock_.at.mono); };
  CHECK(age() == 0s);
  const auto before = subscriptions.notify_counters();
  CHECK(before.sent == before.answers[200]);

  laptop.publish(pidf("here"));
  for (const Notified& each : {stage.take(0), stage.take(0)})
    if (each.to.flow == 0) stage.answer_notify(each, 200);
  stage.wait(7s);
  CHECK(age() == 7s);
  SUBCASE("a watcher that cannot be reached is not waited for") {
    stage.close_flow(5);
    CHECK(age() == 0s);
  }
  CHECK(stage.presentities->watches().latency().counts != Histogram{}.counts);
  stage.restart();
  CHECK(stage.subscriptions->staleness(stage.clock_.at.mono) == 0s);
}

TEST_CASE("subscriptions are counted by package and state") {
  Stage stage;
  Device owner(stage, alice, udp(5080)), watcher(stage, bob, udp(5070));
  owner.subscribe(alice, "presence.winfo");
  watcher.subscribe(alice);
  stage.drain();
  const auto count_of = [&](std::string_view package) {
    for (const auto& each : stage.subscriptions->counts())
      if (each.package->name() == package) return std::pair(each.active, each.pending);
    return std::pair<std::size_t, std::size_t>{};
  };
  CHECK(count_of("presence") == std::pair<std::size_t, std::size_t>(0, 1));
  CHECK(count_of("presence.winfo") == std::pair<std::size_t, std::size_t>(1, 0));
  stage.put_rules(rule_for(bob, "allow"));
  stage.drain();
  CHECK(count_of("presence") == std::pair<std::size_t, std::size_t>(1, 0));
  watcher.refresh(0);
  stage.drain();
  CHECK(count_of("presence") == std::pair<std::size_t, std::size_t>(0, 0));
}
