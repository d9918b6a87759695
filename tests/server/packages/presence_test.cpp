#include <set>

#include "tests/server/packages/stage.hpp"

using namespace beckon;
using namespace beckon::server;
using namespace beckon::server::test;
using sip::HeaderId;

namespace {

Settings allow_all() {
  Settings settings = Stage::default_settings();
  settings.watcher_policy = WatcherPolicy::allow;
  return settings;
}

/// The one tuple a watcher is shown, in words: "open note".
std::string shown(const Notified& notified) {
  const auto presence = notified.presence();
  std::string text;
  for (const auto& tuple : presence.tuples) {
    text += (text.empty() ? "" : ", ") + std::string(tuple.basic ? documents::to_string(*tuple.basic) : "?");
    if (!tuple.notes.empty()) text += ' ' + tuple.notes.front().text;
  }
  return text;
}

}  // namespace

TEST_CASE("a watcher without a rule is pending and sees nothing (RFC 3856 6.6, RFC 5025 3.2.1)") {
  Stage stage;
  Device watcher(stage, bob, udp(5070));
  const auto answer = watcher.subscribe(alice);
  CHECK(answer.status() == 200);
  CHECK(answer.header(HeaderId::expires) == "3600");
  CHECK_FALSE(answer.to_tag().empty());
  CHECK(answer.has(HeaderId::contact));
  const Notified first = stage.take();
  CHECK(first.state() == "pending");
  CHECK(first.message.body().empty());
  CHECK(first.message.header(HeaderId::event) == "presence");
  CHECK(first.to == udp(5070));

  Device(stage, alice, udp(5080)).publish(pidf("here"));
  CHECK(stage.notifies.empty());
}

TEST_CASE("with the policy `allow` a watcher of the same domain sees the state at once and on every change") {
  Stage stage(allow_all());
  Device watcher(stage, bob, udp(5070));
  watcher.subscribe(alice);
  const Notified first = stage.take();
  CHECK(first.state() == "active");
  CHECK(first.message.header(HeaderId::content_type) == "application/pidf+xml");
  CHECK(shown(first) == "closed");
  CHECK(first.presence().entity == alice);

  Device laptop(stage, alice, udp(5080));
  laptop.publish(pidf("here"));
  CHECK(shown(stage.take()) == "open here");
  laptop.publish(pidf("away"));
  CHECK(shown(stage.take()) == "open away");
  laptop.publish("", {"Expires: 0"});
  CHECK(shown(stage.take()) == "closed");
}

TEST_CASE("a SUBSCRIBE is authorized before anything is kept") {
  Settings settings = Stage::default_settings();
  settings.federation.domains = {"friend.example"};
  settings.watchers_per_presentity = 1;
  Stage stage(settings);
  SUBCASE("a foreign domain is refused with 403 (DESIGN 6)") {
    CHECK(Device(stage, "sip:eve@elsewhere.example", udp(5070)).subscribe(alice).status() == 403);
  }
  SUBCASE("a domain the configuration lists is not foreign") {
    CHECK(Device(stage, "sip:dan@friend.example", udp(5070)).subscribe(alice).status() == 200);
  }
  SUBCASE("a blocked watcher gets 403 (RFC 3856 6.6.1)") {
    CHECK(stage.put_rules(rule_for(bob, "block")) == 201);
    CHECK(Device(stage, bob, udp(5070)).subscribe(alice).status() == 403);
    CHECK(stage.notifies.empty());
  }
  SUBCASE("an unknown presentity is 404") {
    CHECK(Device(stage, bob, udp(5070)).subscribe("sip:nobody@example.org").status() == 404);
  }
  SUBCASE("one watcher more than the limit is 403 with a Warning, not 503 (DESIGN 7)") {
    CHECK(Device(stage, bob, udp(5070)).subscribe(alice).status() == 200);
    const auto refused = Device(stage, carol, udp(5071)).subscribe(alice);
    CHECK(refused.status() == 403);
    CHECK(refused.header(HeaderId::warning) == "399 example.org \"too many watchers\"");
  }
  SUBCASE("a document type that is not served is 406 (RFC 3856 6.6)") {
    CHECK(Device(stage, bob, udp(5070)).subscribe(alice, "presence", {"Accept: text/plain"}).status() == 406);
  }
  SUBCASE("too short a lifetime is 423 with Min-Expires (RFC 6665 4.2.1.1)") {
    const auto refused = Device(stage, bob, udp(5070)).subscribe(alice, "presence", {"Expires: 5"});
    CHECK(refused.status() == 423);
    CHECK(refused.header(HeaderId::min_expires) == "60");
  }
  SUBCASE("a SUBSCRIBE in an unknown dialog is 481") {
    Device stranger(stage, bob, udp(5070));
    CHECK(stage.answer(stranger.send("SUBSCRIBE", '<' + alice + ">;tag=unknown", {"Event: presence"}))
              .status() == 481);
  }
  CHECK(stage.size() <= 2);
}

