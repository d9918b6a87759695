#include "server/subscription/subscriptions.hpp"

#include <algorithm>
#include <set>

#include "tests/server/packages/stage.hpp"

using namespace beckon;
using namespace beckon::server;
using namespace beckon::server::test;
using sip::HeaderId;
using subscription::Head;

namespace {

std::string user(unsigned number) { return "sip:u" + std::to_string(10000 + number) + "@example.org"; }

/// `count` watchers of alice, their first NOTIFY answered.
void add_watchers(Stage& stage, unsigned count) {
  for (unsigned i = 0; i < count; ++i) {
    Device(stage, user(i), udp(5070)).subscribe(alice);
    stage.drain();
  }
}

/// PUTs rules and does not wait for the store.
void hand_rules(Stage& stage, const std::string& rules) {
  beckon::xcap::Request request;
  request.method = beckon::xcap::Method::put;
  request.target = "/xcap/pres-rules/users/" + alice + "/index";
  request.headers = {{"Content-Type", "application/auth-policy+xml"}};
  request.body = rules;
  stage.documents->handle(request, {alice, true}, [](const beckon::xcap::Response&) {});
}

std::string column(const Row& row, const std::string& name) {
  for (const auto& [column_name, value] : row)
    if (column_name == name) return value;
  return {};
}

}  // namespace

TEST_CASE(
    "permission is decided again after the commit: rules that changed meanwhile hold (RFC 5025 3.2.1; once "
    "allowed "
    "watchers stayed pending and blocked ones active)") {
  struct {
    const char* before;
    const char* meanwhile;
    const char* state;
  } const rows[] = {{"", "allow", "active"},
                    {"allow", "block", "terminated;rejected"},
                    {"allow", "confirm", "pending"},
                    {"", "block", "terminated;rejected"}};
  for (const auto& row : rows) {
    CAPTURE(row.meanwhile);
    Stage stage;
    if (*row.before != '\0') stage.put_rules(rule_for(bob, row.before));
    Device watcher(stage, bob, udp(5070)), laptop(stage, alice, udp(5080));
    hand_rules(stage, rule_for(bob, row.meanwhile));
    const auto id = watcher.send("SUBSCRIBE", alice, {"Event: presence"}, {}, /*settle=*/false);
    stage.wait(1s);
    CHECK(stage.answer(id).status() == 200);
    CHECK(stage.take().state() == row.state);
    laptop.publish(pidf("secret"));
    CHECK(stage.notifies.size() == (std::string(row.state) == "active" ? 1 : 0));
  }
}

TEST_CASE(
    "a connection that closes while its SUBSCRIBE is looked up or stored is noticed: nothing is sent into "
    "it, and "
    "a refresh over a new one brings the state") {
  Stage stage(allow_all());
  Device watcher(stage, bob, tls(5));
  SUBCASE("stored") {
    watcher.send("SUBSCRIBE", alice, {"Event: presence"}, {}, /*settle=*/false);
    stage.wait(0ms);
    stage.close_flow(5);
  }
  SUBCASE("looked up") {
    watcher.send("SUBSCRIBE", alice, {"Event: presence"}, {}, /*settle=*/false);
    stage.close_flow(5);
  }
  SUBCASE("refreshed over another one that closes as well") {
    watcher.subscribe(alice);
    stage.take();
    watcher.move(tls(6));
    const std::string dialog = "<" + alice + ">;tag=" + std::string(stage.answer(1).to_tag());
    watcher.send("SUBSCRIBE", dialog, {"Event: presence"}, {}, /*settle=*/false);
    stage.close_flow(6);
  }
  stage.wait(1s);
  CHECK(stage.notifies.empty());
  const Table table = stage.table("PST");
  REQUIRE(table.rows.size() == 1);
  CHECK(column(table.rows[0], "reachable") == "no");
  Device(stage, alice, udp(5080)).publish(pidf("here"));
  CHECK(stage.notifies.empty());
}

TEST_CASE("a subscription that has run out and waits for its last answer shows no time below zero") {
  Stage stage(allow_all());
  Device(stage, bob, tls(5)).subscribe(alice, "presence", {"Expires: 60"});
  stage.take();
  stage.wait(65s);
  const Table table = stage.table("PST");
  REQUIRE(table.rows.size() == 1);
  CHECK(column(table.rows[0], "expire") == "0");
}

