#include <set>

#include "tests/server/packages/stage.hpp"

using namespace beckon;
using namespace beckon::server;
using namespace beckon::server::test;

namespace {

std::vector<std::string> activities_of(const Notified& notified) {
  const auto presence = notified.presence();
  return presence.persons.empty() ? std::vector<std::string>() : documents::activities(presence.persons[0]);
}

}  // namespace

TEST_CASE("time changes a state at its moment, and watchers are notified once (RFC 4480 3.1, RFC 4481 3)") {
  Stage stage(allow_all());
  Device watcher(stage, bob, udp(5070)), other(stage, carol, udp(5071));
  Device laptop(stage, alice, udp(5080));
  laptop.publish(with_person("<r:activities until=\"" + in(stage, 1800s) + "\"><r:meeting/></r:activities>"));
  watcher.subscribe(alice);
  other.subscribe(alice);
  CHECK(activities_of(stage.take()) == std::vector<std::string>{"meeting"});
  stage.take();
  const auto ends = [&] {
    CHECK(stage.notifies.empty());
    stage.wait(4s);
    REQUIRE(stage.notifies.size() == 2);
    CHECK(activities_of(stage.take()).empty());
    stage.take();
    stage.wait(20min);
    CHECK(stage.notifies.empty());
  };
  SUBCASE("by timer") {
    stage.wait(1798s);
    ends();
  }
  SUBCASE("after a restart") {
    stage.wait(10min);
    stage.restart();
    stage.wait(1min);
    REQUIRE(stage.notifies.size() == 2);
    CHECK(activities_of(stage.take()) == std::vector<std::string>{"meeting"});
    stage.take();
    stage.wait(1138s);
    ends();
  }
  SUBCASE("the wall clock jumps: it is noticed within ten minutes, and nothing ends early") {
    stage.clock_.at.wall += std::chrono::hours(1);
    stage.wait(10min);
    REQUIRE(stage.notifies.size() == 2);
    CHECK(activities_of(stage.take()).empty());
    stage.take();
  }
  SUBCASE("the wall clock jumps, and somebody asks: the others hear of it at once") {
    stage.clock_.at.wall += std::chrono::hours(1);
    Device third(stage, "sip:dan@example.org", udp(5072));
    third.subscribe(alice);
    stage.wait(1s);
    std::set<std::uint16_t> ports;
    for (const Notified& each : stage.drain()) {
      ports.insert(each.to.remote.port);
      CHECK(activities_of(each).empty());
    }
    CHECK(ports == std::set<std::uint16_t>{5070, 5071, 5072});
  }
  SUBCASE("nobody watches any more: no timer is left") {
    watcher.refresh(0);
    other.refresh(0);
    stage.drain();
    laptop.publish("", {"Expires: 0"});
    stage.wait(1h);
    CHECK(stage.size() == 0);
    CHECK(stage.presentities->size() == 0);  // no document, and no timer of it
  }
}

TEST_CASE("a timed status becomes the status when its time comes (RFC 4481 3)") {
  Stage stage(allow_all());
  Device watcher(stage, bob, udp(5070)), laptop(stage, alice, udp(5080));
  std::string body = pidf("here");
  body.insert(body.find("<note>"),
              "<ts:timed-status xmlns:ts=\"urn:ietf:params:xml:ns:pidf:timed-status\" from=\"" +
                  in(stage, 100s) + "\" until=\"" + in(stage, 200s) +
                  "\"><ts:basic>closed</ts:basic></ts:timed-status>");
  laptop.publish(body);
  watcher.subscribe(alice);
  CHECK(shown(stage.take()) == "open here");
  stage.wait(100s);
  CHECK(shown(stage.take()) == "closed here");
  stage.wait(100s);
  CHECK(shown(stage.take()) == "open here");
  CHECK(stage.notifies.empty());
}

