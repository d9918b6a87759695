#include "server/presence/watch.hpp"

#include <optional>

#include "tests/server/packages/stage.hpp"

using namespace beckon;
using namespace beckon::server;
using namespace beckon::server::test;

namespace {

/// Follows alice without SIP: shows what it may see.
struct Follower final : presence::Sink {
  Follower(Stage& its_stage, std::string watcher)
      : stage(its_stage), aor(std::move(watcher)), watch(watches(), *stage.entry(alice), aor, *this) {
    watches().begin(watch, stage.clock_.at);
    watches().follow(watch, stage.clock_.at);
    read();
  }
  presence::Watches& watches() { return stage.presentities->watches(); }
  void on_state(presence::Watch&, Now) override {
    ++states;
    read();
  }
  void on_view(presence::Watch& changed, const presence::View& before, Now now) override {
    CHECK_FALSE(changed.view() == before);
    ++views;
    if (changed.view().permission == presence::Permission::block) watches().end(watch, now);
    read();
  }
  void read() {
    const SharedText text = watches().render(watch, /*secure=*/true, stage.clock_.at).text;
    if (!text) {
      shown = "nothing";
      return;
    }
    const auto tuple = documents::parse_pidf(*text).value().tuples.at(0);
    shown = documents::to_string(*tuple.basic);
    if (!tuple.notes.empty()) shown += ' ' + tuple.notes.front().text;
  }

  Stage& stage;
  std::string aor;
  presence::Watch watch;
  int states = 0;
  int views = 0;
  std::string shown;
};

}  // namespace

TEST_CASE("anything can follow a presentity without SIP, and rules take effect (RFC 5025)") {
  Stage stage;
  Device laptop(stage, alice, udp(5080));
  {
    Follower follower(stage, bob);
    CHECK(follower.shown == "nothing");
    laptop.publish(pidf("here"));
    CHECK(follower.shown == "nothing");
    stage.put_rules(rule_for(bob, "allow"));
    CHECK(follower.views == 1);
    CHECK(follower.shown == "open here");
    laptop.publish(pidf("away"));
    CHECK(follower.shown == "open away");
    stage.put_rules(rule_for(bob, "polite-block"));
    CHECK(follower.shown == "closed");
    stage.put_rules(rule_for(carol, "allow"));
    CHECK(follower.shown == "nothing");
    stage.put_rules(rule_for(bob, "block"));
    CHECK_FALSE(follower.watch.is_followed());
    const int before = follower.states;
    laptop.publish(pidf("secret"));
    CHECK(follower.states == before);
    CHECK(follower.shown == "nothing");
  }
  laptop.publish("", {"Expires: 0"});
  CHECK(stage.size() == 0);
}

TEST_CASE("rules with the same effect cause no notification") {
  Stage stage;
  stage.put_rules(rule_for(bob, "allow"));
  Follower follower(stage, bob);
  stage.put_rules(rule_for(bob, "allow"));
  CHECK(follower.views == 0);
  CHECK(follower.states == 0);
}

TEST_CASE("a view ends with the validity of its rule, when the rules are next looked at (RFC 4745 7.4)") {
  Stage stage;
  std::string rules = rule_for(bob, "allow");
  rules.insert(rules.find("</cr:conditions>"),
               "<cr:validity><cr:from>2020-01-01T00:00:00Z</cr:from><cr:until>2023-11-15T00:00:00Z</cr:until>"
               "</cr:validity>");
  REQUIRE(stage.put_rules(rules) == 201);
  Device laptop(stage, alice, udp(5080));
  laptop.publish(pidf("here"));
  Follower follower(stage, bob);
  CHECK(follower.shown == "open here");  // 2023-11-14
  stage.clock_.at.wall += std::chrono::hours(24);
  laptop.publish(pidf("secret"));
  CHECK(follower.shown == "nothing");
  CHECK(follower.views == 1);
}

TEST_CASE("watches may end during a round over them") {
  Stage stage;
  Device laptop(stage, alice, udp(5080));
  std::vector<std::unique_ptr<Follower>> all;
  for (int i = 0; i < 300; ++i)
    all.push_back(std::make_unique<Follower>(stage, "sip:u" + std::to_string(i) + "@example.org"));
  stage.put_rules(rule_for("sip:u7@example.org", "allow"));
  laptop.publish(pidf("here"));
  CHECK(all[7]->shown == "open here");
  std::string block = rule_for("x", "block");
  const std::string one = "<cr:one id=\"x\"/>";
  block.replace(block.find(one), one.size(), "<cr:many domain=\"example.org\"/>");
  stage.put_rules(block);
  stage.wait(1s);
  for (const auto& each : all) CHECK_FALSE(each->watch.is_followed());
  CHECK(stage.presentities->watches().size() == 0);
}