TEST_CASE("CPIM's name of the format is sent to watchers that accept it only (MISSION A)") {
  Stage stage(allow_all());
  Device watcher(stage, bob, udp(5070));
  watcher.subscribe(alice, "presence", {"Accept: application/cpim-pidf+xml"});
  CHECK(stage.take().message.header(HeaderId::content_type) == "application/cpim-pidf+xml");
}

TEST_CASE("the event id of a subscription is in each of its NOTIFYs (RFC 6665 8.2.1)") {
  Stage stage(allow_all());
  Device(stage, bob, udp(5070)).subscribe(alice, "presence;id=7");
  CHECK(stage.take().message.header(HeaderId::event) == "presence;id=7");
}

TEST_CASE("a subscription ends by its time, by its watcher, or is none (RFC 6665 4.2)") {
  Stage stage(allow_all());
  Device watcher(stage, bob, udp(5070));
  SUBCASE("without a refresh it ends with reason timeout") {
    watcher.subscribe(alice, "presence", {"Expires: 600"});
    stage.take();
    stage.wait(599s);
    CHECK(stage.notifies.empty());
    stage.wait(1s);
    CHECK(stage.take().state() == "terminated;timeout");
  }
  SUBCASE("a refresh keeps it and is answered with full state") {
    watcher.subscribe(alice, "presence", {"Expires: 600"});
    stage.take();
    stage.wait(500s);
    const auto answer = watcher.refresh(600);
    CHECK(answer.status() == 200);
    CHECK(answer.header(HeaderId::expires) == "600");
    CHECK(shown(stage.take()) == "closed");
    stage.wait(500s);
    CHECK(stage.notifies.empty());
    watcher.refresh(0);
    CHECK(stage.take().state() == "terminated;timeout");
  }
  SUBCASE("Expires 0 ends it with a last NOTIFY, and the dialog is gone") {
    watcher.subscribe(alice);
    stage.take();
    CHECK(watcher.refresh(0).status() == 200);
    CHECK(stage.take().state() == "terminated;timeout");
    CHECK(watcher.refresh(600).status() == 481);
  }
  SUBCASE("Expires 0 without a dialog fetches the state and keeps no subscription") {
    const auto answer = watcher.subscribe(alice, "presence", {"Expires: 0"});
    CHECK(answer.status() == 200);
    CHECK(answer.header(HeaderId::expires) == "0");
    const Notified only = stage.take();
    CHECK(only.state() == "terminated;timeout");
    CHECK(shown(only) == "closed");
  }
  SUBCASE("the subscription of a watcher that answers 481 ends") {
    watcher.subscribe(alice);
    stage.take(481);
  }
  SUBCASE("one lost NOTIFY does not end it: the newest state is sent again") {
    watcher.subscribe(alice);
    stage.take(408);
    stage.wait(29s);
    CHECK(stage.notifies.empty());
    stage.wait(1s);
    CHECK(stage.take().state() == "active");
    watcher.refresh(0);
    stage.take();
  }
  stage.settle();
  CHECK(stage.size() == 0);
  CHECK(stage.memory.records.empty());
  CHECK(stage.queue.size() <= 1);  // the registrar's grace time
}

TEST_CASE("configured so, one NOTIFY without an answer ends the subscription (RFC 6665 4.2.2)") {
  Settings settings = Stage::default_settings();
  settings.watcher_policy = WatcherPolicy::allow;
  settings.notify_attempts = 1;
  Stage stage(settings);
  Device watcher(stage, bob, udp(5070));
  watcher.subscribe(alice);
  stage.take(408);
  stage.settle();
  CHECK(stage.table("PST").rows.empty());
  CHECK(stage.memory.records.empty());
  CHECK(watcher.refresh(600).status() == 481);
}

