#include "server/presence/reciprocity.hpp"

#include "tests/server/packages/stage.hpp"

using namespace beckon;
using namespace beckon::server;
using namespace beckon::server::test;

namespace {

/// A rule for `who` with a condition more.
std::string rule_with(const std::string& who, const std::string& condition,
                      const std::string& handling = "allow") {
  std::string rules = rule_for(who, handling);
  return rules.insert(rules.find("</cr:conditions>"), condition);
}
std::string reciprocal(const std::string& who, const std::string& more = "") {
  return rule_with(who, "<r:reciprocal xmlns:r=\"urn:beckon:params:xml:ns:rules:1\"/>" + more);
}

/// What bob's subscription to alice's presence says, and what it shows.
std::string told(Stage& stage) {
  const Notified notified = stage.take();
  std::string text = notified.state();
  if (!notified.message.body().empty()) {
    const auto tuples = notified.presence().tuples;
    text +=
        tuples.empty() || tuples.front().notes.empty() ? " closed" : ' ' + tuples.front().notes.front().text;
  }
  return text;
}

/// Now, or so much later, as rules have it.
std::string in(Stage& stage, std::chrono::seconds later) { return print_time(stage.clock_.at.wall + later); }

}  // namespace

TEST_CASE("sees me only who lets me see him: either side's rules change what the watcher sees, at once") {
  Stage stage;
  Device laptop(stage, alice, udp(5080)), phone(stage, bob, udp(5070));
  laptop.publish(pidf("here"));
  REQUIRE(stage.put_rules(reciprocal(bob)) == 201);
  CHECK(phone.subscribe(alice).status() == 200);
  CHECK(told(stage) == "pending");
  stage.put_rules(rule_for(alice, "allow"), bob);
  CHECK(told(stage) == "active here");
  laptop.publish(pidf("there"));
  CHECK(told(stage) == "active there");
  // Rules for somebody else, and another view of bob's, make no difference.
  stage.put_rules(rule_for(alice, "allow", "auto"), bob);
  CHECK(stage.notifies.empty());
  stage.put_rules(rule_for(alice, "polite-block"), bob);
  CHECK(told(stage) == "pending");
  laptop.publish(pidf("secret"));
  CHECK(stage.notifies.empty());
  stage.put_rules(rule_for(alice, "allow"), bob);
  CHECK(told(stage) == "active secret");
  stage.put_rules(rule_for(bob, "allow"));
  CHECK(stage.notifies.empty());
  stage.put_rules(rule_for(alice, "block"), bob);
  CHECK(stage.notifies.empty());
  stage.put_rules(reciprocal(bob));
  CHECK(told(stage) == "pending");
  phone.refresh(0);
  stage.drain();
  laptop.publish("", {"Expires: 0"});
  stage.wait(1min);
  CHECK(stage.presentities->size() == 0);
}

TEST_CASE("two who ask for reciprocity of each other see each other") {
  Stage stage;
  Device laptop(stage, alice, udp(5080)), phone(stage, bob, udp(5070));
  laptop.publish(pidf("here"));
  phone.publish(pidf("elsewhere"));
  stage.put_rules(reciprocal(bob));
  phone.subscribe(alice);
  CHECK(told(stage) == "pending");
  laptop.subscribe(bob);
  CHECK(told(stage) == "pending");
  stage.put_rules(reciprocal(alice), bob);
  CHECK(stage.notifies.size() == 2);
  CHECK(told(stage).starts_with("active"));
  CHECK(told(stage).starts_with("active"));
  stage.put_rules(rule_for(bob, "block"));
  // alice ends bob's subscription, and by that her own.
  std::vector<std::string> all;
  while (!stage.notifies.empty()) all.push_back(told(stage));
  std::ranges::sort(all);
  CHECK(all == std::vector<std::string>{"pending", "terminated;rejected"});
}