TEST_CASE("the same document again is not newer: a refresh with body hides no other device's activity") {
  Stage stage(allow_all());
  Device laptop(stage, alice, udp(5080)), phone(stage, alice, udp(5081));
  const std::string away = with_person("<r:activities><r:away/></r:activities>");
  laptop.publish(away);
  stage.wait(10s);
  std::string meeting = with_person("<r:activities><r:meeting/></r:activities>");
  meeting.replace(meeting.find("laptop"), 6, "phone");
  phone.publish(meeting);
  stage.wait(10s);
  laptop.publish(away);
  Device watcher(stage, bob, udp(5070));
  watcher.subscribe(alice);
  CHECK(activities_of(stage.take()) == std::vector<std::string>{"meeting"});
  stage.restart();
  stage.wait(1min);
  CHECK(activities_of(stage.take()) == std::vector<std::string>{"meeting"});
  laptop.publish(with_person("<r:activities><r:sleeping/></r:activities>"));
  CHECK(activities_of(stage.take()) == std::vector<std::string>{"sleeping"});
}

TEST_CASE(
    "who has a confirmed dialog is on the phone, and watchers are notified when it ends (RFC 4235, RFC "
    "4480)") {
  Stage stage(allow_all());
  Device watcher(stage, bob, udp(5070)), phone(stage, alice, udp(5080));
  const auto dialogs = [](const std::string& state) {
    return "<dialog-info xmlns=\"urn:ietf:params:xml:ns:dialog-info\" version=\"0\" state=\"full\" "
           "entity=\"" +
           alice + "\"><dialog id=\"d\"><state>" + state + "</state></dialog></dialog-info>";
  };
  const auto call = [&](const std::string& state) {
    return phone.publish(dialogs(state), {}, "dialog", "application/dialog-info+xml").status();
  };
  const std::vector<std::string> on_the_phone{"on-the-phone"};
  SUBCASE("of a user who is open") {
    Device laptop(stage, alice, udp(5081));
    laptop.publish(pidf("here"));
    watcher.subscribe(alice);
    stage.take();
    CHECK(call("early") == 200);
    CHECK(stage.notifies.empty());
    CHECK(call("confirmed") == 200);
    CHECK(activities_of(stage.take()) == on_the_phone);
    CHECK(stage.presentities->standing(*stage.entry(alice)).overall == presence::Overall::on_the_phone);
    CHECK(call("confirmed") == 200);
    CHECK(stage.notifies.empty());
    CHECK(call("terminated") == 200);
    CHECK(activities_of(stage.take()).empty());
  }
  SUBCASE("of one of whom nothing else is known; and by the end of the publication") {
    watcher.subscribe(alice, "presence", {"Expires: 80000"});
    stage.take();
    CHECK(call("confirmed") == 200);
    const Notified told = stage.take();
    CHECK(activities_of(told) == on_the_phone);
    CHECK(shown(told) == "closed");
    stage.wait(3601s);
    CHECK(activities_of(stage.take()).empty());
    CHECK(stage.publications->size() == 0);
  }
  SUBCASE("after a restart") {
    CHECK(call("confirmed") == 200);
    stage.restart();
    watcher.subscribe(alice);
    CHECK(activities_of(stage.take()) == on_the_phone);
  }
  CHECK(stage.notifies.empty());
}

TEST_CASE("whoever routes requests can ask whether a user wants to be reached (DESIGN 6)") {
  Stage stage(allow_all());
  const auto is_dnd = [&] { return stage.presentities->wishes(*stage.entry(alice)).do_not_disturb; };
  CHECK_FALSE(is_dnd());
  Device laptop(stage, alice, udp(5080)), phone(stage, alice, udp(5081));
  laptop.publish(with_person("<r:activities><r:busy/><r:other>do-not-disturb</r:other></r:activities>"));
  CHECK(is_dnd());
  stage.wait(1s);
  phone.publish(pidf("open", "phone"));
  CHECK(is_dnd());
  laptop.publish(with_person("<r:activities><r:busy/><r:other>reading</r:other></r:activities>"));
  CHECK_FALSE(is_dnd());
}