TEST_CASE("a change of rules judges running subscriptions at once (RFC 5025, MISSION B)") {
  Stage stage;
  Device watcher(stage, bob, udp(5070));
  Device laptop(stage, alice, udp(5080));
  laptop.publish(pidf("here"));
  watcher.subscribe(alice);
  CHECK(stage.take().state() == "pending");

  SUBCASE("allowed: active with the state") {
    CHECK(stage.put_rules(rule_for(bob, "allow")) == 201);
    const Notified now = stage.take();
    CHECK(now.state() == "active");
    CHECK(shown(now) == "open here");
    SUBCASE("and blocked: rejected, and a new subscription is 403") {
      CHECK(stage.put_rules(rule_for(bob, "block")) == 200);
      const Notified last = stage.take();
      CHECK(last.state() == "terminated;rejected");
      CHECK(last.message.body().empty());
      CHECK(watcher.subscribe(alice).status() == 403);
    }
    SUBCASE("and polite-blocked: still active, but shown as closed whatever the state (RFC 5025 3.2.1)") {
      stage.put_rules(rule_for(bob, "polite-block"));
      const Notified bland = stage.take();
      CHECK(bland.state() == "active");
      CHECK(shown(bland) == "closed");
      laptop.publish(pidf("busy"));
      CHECK(stage.notifies.empty());  // nor does it see that something changes
      watcher.refresh(600);
      CHECK(shown(stage.take()) == "closed");
      stage.put_rules(rule_for(bob, "allow"));
      CHECK(shown(stage.take()) == "open busy");
    }
    SUBCASE("and the rule taken back: pending again, without state") {
      stage.put_rules(rule_for(carol, "allow"));
      const Notified again = stage.take();
      CHECK(again.state() == "pending");
      CHECK(again.message.body().empty());
    }
    SUBCASE("and a rule that says the same: nothing is sent") {
      stage.put_rules(rule_for(bob, "allow"));
      CHECK(stage.notifies.empty());
    }
    SUBCASE("and less shown: a new document at once") {
      std::string less = rule_for(bob, "allow");
      less.erase(less.find("<provide-all-attributes/>"), std::string("<provide-all-attributes/>").size());
      stage.put_rules(less);
      CHECK(shown(stage.take()) == "open");
    }
  }
  SUBCASE("blocked: rejected") {
    stage.put_rules(rule_for(bob, "block"));
    CHECK(stage.take().state() == "terminated;rejected");
  }
}

TEST_CASE("the last publication may end while its watchers are notified (once a use after free)") {
  Stage stage(allow_all());
  Device first(stage, bob, udp(5070)), second(stage, carol, udp(5071)), laptop(stage, alice, tls(5));
  first.subscribe(alice);
  second.subscribe(alice);
  laptop.publish(pidf("here"), {"Expires: 600"});
  stage.drain();
  SUBCASE("removed") { laptop.publish("", {"Expires: 0"}); }
  SUBCASE("run out") { stage.wait(600s); }
  SUBCASE("removed while the next one waits") {
    const std::string etag = "SIP-If-Match: " + laptop.etag;
    laptop.send("PUBLISH", alice, {"Event: presence", etag, "Expires: 0"}, {}, false);
    laptop.send("PUBLISH", alice, {"Event: presence", etag, "Expires: 0"});
  }
  for (const Notified& told : stage.drain()) CHECK(shown(told) == "closed");
  CHECK(stage.size() == 2 + 2);  // subscriptions and watches, no publication
}

TEST_CASE(
    "nothing but the watch log is kept of a presentity whose state was drawn once its devices and watchers "
    "have "
    "left") {
  Stage stage(allow_all());
  Device watcher(stage, bob, udp(5070)), laptop(stage, alice, tls(5));
  watcher.subscribe(alice);
  laptop.register_();
  laptop.publish(pidf("here"));
  // The device takes its state back, and is still registered when that is drawn.
  laptop.publish("", {"Expires: 0"});
  stage.drain();
  laptop.register_(0);
  watcher.refresh(0);
  stage.drain();
  stage.wait(1min);
  CHECK(stage.size() == 0);
  CHECK(stage.directory().size() == 1);
  CHECK_FALSE(stage.presentities->watches().log(alice).lines.empty());
}

