#include <set>

#include "tests/server/packages/stage.hpp"

using namespace beckon;
using namespace beckon::server;
using namespace beckon::server::test;

namespace {

const std::string dan = "sip:dan@example.net";
const Address dans_server = *parse_address("192.0.2.9:5061");

Settings federated() {
  Settings settings = Stage::default_settings();
  settings.federation.domains = {"example.net"};
  return settings;
}

/// A connection of dan's server, which has shown its certificate.
Hop from_server(transaction::FlowId flow) {
  Hop hop = tls(flow);
  hop.name = "example.net";
  return hop;
}

/// alice's presence is watched by dan, whose server is at the other end of connection 5.
struct Watched {
  explicit Watched(const std::string& handling = "allow") {
    stage.put_rules(rule_for(dan, handling));
    laptop.publish(pidf("here"));
    CHECK(watcher.subscribe(alice).status() == 200);
  }
  std::string note_of(const Notified& notified) const {
    const auto presence = notified.presence();
    REQUIRE(presence.tuples.size() == 1);
    return presence.tuples.front().notes.front().text;
  }
  void is_dialled(const Notified& notified) const {
    CHECK(notified.to.protocol == Protocol::tls);
    CHECK(notified.to.flow == 0);
    CHECK(notified.to.remote == dans_server);
    CHECK(notified.to.name == "example.net");
  }

  Stage stage{federated()};
  Device laptop{stage, alice, udp(5080)};
  Device watcher{stage, dan, from_server(5)};
};

}  // namespace

TEST_CASE("a watcher of another domain is pending until it is allowed, and seen so by the presentity") {
  Stage stage(federated());
  Device own(stage, alice, udp(5080));
  own.subscribe(alice, "presence.winfo");
  stage.drain();
  Device watcher(stage, dan, from_server(5));
  CHECK(watcher.subscribe(alice).status() == 200);
  stage.wait(5s);
  const auto told = stage.drain("presence.winfo");
  REQUIRE(told.size() == 1);
  const auto seen = told.front().winfo().lists.front().watchers.front();
  CHECK(seen.uri == dan);
  CHECK(seen.status == documents::WatcherStatus::pending);
  stage.put_rules(rule_for(dan, "allow"));
  CHECK(stage.drain("presence").front().state() == "active");
}

TEST_CASE(
    "NOTIFYs to another domain's server go down its connection, and without one it is dialled (RFC 5923)") {
  Watched watched;
  auto& stage = watched.stage;
  const Notified first = stage.take();
  CHECK(first.to.flow == 5);
  CHECK(first.to.name == "example.net");
  stage.close_flow(5);
  CHECK(stage.notifies.empty());
  watched.laptop.publish(pidf("away"));
  const Notified dialled = stage.take();
  watched.is_dialled(dialled);
  CHECK(watched.note_of(dialled) == "away");

  SUBCASE("a refresh that comes over another connection has them go down that one") {
    watched.watcher.move(from_server(6));
    CHECK(watched.watcher.refresh(600).status() == 200);
    CHECK(stage.take().to.flow == 6);
  }
  SUBCASE("unsubscribed, it is gone") {
    CHECK(watched.watcher.refresh(0).status() == 200);
    CHECK(stage.take().state() == "terminated;timeout");
    CHECK(stage.table("PST").rows.empty());
  }
}

TEST_CASE("a domain that is admitted no more watches nobody any longer, after a restart neither") {
  Watched watched;
  auto& stage = watched.stage;
  stage.take();
  Device neighbour(stage, bob, udp(5090));
  CHECK(neighbour.subscribe(alice).status() == 200);
  stage.drain();
  SUBCASE("at once") {
    stage.change_settings([](Settings& settings) { settings.federation.domains = {"example.com"}; });
    CHECK(stage.take().state() == "terminated;rejected");
  }
  SUBCASE("after a restart") {
    stage.edit_settings([](Settings& settings) { settings.federation.domains.clear(); });
    stage.restart();
    stage.wait(5s);
    stage.drain();
  }
  std::set<std::string> watchers;
  for (const auto& row : stage.table("PST").rows)
    for (const auto& [name, value] : row)
      if (name == "from") watchers.insert(value);
  CHECK(watchers == std::set<std::string>{bob});
}

TEST_CASE("what went down a connection that breaks goes out again at once") {
  Watched watched;
  auto& stage = watched.stage;
  stage.take();
  watched.laptop.publish(pidf("away"));
  const Notified lost = stage.take(0);
  SUBCASE("the transaction fails first") {
    stage.answer_notify(lost, 503);
    stage.close_flow(5);
  }
  SUBCASE("the connection closes first") {
    stage.close_flow(5);
    stage.answer_notify(lost, 503);  // old news
  }
  const Notified again = stage.take();
  watched.is_dialled(again);
  CHECK(watched.note_of(again) == "away");
  CHECK(stage.notifies.empty());
}

TEST_CASE(
    "after kill -9 another domain's server is dialled: its watchers do not know that there was a restart") {
  Watched watched;
  auto& stage = watched.stage;
  stage.take();
  stage.restart();
  stage.wait(5s);
  const Notified after = stage.take();
  watched.is_dialled(after);
  CHECK(watched.note_of(after) == "here");
}

TEST_CASE(
    "another domain's server that is out of reach is tried again and again while the subscription lasts") {
  Watched watched;
  auto& stage = watched.stage;
  stage.take();
  stage.close_flow(5);
  watched.laptop.publish(pidf("away"));
  // The pauses are 30 s, 60 s ... doubled each time; its lifetime is an hour.
  for (Duration pause = 30s; pause <= 960s; pause *= 2) {
    CAPTURE(pause.count());
    REQUIRE(stage.notifies.size() == 1);
    stage.take(503);
    stage.wait(pause);
  }
  watched.is_dialled(stage.take());
  CHECK(stage.table("PST").rows.size() == 1);
}
