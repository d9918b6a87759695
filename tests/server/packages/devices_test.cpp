#include "tests/server/packages/stage.hpp"

using namespace beckon;
using namespace beckon::server;
using namespace beckon::server::test;

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