TEST_CASE("PUBLISH makes, refreshes, changes and removes a publication (RFC 3903 4, 6)") {
  Stage stage(allow_all());
  Device watcher(stage, bob, udp(5070));
  watcher.subscribe(alice);
  stage.take();
  Device laptop(stage, alice, udp(5080));
  const auto first = laptop.publish(pidf("here"), {"Expires: 21600"});
  CHECK(first.status() == 200);
  CHECK(first.header(HeaderId::expires) == "3600");
  CHECK(shown(stage.take()) == "open here");
  const std::string etag = laptop.etag;
  REQUIRE_FALSE(etag.empty());

  SUBCASE("a refresh without body gives a new entity-tag and notifies no watcher") {
    CHECK(laptop.publish("").status() == 200);
    CHECK(laptop.etag != etag);
    CHECK(stage.notifies.empty());
  }
  SUBCASE("an entity-tag that is not current is 412") {
    laptop.publish("");
    laptop.etag = etag;
    CHECK(laptop.publish("").status() == 412);
    CHECK(stage.notifies.empty());
  }
  SUBCASE("it runs out by itself") {
    watcher.refresh(7200);
    stage.take();
    stage.wait(3600s);
    CHECK(shown(stage.take()) == "closed");
    CHECK(laptop.publish("").status() == 412);
  }
  SUBCASE("a user cannot publish for another") {
    Device thief(stage, bob, udp(5070));
    CHECK(stage
              .answer(thief.send("PUBLISH", alice, {"Event: presence", "Content-Type: application/pidf+xml"},
                                 pidf("stolen")))
              .status() == 403);
  }
  SUBCASE("a body of another type is 415, one that is no document 400, an initial one without body 400") {
    CHECK(stage.answer(laptop.send("PUBLISH", alice, {"Event: presence", "Content-Type: text/plain"}, "hi"))
              .status() == 415);
    CHECK(laptop.publish("<presence").status() == 400);
    laptop.etag.clear();
    CHECK(laptop.publish("").status() == 400);
  }
  SUBCASE("a document 100 000 levels deep is refused by the guard") {
    std::string deep;
    for (int i = 0; i < 100000; ++i) deep += "<a>";
    CHECK(laptop.publish(deep).status() == 400);
  }
}

TEST_CASE("a NOTIFY leaves only after its cause is in the store (DESIGN 1.4)") {
  Stage stage(allow_all());
  Device watcher(stage, bob, udp(5070));
  Device laptop(stage, alice, udp(5080));
  const auto subscribed = watcher.send("SUBSCRIBE", alice, {"Event: presence"}, {}, /*settle=*/false);
  stage.wait(0ms);
  CHECK_FALSE(stage.is_answered(subscribed));
  CHECK(stage.notifies.empty());
  stage.settle();
  CHECK(stage.answer(subscribed).status() == 200);
  stage.take();

  const std::vector<std::string> lines{"Event: presence", "Content-Type: application/pidf+xml"};
  const auto published = laptop.send("PUBLISH", alice, lines, pidf("here"), /*settle=*/false);
  CHECK_FALSE(stage.is_answered(published));
  CHECK(stage.notifies.empty());
  stage.settle();
  CHECK(stage.answer(published).status() == 200);
  CHECK(shown(stage.take()) == "open here");
}

TEST_CASE("what the store refuses is answered with 503 and never seen by a watcher") {
  Stage stage(allow_all());
  Device watcher(stage, bob, udp(5070));
  watcher.subscribe(alice);
  stage.take();
  Device laptop(stage, alice, udp(5080));
  const std::vector<std::string> lines{"Event: presence", "Content-Type: application/pidf+xml"};
  const auto published = laptop.send("PUBLISH", alice, lines, pidf("here"), /*settle=*/false);
  stage.clock_.at.mono += 33s;  // the client's Timer F has passed before the store's turn
  stage.settle();
  CHECK(stage.answer(published).status() == 503);
  CHECK(stage.notifies.empty());
}