TEST_CASE("a trunk that closes loses its subscriptions in slices; one that came back meanwhile is not lost") {
  constexpr unsigned count = 300;
  Stage stage(allow_all());
  std::vector<Device> watchers;
  for (unsigned i = 0; i < count; ++i) {
    watchers.emplace_back(stage, user(i), tls(5)).subscribe(alice);
    stage.drain();
  }
  const auto lost = [&] {
    const Table table = stage.table("PST");
    return std::ranges::count_if(table.rows, [](const Row& row) { return column(row, "reachable") == "no"; });
  };
  CHECK(lost() == 0);
  stage.directory().on_flow_closed(5, stage.clock_.at);
  stage.subscriptions->on_flow_closed(5, stage.clock_.at);
  CHECK(lost() == Slice::visits_max);
  CHECK_FALSE(stage.subscriptions->is_idle());
  watchers.back().move(udp(5070));
  CHECK(watchers.back().refresh(600).status() == 200);
  stage.wait(1s);
  CHECK(lost() == count - 1);
  CHECK(stage.subscriptions->is_idle());
  stage.drain();
  Device(stage, alice, udp(5080)).publish(pidf("here"));
  stage.wait(1s);
  CHECK(stage.notifies.size() == 1);
}

TEST_CASE("a fetch over a connection that closed meanwhile leaves nothing") {
  Stage stage(allow_all());
  Device watcher(stage, bob, tls(5));
  watcher.send("SUBSCRIBE", alice, {"Event: presence", "Expires: 0"}, {}, /*settle=*/false);
  stage.close_flow(5);
  stage.wait(1s);
  CHECK(stage.notifies.empty());
  CHECK(stage.size() == 0);
}

TEST_CASE("a watcher has a limit in all and one for each presentity: 403 with a Warning (DESIGN 7)") {
  Settings settings = allow_all();
  settings.subscriptions_per_watcher = 3;
  settings.subscriptions_per_watcher_and_presentity = 2;
  Stage stage(settings);
  Device watcher(stage, bob, udp(5070));
  CHECK(watcher.subscribe(alice).status() == 200);
  CHECK(watcher.subscribe(alice).status() == 200);
  const auto third = watcher.subscribe(alice);
  CHECK(third.status() == 403);
  CHECK(third.header(HeaderId::warning) == "399 example.org \"too many subscriptions to one resource\"");
  CHECK(watcher.subscribe(carol).status() == 200);
  const auto fourth = watcher.subscribe(carol);
  CHECK(fourth.status() == 403);
  CHECK(fourth.header(HeaderId::warning) == "399 example.org \"too many subscriptions\"");
  stage.drain();
  watcher.refresh(0);  // unknown dialog: the last one was refused
  CHECK(Device(stage, carol, udp(5071)).subscribe(alice).status() == 200);
}

TEST_CASE("the limit for one presentity counts each package apart: ten devices have ten of each (DESIGN 7)") {
  Stage stage(allow_all());
  Device watcher(stage, alice, udp(5070));
  for (unsigned device = 0; device < stage.settings().subscriptions_per_watcher_and_presentity; ++device)
    for (const char* package : {"presence", "presence.winfo", "reg", "dialog", "message-summary"}) {
      CAPTURE(package);
      CHECK(watcher.subscribe(alice, package).status() == 200);
    }
  CHECK(watcher.subscribe(alice, "reg").status() == 403);
  stage.drain();
}

TEST_CASE("what a watcher has at other shards counts, and takes nobody's share of this one (DESIGN 7)") {
  Settings settings = allow_all();
  settings.subscriptions_per_watcher = 4;
  Stage stage(settings, {}, std::make_shared<subscription::Tally>(2, KeyedHash(1, 2)));
  subscription::Tally::Count& everywhere = stage.tally->of(bob);
  Device watcher(stage, bob, udp(5070));
  everywhere = 4;  // all at the other shard
  CHECK(watcher.subscribe(alice).status() == 200);
  CHECK(watcher.subscribe(carol).status() == 200);
  CHECK(everywhere == 6);
  CHECK(watcher.subscribe(carol).status() == 403);
  everywhere -= 3;
  CHECK(watcher.subscribe(carol).status() == 200);
  CHECK(watcher.refresh(0).status() == 200);
  stage.drain();
  CHECK(everywhere == 3);
  stage.restart();
  CHECK(everywhere == 3);
}

