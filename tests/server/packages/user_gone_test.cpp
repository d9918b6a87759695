#include "tests/server/packages/stage.hpp"

using namespace beckon;
using namespace beckon::server;
using namespace beckon::server::test;

namespace {

/// alice is registered, has published, is watched by bob, and watches bob.
struct Scene {
  Scene() {
    REQUIRE(stage.put_rules(rule_for(bob, "allow")) == 201);
    REQUIRE(stage.put_rules(rule_for(alice, "allow"), bob) == 201);
    phone.register_(3600, "urn:uuid:1");
    REQUIRE(phone.publish(pidf("at my desk")).status() == 200);
    REQUIRE(watching.subscribe(alice, "presence").status() == 200);
    REQUIRE(hers.subscribe(bob, "presence").status() == 200);
    REQUIRE(registration.subscribe(alice, "reg").status() == 200);
    stage.drain();
  }

  Stage stage;
  Device phone{stage, alice, udp(5070)}, hers{stage, alice, tls(1)}, registration{stage, alice, tls(2)};
  Device watching{stage, bob, tls(3)};
};

/// "Subscription-State" of each NOTIFY, by its event, in order.
std::vector<std::string> states(Stage& stage, std::string_view event) {
  std::vector<std::string> all;
  for (const Notified& each : stage.drain())
    if (each.message.header(sip::HeaderId::event) == event) all.push_back(each.state());
  return all;
}

}  // namespace

TEST_CASE(
    "of a disabled user the devices, the published state and the subscriptions end, and the rules stay") {
  Scene scene;
  Stage& stage = scene.stage;
  stage.end_user(alice, false);
  CHECK(stage.registrar->bindings(alice).empty());
  CHECK(stage.publications->size() == 0);
  std::vector<std::string> own, others;
  for (const Notified& each : stage.drain()) {
    const bool to_bob = each.to == tls(3);
    (to_bob ? others : own).push_back(each.state());
    if (to_bob) CHECK(each.basic() == "closed");
  }
  CHECK(own == std::vector<std::string>{"terminated;rejected", "terminated;rejected"});
  REQUIRE_FALSE(others.empty());
  CHECK(others.back() == "active");
  CHECK(stage.subscriptions->size() == 1);
  CHECK(stage.documents->rules(alice) != nullptr);

  stage.restart();
  CHECK(stage.registrar->bindings(alice).empty());
  CHECK(stage.publications->size() == 0);
  CHECK(stage.subscriptions->size() == 1);
}

TEST_CASE(
    "of a removed user nothing stays: watchers hear noresource, and who has the name next has no rules") {
  Scene scene;
  Stage& stage = scene.stage;
  stage.end_user(alice, true);
  CHECK(stage.registrar->bindings(alice).empty());
  const auto seen = states(stage, "presence");
  REQUIRE_FALSE(seen.empty());
  CHECK(std::ranges::count(seen, "terminated;noresource") == 1);
  CHECK(std::ranges::count(seen, "terminated;rejected") == 1);
  CHECK(stage.size() == 0);
  CHECK(stage.documents->rules(alice) == nullptr);
  CHECK(stage.presentities->watches().log(alice).lines.empty());
  CHECK(stage.documents->rules(bob) != nullptr);

  stage.restart();
  CHECK(stage.size() == 0);
  CHECK(stage.documents->rules(alice) == nullptr);
  Device again(stage, bob, tls(4));
  CHECK(again.subscribe(alice, "presence").status() == 404);
}

TEST_CASE("the rules of a removed user end while the store fails, too: it gets their end when it is back") {
  Scene scene;
  Stage& stage = scene.stage;
  stage.memory.broken = store::Errc::io;
  stage.end_user(alice, true);
  CHECK(stage.documents->rules(alice) == nullptr);
  stage.memory.broken = {};
  stage.wait(2min);
  stage.restart();
  CHECK(stage.documents->rules(alice) == nullptr);
  CHECK(stage.documents->rules(bob) != nullptr);
}

TEST_CASE("a user who left nothing, or is of another shard, leaves the rooms as they are") {
  Scene scene;
  const auto before = scene.stage.size();
  scene.stage.end_user(carol, true);
  scene.stage.end_user("sip:nobody@example.org", false);
  CHECK(scene.stage.size() == before);
  CHECK(scene.stage.drain().empty());
}

TEST_CASE(
    "a server that is killed before a gone user's devices have answered their last NOTIFYs has nothing of "
    "that user") {
  Scene scene;
  Stage& stage = scene.stage;
  SUBCASE("disabled") { stage.end_user(alice, false); }
  SUBCASE("removed") { stage.end_user(alice, true); }
  stage.restart();
  stage.wait(60s);
  for (const auto& row : stage.table("PST").rows) CHECK(row[1].second == bob);
  CHECK(stage.table("reg").rows.empty());
}