TEST_CASE("two PUBLISHes at once are both kept: each sees the one before") {
  Stage stage(allow_all());
  Device laptop(stage, alice, udp(5080)), phone(stage, alice, udp(5081));
  const std::vector<std::string> lines{"Event: presence", "Content-Type: application/pidf+xml"};
  laptop.send("PUBLISH", alice, lines, pidf("desk", "laptop"), false);
  phone.send("PUBLISH", alice, lines, pidf("street", "phone"), false);
  stage.wait(10ms);
  Device(stage, bob, udp(5070)).subscribe(alice);
  CHECK(shown(stage.take()) == "open desk, open street");
}

TEST_CASE("an id that stands twice in a document is 400 (RFC 3863 4.1.2, RFC 4479 3)") {
  Stage stage(allow_all());
  Device laptop(stage, alice, udp(5080));
  std::string twins = pidf("here", "t1");
  twins.insert(twins.find("<tuple"), "<tuple id=\"t1\"/>");
  CHECK(laptop.publish(twins).status() == 400);
  CHECK(stage.publications->size() == 0);
}

TEST_CASE("ten publications of the same 8 000 ids: each is refused, and no watcher is notified (DESIGN 7)") {
  Stage stage(allow_all());
  Device watcher(stage, bob, udp(5070));
  watcher.subscribe(alice);
  stage.take();
  std::string many = pidf("here", "laptop");
  std::string tuples;
  for (int i = 0; i < 8000; ++i) tuples += "<tuple id=\"t" + std::to_string(i) + "\"/>";
  many.insert(many.find("<tuple"), tuples);
  for (std::uint16_t port = 5080; port < 5090; ++port) {
    const auto answer = Device(stage, alice, udp(port)).publish(many);
    CHECK(answer.status() == 403);
    CHECK(answer.header(HeaderId::warning).starts_with("399 example.org \"more than 256 elements"));
  }
  CHECK(stage.publications->size() == 0);
  CHECK(stage.notifies.empty());
}

TEST_CASE("the publications of several devices stand side by side (DESIGN 6)") {
  Stage stage(allow_all());
  Device laptop(stage, alice, udp(5080)), phone(stage, alice, udp(5081));
  laptop.publish(pidf("desk", "t1"));
  phone.publish(pidf("street", "t1"));
  Device watcher(stage, bob, udp(5070));
  watcher.subscribe(alice);
  const auto both = stage.take().presence();
  REQUIRE(both.tuples.size() == 2);
  CHECK(both.tuples[0].id == "t1");
  CHECK(both.tuples[1].id != "t1");
  CHECK(both.tuples[1].notes.front().text == "street");

  phone.publish(pidf("train", "t1"));
  const auto after = stage.take().presence();
  REQUIRE(after.tuples.size() == 2);
  CHECK(after.tuples[1].id == both.tuples[1].id);  // a renamed id stays
  CHECK(after.tuples[1].notes.front().text == "train");
}

TEST_CASE(
    "a registered device that published nothing is open; one that took its state back is not (DESIGN 6)") {
  Stage stage(allow_all());
  Device watcher(stage, bob, udp(5070));
  watcher.subscribe(alice);
  CHECK(shown(stage.take()) == "closed");

  Device laptop(stage, alice, tls(3));
  laptop.register_(3600, "urn:uuid:1");
  const auto basic = stage.take().presence();
  REQUIRE(basic.tuples.size() == 1);
  CHECK(basic.tuples[0].basic == documents::Basic::open);
  REQUIRE(basic.tuples[0].contact.has_value());
  CHECK(basic.tuples[0].contact->uri == alice);  // not the device's address

  laptop.register_(3600, "urn:uuid:1");
  CHECK(stage.notifies.empty());  // a refresh changes nothing

  laptop.publish(pidf("here"));
  CHECK(shown(stage.take()) == "open here");
  laptop.publish("", {"Expires: 0"});
  CHECK(shown(stage.take()) == "closed");

  laptop.register_(0, "urn:uuid:1");
  CHECK(stage.notifies.empty());
  laptop.register_(3600, "urn:uuid:1");
  CHECK(shown(stage.take()) == "open");
}