TEST_CASE("a watcher that rules would refuse waits until its own side has answered") {
  Stage stage;
  Device laptop(stage, alice, udp(5080)), phone(stage, bob, udp(5070));
  laptop.publish(pidf("here"));
  std::string rules = reciprocal(bob);
  const std::string block =
      "<cr:rule id=\"b\"><cr:actions><sub-handling>block</sub-handling></cr:actions></cr:rule>";
  rules.insert(rules.find("</cr:ruleset>"), block);
  REQUIRE(stage.put_rules(rules) == 201);
  SUBCASE("that lets alice see") {
    stage.put_rules(rule_for(alice, "allow"), bob);
    CHECK(phone.subscribe(alice).status() == 200);
    std::string last;
    while (!stage.notifies.empty()) last = told(stage);
    CHECK(last == "active here");
  }
  SUBCASE("that does not") {
    CHECK(phone.subscribe(alice).status() == 200);
    std::string last;
    while (!stage.notifies.empty()) last = told(stage);
    CHECK(last == "terminated;rejected");
  }
  SUBCASE("but not one of another name, whom nothing would let in") {
    CHECK(Device(stage, carol, udp(5071)).subscribe(alice).status() == 403);
  }
}

TEST_CASE("time and sphere of the watcher's rules count, and a restart changes nothing") {
  Stage stage;
  Device laptop(stage, alice, udp(5080)), phone(stage, bob, udp(5070));
  stage.put_rules(reciprocal(bob));
  phone.subscribe(alice, "presence", {"Expires: 80000"});
  CHECK(told(stage) == "pending");
  const std::string window = "<cr:validity><cr:from>" + in(stage, 1000s) + "</cr:from><cr:until>" +
                             in(stage, 2000s) + "</cr:until></cr:validity>";
  stage.put_rules(rule_with(alice, window), bob);
  stage.wait(990s);
  CHECK(stage.notifies.empty());
  stage.wait(15s);
  CHECK(told(stage).starts_with("active"));
  stage.restart();
  stage.wait(30s);
  std::string last;
  while (!stage.notifies.empty()) last = told(stage);
  CHECK(last.starts_with("active"));
  stage.wait(1000s);
  CHECK(told(stage) == "pending");

  stage.put_rules(rule_with(alice, "<cr:sphere value=\"work\"/>"), bob);
  CHECK(stage.notifies.empty());
  std::string at_work = pidf("elsewhere");
  at_work.insert(at_work.find("</presence>"),
                 "<dm:person xmlns:dm=\"urn:ietf:params:xml:ns:pidf:data-model\" id=\"p\"><r:sphere "
                 "xmlns:r=\"urn:ietf:params:xml:ns:pidf:rpid\"><r:work/></r:sphere></dm:person>");
  Device desk(stage, bob, udp(5072));
  desk.publish(at_work);
  CHECK(told(stage).starts_with("active"));
  desk.publish("", {"Expires: 0"});
  CHECK(told(stage) == "pending");
}

TEST_CASE("users of other domains do not say whom they let see: such a rule does not hold for them") {
  Settings settings = Stage::default_settings();
  settings.federation.domains = {"friend.example"};
  Stage stage(settings);
  const std::string dave = "sip:dave@friend.example";
  stage.put_rules(reciprocal(dave));
  stage.put_rules(rule_for(alice, "allow"), dave);
  Device far(stage, dave, tls(8));
  CHECK(far.subscribe(alice).status() == 200);
  CHECK(told(stage) == "pending");
  CHECK(stage.notifies.empty());
}

TEST_CASE("who asks back is no watcher: it has no permit and is in no list of watchers") {
  Stage stage;
  Device phone(stage, bob, udp(5070)), desk(stage, bob, udp(5072));
  stage.put_rules(rule_for(alice, "allow", "auto"), bob);
  stage.put_rules(reciprocal(bob));
  phone.subscribe(alice);
  stage.drain();
  desk.subscribe(bob, "presence.winfo");
  const auto info = stage.take().winfo();
  CHECK(info.permits.empty());
  for (const auto& list : info.lists) CHECK(list.watchers.empty());
  CHECK(stage.presentities->watches().lets_see(*stage.entry(alice), bob) == true);
}

TEST_CASE(
    "a rule that holds for those who let the owner see is written over XCAP, and others like it are not") {
  Stage stage;
  CHECK(stage.put_rules(reciprocal(bob)) == 201);
  CHECK(stage.put_rules(
            rule_with(bob, "<reciprocal xmlns=\"urn:beckon:params:xml:ns:rules:1\">x</reciprocal>")) == 409);
  CHECK(stage.put_rules(rule_with(bob, "<mutual xmlns=\"urn:beckon:params:xml:ns:rules:1\"/>")) == 409);
  CHECK(stage.put_rules(rule_with(bob, "<reciprocal xmlns=\"urn:other\"/>")) == 200);
}
