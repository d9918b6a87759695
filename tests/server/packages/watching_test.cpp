#include "tests/server/packages/stage.hpp"

using namespace beckon;
using namespace beckon::server;
using namespace beckon::server::test;
using sip::HeaderId;

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