TEST_CASE("rules with a time are decided again at their moment, by timer (RFC 4745 7.4)") {
  Stage stage;
  std::string rules = rule_for(bob, "allow");
  rules.insert(rules.find("</cr:conditions>"), "<cr:validity><cr:from>" + in(stage, 1000s) +
                                                   "</cr:from><cr:until>" + in(stage, 2000s) +
                                                   "</cr:until></cr:validity>");
  REQUIRE(stage.put_rules(rules) == 201);
  Device laptop(stage, alice, udp(5080)), watcher(stage, bob, udp(5070));
  laptop.publish(pidf("here"));
  watcher.subscribe(alice);
  CHECK(stage.take().state() == "pending");
  stage.wait(990s);
  CHECK(stage.notifies.empty());
  stage.wait(15s);
  const Notified begins = stage.take();
  CHECK(begins.state() == "active");
  CHECK(shown(begins) == "open here");
  stage.wait(990s);
  CHECK(stage.notifies.empty());
  stage.wait(15s);
  const Notified ends = stage.take();
  CHECK(ends.state() == "pending");
  CHECK(ends.message.body().empty());
  CHECK(stage.notifies.empty());
}

TEST_CASE(
    "rules of a sphere count while all devices name it, and from the moment that they do (RFC 5025 3.1.2)") {
  Stage stage;
  std::string rules = rule_for(bob, "allow");
  rules.insert(rules.find("</cr:conditions>"), "<cr:sphere value=\"work\"/>");
  REQUIRE(stage.put_rules(rules) == 201);
  Device laptop(stage, alice, udp(5080)), phone(stage, alice, udp(5081)), watcher(stage, bob, udp(5070));
  watcher.subscribe(alice);
  CHECK(stage.take().state() == "pending");
  const std::string work = with_person("<r:sphere><r:work/></r:sphere>");
  laptop.publish(work);
  CHECK(stage.take().state() == "active");
  SUBCASE("one PUBLISH more of the same sphere decides nothing") {
    const auto before = stage.presentities->watches().decisions();
    laptop.publish(with_person("<r:sphere><r:work/></r:sphere><r:mood><r:happy/></r:mood>"));
    CHECK(stage.take().state() == "active");
    CHECK(stage.presentities->watches().decisions() == before);
  }
  SUBCASE("another sphere") {
    laptop.publish(with_person("<r:sphere><r:home/></r:sphere>"));
    CHECK(stage.take().state() == "pending");
  }
  SUBCASE("devices that differ") {
    std::string home = with_person("<r:sphere><r:home/></r:sphere>");
    home.replace(home.find("laptop"), 6, "phone");
    phone.publish(home);
    CHECK(stage.take().state() == "pending");
    phone.publish("", {"Expires: 0"});
    CHECK(stage.take().state() == "active");
  }
  SUBCASE("a sphere that ends by its time") {
    laptop.publish(with_person("<r:sphere until=\"" + in(stage, 60s) + "\"><r:work/></r:sphere>"));
    CHECK(stage.take().state() == "active");
    stage.wait(61s);
    CHECK(stage.take().state() == "pending");
    SUBCASE("and one that begins while nothing is shown") {
      laptop.publish(with_person("<r:sphere from=\"" + in(stage, 60s) + "\"><r:work/></r:sphere>"));
      CHECK(stage.notifies.empty());
      stage.wait(61s);
      CHECK(stage.take().state() == "active");
    }
  }
  SUBCASE("a new watcher is judged by it") {
    stage.restart();
    stage.wait(1min);
    stage.drain();
    CHECK(Device(stage, bob, udp(5075)).subscribe(alice).status() == 200);
    CHECK(stage.take().state() == "active");
  }
  CHECK(stage.notifies.empty());
}