TEST_CASE(
    "NOTIFYs go down the watcher's connection; when it closes the subscription waits for the watcher (RFC "
    "5626)") {
  Stage stage(allow_all());
  Device watcher(stage, bob, tls(5));
  watcher.subscribe(alice, "presence", {"Expires: 600"});
  CHECK(stage.take().to.flow == 5);
  stage.close_flow(5);
  Device laptop(stage, alice, udp(5080));
  laptop.publish(pidf("here"));
  laptop.publish(pidf("away"));
  CHECK(stage.notifies.empty());

  SUBCASE("its refresh over a new connection brings the newest state at once") {
    watcher.move(tls(6));
    CHECK(watcher.refresh(600).status() == 200);
    const Notified back = stage.take();
    CHECK(back.to.flow == 6);
    CHECK(shown(back) == "open away");
    laptop.publish(pidf("back"));
    CHECK(shown(stage.take()) == "open back");
  }
  SUBCASE("if the watcher stays away it expires, and no NOTIFY is sent") {
    laptop.publish("", {"Expires: 0"});
    stage.wait(600s);
    CHECK(stage.notifies.empty());
    CHECK(stage.size() == 0);
  }
}

TEST_CASE("a connection that breaks under a NOTIFY loses nothing") {
  Stage stage(allow_all());
  Device watcher(stage, bob, tls(5));
  watcher.subscribe(alice);
  stage.take();
  Device laptop(stage, alice, udp(5080));
  laptop.publish(pidf("here"));
  const Notified lost = stage.take(0);
  watcher.move(tls(6));
  SUBCASE("the refresh comes after the server noticed") {
    stage.answer_notify(lost, 503);
    watcher.refresh(600);
    CHECK(shown(stage.take()) == "open here");
  }
  SUBCASE("the refresh comes before the server noticed") {
    watcher.refresh(600);
    const Notified again = stage.take(0);
    CHECK(shown(again) == "open here");
    stage.answer_notify(lost, 503);  // old news
    laptop.publish(pidf("away"));
    CHECK(stage.notifies.empty());  // one at a time
    stage.answer_notify(again, 200);
    CHECK(shown(stage.take()) == "open away");
  }
}

TEST_CASE("a slow watcher gets the newest state once, not a queue of old ones") {
  Stage stage(allow_all());
  Device watcher(stage, bob, udp(5070));
  watcher.subscribe(alice);
  const Notified slow = stage.take(0);
  Device laptop(stage, alice, udp(5080));
  for (const char* note : {"a", "b", "c"}) laptop.publish(pidf(note));
  CHECK(stage.notifies.empty());
  stage.answer_notify(slow, 200);
  CHECK(shown(stage.take()) == "open c");
  CHECK(stage.notifies.empty());
}

namespace {

/// The ids of the tuples that a new watcher is shown.
std::vector<std::string> ids_shown(Stage& stage) {
  Device(stage, bob, udp(5079)).subscribe(alice, "presence", {"Expires: 0"});
  std::vector<std::string> ids;
  const auto presence = stage.take().presence();
  for (const auto& tuple : presence.tuples) ids.push_back(tuple.id);
  return ids;
}

using Ids = std::vector<std::string>;

}  // namespace

TEST_CASE(
    "a device that publishes before it registers is one device: the match is made when the binding arrives "
    "(DESIGN 6; once an open tuple stayed for good beside the published one)") {
  Stage stage(allow_all());
  Hop hop = tls(3);
  SUBCASE("over TLS") {}
  SUBCASE("over UDP") { hop = udp(5080); }
  Device watcher(stage, bob, udp(5070)), laptop(stage, alice, hop);
  laptop.publish(pidf("here"));
  watcher.subscribe(alice);
  stage.take();
  laptop.register_(3600, "urn:uuid:1");
  CHECK(stage.notifies.empty());
  CHECK(ids_shown(stage) == Ids{"laptop"});
  laptop.publish("", {"Expires: 0"});
  CHECK(shown(stage.take()) == "closed");
}

TEST_CASE("which device a publication is of is remembered over a restart") {
  Stage stage(allow_all());
  Device laptop(stage, alice, tls(3));
  laptop.publish(pidf("here"));
  laptop.register_(3600, "urn:uuid:1");
  stage.restart();
  laptop.move(tls(4));
  laptop.register_(3600, "urn:uuid:1");
  CHECK(ids_shown(stage) == Ids{"laptop"});
}

