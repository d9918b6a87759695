#include "tests/server/packages/stage.hpp"

using namespace beckon;
using namespace beckon::server;
using namespace beckon::server::test;
using sip::HeaderId;

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