TEST_CASE("where the limit is less than the shards, a watcher has one subscription whatever its group has") {
  Settings settings = allow_all();
  settings.subscriptions_per_watcher = 1;
  Stage stage(settings, {}, std::make_shared<subscription::Tally>(2, KeyedHash(1, 2)));
  stage.tally->of(bob) = 1;  // another watcher's
  Device watcher(stage, bob, udp(5070));
  CHECK(watcher.subscribe(alice).status() == 200);
  CHECK(watcher.subscribe(carol).status() == 403);
  stage.drain();
}

TEST_CASE("subscriptions in their commit count for the limits") {
  Settings settings = allow_all();
  settings.subscriptions_per_watcher_and_presentity = 2;
  Stage stage(settings);
  std::vector<std::uint64_t> ids;
  for (unsigned i = 0; i < 4; ++i) {
    Device watcher(stage, bob, udp(static_cast<std::uint16_t>(5070 + i)));
    ids.push_back(watcher.send("SUBSCRIBE", alice, {"Event: presence"}, {}, /*settle=*/false));
  }
  stage.wait(1s);
  int accepted = 0;
  for (const auto id : ids) accepted += stage.answer(id).status() == 200 ? 1 : 0;
  CHECK(accepted == 2);
}

TEST_CASE("subscriptions on lost connections give way to their watcher's new ones (RFC 5626)") {
  Settings settings = allow_all();
  settings.subscriptions_per_watcher_and_presentity = 1;
  Stage stage(settings);
  Device watcher(stage, bob, tls(5));
  for (transaction::FlowId flow = 5; flow < 9; ++flow) {
    watcher.move(tls(flow));
    CHECK(watcher.subscribe(alice).status() == 200);
    stage.take();
    stage.close_flow(flow);
  }
  CHECK(stage.table("PST").rows.size() == 1);
}

TEST_CASE("unapproved watchers use up pending places only: an allowed watcher still gets in (DESIGN 7)") {
  Settings settings = Stage::default_settings();
  settings.watchers_per_presentity = 20;
  settings.pending_per_presentity = 5;
  Stage stage(settings);
  stage.put_rules(rule_for(bob, "allow"));
  for (unsigned i = 0; i < 5; ++i) CHECK(Device(stage, user(i), udp(5070)).subscribe(alice).status() == 200);
  const auto refused = Device(stage, user(5), udp(5070)).subscribe(alice);
  CHECK(refused.status() == 403);
  CHECK(refused.header(HeaderId::warning) == "399 example.org \"too many watchers\"");
  CHECK(Device(stage, bob, udp(5071)).subscribe(alice).status() == 200);
  stage.drain();
}

TEST_CASE("a head too long to be kept is 513") {
  Stage stage(allow_all());
  const std::string route = "Record-Route: <sip:" + std::string(900, 'p') + "@example.org;lr>";
  const std::vector<std::string> routes(Head::octets_max / 900 + 1, route);
  CHECK(Device(stage, bob, udp(5070)).subscribe(alice, "presence", routes).status() == 513);
  CHECK(stage.size() == 0);
}

TEST_CASE("what watched a removed user, and what that user watched, ends in slices") {
  constexpr unsigned count = 300;
  Stage stage(allow_all());
  add_watchers(stage, count);
  Device hers(stage, alice, udp(5080));
  REQUIRE(hers.subscribe(bob).status() == 200);
  stage.drain();
  stage.memory.users.erase(alice);
  stage.subscriptions->on_user_gone(alice, true, stage.clock_.at);
  CHECK(stage.notifies.size() == Slice::visits_max);
  CHECK_FALSE(stage.subscriptions->is_idle());
  stage.wait(1s);
  std::map<std::string, unsigned> states;
  for (const Notified& notified : stage.drain()) ++states[notified.state()];
  CHECK(states ==
        std::map<std::string, unsigned>{{"terminated;noresource", count}, {"terminated;rejected", 1}});
  CHECK(stage.subscriptions->is_idle());
  CHECK(stage.subscriptions->size() == 0);
}