TEST_CASE("another device that registers from elsewhere is not the one that published") {
  Stage stage(allow_all());
  Device laptop(stage, alice, udp(5080)), phone(stage, alice, udp(5081));
  laptop.publish(pidf("here"));
  phone.register_(3600, "urn:uuid:2");
  CHECK(ids_shown(stage).size() == 2);
  laptop.register_(3600, "urn:uuid:1");
  CHECK(ids_shown(stage).size() == 2);
}

TEST_CASE("a publication whose device registered from elsewhere becomes the device's with its next PUBLISH") {
  Stage stage(allow_all());
  Device laptop(stage, alice, udp(5080));
  laptop.publish(pidf("here"));
  laptop.move(udp(5090));  // a NAT rebinds
  laptop.register_(3600, "urn:uuid:1");
  Device watcher(stage, bob, udp(5070));
  watcher.subscribe(alice);
  CHECK(shown(stage.take()) == "open here, open");
  CHECK(laptop.publish("").status() == 200);
  CHECK(shown(stage.take()) == "open here");
}

TEST_CASE("a derived tuple never ranks before what the user published (RFC 3863 4.1.5; once priority 1)") {
  Stage stage(allow_all());
  Device(stage, alice, udp(5081)).register_(3600, "urn:uuid:2");
  Device watcher(stage, bob, udp(5070));
  watcher.subscribe(alice);
  const auto presence = stage.take().presence();
  REQUIRE(presence.tuples.size() == 1);
  CHECK_FALSE(presence.tuples[0].contact->priority.has_value());
}

TEST_CASE(
    "two initial PUBLISHes of one connection with one tuple id are one device's, and the newest counts "
    "(baresip "
    "over TLS)") {
  Stage stage(allow_all());
  Device first(stage, alice, tls(3)), second(stage, alice, tls(3));
  const auto registers = [&] { first.register_(3600, "urn:uuid:1"); };
  SUBCASE("before it registers") {
    first.publish(pidf("unknown"));
    second.publish(pidf("here"));
    registers();
  }
  SUBCASE("after") {
    registers();
    first.publish(pidf("unknown"));
    second.publish(pidf("here"));
  }
  SUBCASE("between") {
    first.publish(pidf("unknown"));
    registers();
    second.publish(pidf("here"));
  }
  SUBCASE("from two connections of one device, which registers on the second last") {
    registers();
    first.publish(pidf("unknown"));
    second.move(tls(4));
    second.publish(pidf("here"));
    CHECK(ids_shown(stage).size() == 2);
    second.register_(3600, "urn:uuid:1");
  }
  Device watcher(stage, bob, udp(5070));
  watcher.subscribe(alice);
  CHECK(shown(stage.take()) == "open here");
  CHECK(stage.publications->size() == 1);
  CHECK(first.publish("").status() == 412);
  CHECK(second.publish("", {"Expires: 0"}).status() == 200);
  CHECK(shown(stage.take()) == "closed");
}

TEST_CASE("a device may publish two tuples, each by a PUBLISH of its own (RFC 3903 4.1)") {
  Stage stage(allow_all());
  Device phone(stage, alice, tls(3)), chat(stage, alice, tls(3));
  phone.register_(3600, "urn:uuid:1");
  phone.publish(pidf("voice", "voice"));
  chat.publish(pidf("text", "text"));
  CHECK(ids_shown(stage) == Ids{"voice", "text"});
}