TEST_CASE("sphere and time switch what a watcher sees: notes at home or in a window, else the bare state") {
  const auto rules_with = [](const std::string& condition) {
    std::string rules = rule_for(bob, "allow");
    rules.insert(rules.find("</cr:conditions>"), condition);
    const std::string bare =
        "<cr:rule id=\"b\"><cr:actions><sub-handling>allow</sub-handling></cr:actions><cr:transformations>"
        "<provide-services><all-services/></provide-services></cr:transformations></cr:rule>";
    return rules.insert(rules.find("</cr:ruleset>"), bare);
  };
  Stage stage;
  Device laptop(stage, alice, udp(5080)), watcher(stage, bob, udp(5070)), other(stage, carol, udp(5071));
  const auto next = [&](std::uint16_t port) {
    const auto found =
        std::ranges::find(stage.notifies, port, [](const Notified& each) { return each.to.remote.port; });
    REQUIRE(found != stage.notifies.end());
    std::swap(*found, stage.notifies.front());
    const Notified notified = stage.take();
    CHECK(notified.state() == "active");
    return shown(notified);
  };
  SUBCASE("by the sphere that her device publishes, which the note follows at once") {
    stage.put_rules(rules_with("<cr:sphere value=\"home\"/>"));
    laptop.publish(with_person("<r:sphere><r:home/></r:sphere>"));
    watcher.subscribe(alice);
    CHECK(next(5070) == "open here");
    other.subscribe(alice);
    CHECK(next(5071) == "open");
    for (int day = 0; day < 2; ++day) {
      laptop.publish(with_person("<r:sphere><r:work/></r:sphere>"));
      CHECK(next(5070) == "open");
      CHECK(next(5071) == "open");
      CHECK(stage.notifies.empty());
      laptop.publish(with_person("<r:sphere><r:home/></r:sphere>"));
      CHECK(next(5070) == "open here");
      CHECK(next(5071) == "open");
      CHECK(stage.notifies.empty());
    }
  }
  SUBCASE("by the clock, while nobody publishes anything") {
    stage.put_rules(rules_with("<cr:validity><cr:from>" + in(stage, 1000s) + "</cr:from><cr:until>" +
                               in(stage, 2000s) + "</cr:until></cr:validity>"));
    laptop.publish(pidf("here"));
    watcher.subscribe(alice);
    CHECK(next(5070) == "open");
    stage.wait(998s);
    CHECK(stage.notifies.empty());
    stage.wait(4s);
    CHECK(next(5070) == "open here");
    stage.wait(996s);
    CHECK(stage.notifies.empty());
    stage.wait(4s);
    CHECK(next(5070) == "open");
  }
  CHECK(stage.notifies.empty());
}

TEST_CASE(
    "a user whose device tells of its last input was last seen when it left, over a restart too (RFC 4480 "
    "3.14)") {
  Stage stage(allow_all());
  Device watcher(stage, bob, udp(5070)), laptop(stage, alice, udp(5080));
  const auto last_seen = [&](const Notified& notified) {
    const auto presence = notified.presence();
    REQUIRE(presence.tuples.size() == 1);
    CHECK(presence.tuples[0].basic == documents::Basic::closed);
    for (const auto& element : presence.tuples[0].extensions) {
      const auto document = xml::parse(element);
      REQUIRE(document.has_value());
      if (const auto time = document->root().attribute("last-input")) return std::string(*time);
    }
    return std::string();
  };
  std::string telling = pidf("here");
  telling.insert(telling.find("<note>"),
                 "<r:user-input xmlns:r=\"urn:ietf:params:xml:ns:pidf:rpid\" last-input=\"" + in(stage, 0s) +
                     "\">active</r:user-input>");
  watcher.subscribe(alice, "presence", {"Expires: 80000"});
  stage.take();
  SUBCASE("who does not tell, was seen at no time") {
    laptop.publish(pidf("here"));
    stage.take();
    laptop.publish("", {"Expires: 0"});
    CHECK(last_seen(stage.take()).empty());
    CHECK(stage.memory.records.size() == 1);  // the subscription
  }
  SUBCASE("taken back") {
    laptop.publish(telling);
    stage.take();
    stage.wait(100s);
    laptop.publish("");
    stage.wait(100s);
    const std::string now = in(stage, 0s);
    laptop.publish("", {"Expires: 0"});
    CHECK(last_seen(stage.take()) == now);
    SUBCASE("and restarted") {
      stage.restart();
      stage.wait(1min);
      CHECK(last_seen(stage.take()) == now);
    }
    SUBCASE("shown with the rule for it only (RFC 5025 3.3.2.12)") {
      std::string rules = rule_for(bob, "allow");
      rules.erase(rules.find("<provide-all-attributes/>"), std::string("<provide-all-attributes/>").size());
      stage.put_rules(rules);
      CHECK(last_seen(stage.take()).empty());
    }
    laptop.etag.clear();
    laptop.publish(pidf("back"));
    stage.drain();
    laptop.publish("", {"Expires: 0"});
    CHECK(last_seen(stage.take()).empty());
  }
  SUBCASE("run out: at its last PUBLISH") {
    laptop.publish(telling, {"Expires: 600"});
    stage.take();
    const std::string then = in(stage, 0s);
    stage.wait(601s);
    CHECK(last_seen(stage.take()) == then);
  }
}