TEST_CASE(
    "a new state reaches many watchers in slices, each once, and a change meanwhile neither twice nor "
    "never") {
  constexpr unsigned count = 300;
  Stage stage(allow_all());
  add_watchers(stage, count);
  Device laptop(stage, alice, udp(5080));
  const std::vector<std::string> lines{"Event: presence", "Content-Type: application/pidf+xml"};
  laptop.send("PUBLISH", alice, lines, pidf("one"), /*settle=*/false);
  stage.wait(stage.store_latency);
  // The slice's end lets others in.
  CHECK(stage.notifies.size() == Slice::visits_max);
  std::map<std::string, std::vector<std::string>> notes;
  const auto read_all = [&] {
    for (const Notified& notified : stage.drain())
      notes[std::string(notified.message.call_id())].push_back(
          notified.presence().tuples.at(0).notes.at(0).text);
  };
  SUBCASE("no change meanwhile") {
    stage.wait(1s);
    read_all();
    CHECK(notes.size() == count);
    for (const auto& [call, all] : notes) CHECK(all == std::vector<std::string>{"one"});
  }
  SUBCASE("a change meanwhile") {
    read_all();
    laptop.etag = std::string(stage.answer(count + 1).header(HeaderId::sip_etag));
    auto changed = lines;
    changed.push_back("SIP-If-Match: " + laptop.etag);
    laptop.send("PUBLISH", alice, changed, pidf("two"), /*settle=*/false);
    stage.wait(1s);
    read_all();
    CHECK(notes.size() == count);
    for (const auto& [call, all] : notes) {
      CHECK(all.back() == "two");
      CHECK(std::set<std::string>(all.begin(), all.end()).size() == all.size());
    }
  }
  SUBCASE("watchers leave meanwhile") {
    for (auto& notified : stage.notifies) stage.answer_notify(notified, 481);
    stage.notifies.clear();
    stage.wait(1s);
    read_all();
    CHECK(notes.size() == count - Slice::visits_max);
    CHECK(stage.table("PST").rows.size() == count - Slice::visits_max);
  }
}

TEST_CASE(
    "a PUT of rules costs one decision a watcher, a SUBSCRIBE as many as among few watchers (fault 5)") {
  std::vector<std::uint64_t> puts, subscribes;
  for (const unsigned count : {50U, 500U}) {
    Stage stage(allow_all());
    add_watchers(stage, count);
    const auto& watches = stage.presentities->watches();
    auto before = watches.decisions();
    stage.put_rules(rule_for(user(0), "block"));
    stage.wait(1s);
    puts.push_back(watches.decisions() - before);
    CHECK(puts.back() == count);
    before = watches.decisions();
    Device(stage, bob, udp(5071)).subscribe(alice);
    subscribes.push_back(watches.decisions() - before);
  }
  CHECK(subscribes[0] == subscribes[1]);
  CHECK(subscribes[0] <= 3);
}

TEST_CASE("rules that change for many watchers reach all of them, in slices") {
  constexpr unsigned count = 300;
  Stage stage(allow_all());
  add_watchers(stage, count);
  std::string block = rule_for("x", "block");
  block.replace(block.find("<cr:one id=\"x\"/>"), std::string("<cr:one id=\"x\"/>").size(),
                "<cr:many domain=\"example.org\"/>");
  hand_rules(stage, block);
  stage.wait(stage.store_latency);
  CHECK(stage.notifies.size() < count);
  SUBCASE("a state published before the round is over is not shown to the blocked") {
    Device laptop(stage, alice, udp(5080));
    laptop.send("PUBLISH", alice, {"Event: presence", "Content-Type: application/pidf+xml"}, pidf("secret"),
                false);
  }
  SUBCASE("nothing else happens") {}
  stage.wait(1s);
  const auto all = stage.drain();
  CHECK(all.size() == count);
  for (const Notified& notified : all) {
    CHECK(notified.state() == "terminated;rejected");
    CHECK(notified.message.body().empty());
  }
  stage.settle();
  CHECK(stage.table("PST").rows.empty());
}