namespace {

std::string with_person(const std::string& elements) {
  std::string body = pidf("here");
  body.insert(body.find("</presence>"),
              "<dm:person xmlns:dm=\"urn:ietf:params:xml:ns:pidf:data-model\" "
              "xmlns:r=\"urn:ietf:params:xml:ns:pidf:rpid\" id=\"p\">" +
                  elements + "</dm:person>");
  return body;
}

std::vector<std::string> activities_of(const Notified& notified) {
  const auto presence = notified.presence();
  return presence.persons.empty() ? std::vector<std::string>() : documents::activities(presence.persons[0]);
}

/// `seconds` after the stage's first moment.
std::string in(const Stage& stage, std::chrono::seconds after) {
  return print_time(stage.clock_.at.wall + after);
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

namespace {

/// Stands in for documents that come over XCAP.
struct Shelf final : presence::HardState {
  void put(Stage& stage, const std::string& text) {
    document.reset();
    if (!text.empty()) {
      reading = presence::read_document(text, {}, 100, false);
      document.reset(static_cast<presence::Document*>(reading.state.release()));
    }
    stage.presentities->hard_state_changed(*stage.entry(alice), stage.clock_.at);
  }
  const presence::Document* hard_state(const Entry& presentity) const override {
    return presentity.aor() == alice ? document.get() : nullptr;
  }
  publication::Reading reading;
  std::unique_ptr<presence::Document> document;
};

}  // namespace

TEST_CASE("hard state is shown while there is no soft state (RFC 3903 3, RFC 4827)") {
  Shelf shelf;
  Stage stage(allow_all());
  stage.presentities->set_hard_state(shelf);
  Device watcher(stage, bob, udp(5070)), laptop(stage, alice, tls(3));
  watcher.subscribe(alice, "presence", {"Expires: 80000"});
  CHECK(shown(stage.take()) == "closed");
  shelf.put(stage, pidf("on vacation", "hard"));
  CHECK(shown(stage.take()) == "open on vacation");
  laptop.publish(pidf("here"), {"Expires: 600"});
  CHECK(shown(stage.take()) == "open here");
  shelf.put(stage, pidf("on vacation still", "hard"));
  CHECK(shown(stage.take()) == "open here");
  stage.wait(601s);
  CHECK(shown(stage.take()) == "open on vacation still");
  laptop.etag.clear();
  laptop.register_(3600, "urn:uuid:1");
  CHECK(shown(stage.take()) == "open");
  laptop.register_(0, "urn:uuid:1");
  CHECK(shown(stage.take()) == "open on vacation still");
  shelf.put(stage, "");
  CHECK(shown(stage.take()) == "closed");
}

TEST_CASE("hard state is written over XCAP, outlives the process, and is no change of rules (RFC 4827)") {
  Stage stage(allow_all());
  Device watcher(stage, bob, udp(5070));
  watcher.subscribe(alice);
  CHECK(shown(stage.take()) == "closed");
  CHECK(stage.put_hard_state(pidf("on vacation", "hard")) == 201);
  CHECK(shown(stage.take()) == "open on vacation");
  const auto decisions = stage.presentities->watches().decisions();
  CHECK(stage.put_hard_state(pidf("on vacation still", "hard")) == 200);
  CHECK(shown(stage.take()) == "open on vacation still");
  CHECK(stage.presentities->watches().decisions() == decisions);
  stage.put_rules(rule_for(carol, "block"));
  CHECK(stage.notifies.empty());
  stage.restart();
  stage.wait(1s);
  CHECK(shown(stage.take()) == "open on vacation still");
  stage.presentities->on_user_gone(alice, false, stage.clock_.at);
  stage.documents->on_user_gone(alice, true, stage.clock_.at);
  stage.settle();
  CHECK(shown(stage.take()) == "closed");
}

TEST_CASE("hard state that promises what no server can keep, or is too much, is refused (DESIGN 1.4, 7)") {
  Settings settings = allow_all();
  settings.elements_per_presentity = 2;
  Stage stage(std::move(settings));
  Device watcher(stage, bob, udp(5070));
  watcher.subscribe(alice);
  CHECK(shown(stage.take()) == "closed");
  const std::string open = pidf("here", "hard");
  const auto with = [&](const std::string& element, const char* before) {
    std::string text = open;
    return text.insert(text.find(before), element);
  };
  CHECK(stage.put_hard_state(with("<d:direct xmlns:d='urn:beckon:params:xml:ns:direct:1'/>", "</status>")) ==
        409);
  CHECK(stage.put_hard_state(with("<note>1</note><note>2</note>", "</presence>")) == 409);
  CHECK(stage.put_hard_state("<presence xmlns='urn:ietf:params:xml:ns:pidf'/>") == 409);
  CHECK(stage.put_hard_state(with("<tuple id='other'/>", "</presence>")) == 409);
  CHECK(stage.notifies.empty());
  CHECK(stage.put_hard_state(with("<note>1</note>", "</presence>")) == 201);
  CHECK(shown(stage.take()) == "open here");
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
