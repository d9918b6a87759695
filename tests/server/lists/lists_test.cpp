#include "protocol/documents/reginfo.hpp"
#include "protocol/documents/winfo.hpp"
#include "tests/server/lists/street.hpp"

using namespace beckon;
using namespace beckon::server;
using namespace beckon::server::test;
using namespace std::chrono_literals;

TEST_CASE(
    "a list of the own services: full state of all members first, then what changes (RFC 4662 4.5, 5.2)") {
  for (const unsigned shards : {1U, 2U, 3U}) {
    CAPTURE(shards);
    Street street(shards);
    street.publish(bob, "at home");
    street.put(alice, "rls-services/index",
               services(service(friends, {bob, carol, "sip:nobody@example.org", "sip:ed@example.net"})));
    const auto answer = street.subscribe(friends);
    CHECK(answer.status() == 200);
    CHECK(answer.header(sip::HeaderId::require) == "eventlist");
    CHECK(street.copy.full == 1);
    CHECK(street.copy.partial == 0);
    CHECK(street.copy.version == 0);
    CHECK(street.copy.state(bob) == "active");
    CHECK(street.copy.rows[bob].type == "application/pidf+xml");
    CHECK(street.copy.note(bob) == "at home");
    CHECK(street.copy.state(carol) == "active");
    CHECK(street.copy.state("sip:nobody@example.org") == "terminated;noresource");
    CHECK(street.copy.state("sip:ed@example.net") == "terminated;noresource");  // nobody is sent there
    CHECK(street.watches(bob) == 1);

    street.publish(carol, "in the garden");
    CHECK(street.copy.partial == 1);
    CHECK(street.copy.note(carol) == "in the garden");
    CHECK(street.copy.note(bob) == "at home");

    // Each SUBSCRIBE brings full state.
    CHECK(street.refresh(600).status() == 200);
    CHECK(street.copy.full == 2);
    CHECK(street.copy.rows.size() == 4);

    CHECK(street.refresh(0).status() == 200);
    CHECK(street.states.back().starts_with("terminated"));
    CHECK(street.watches(bob) == 0);
    CHECK(street.size() == 0);
  }
}

TEST_CASE("several changes within the window leave in one NOTIFY") {
  Street street(2);
  street.put(alice, "rls-services/index", services(service(friends, {bob, carol})));
  street.subscribe(friends);
  const auto publish = [&](const std::string& who) {
    Ask ask{.method = "PUBLISH", .uri = who, .to = who, .call_id = "publish" + who};
    ask.lines = {"Event: presence", "Content-Type: application/pidf+xml"};
    ask.body = pidf(who, "news");
    CHECK(street.send(ask, who, tls(9)).status() == 200);
  };
  publish(bob);
  publish(carol);
  street.pass();
  CHECK(street.copy.partial == 1);
  CHECK(street.copy.note(bob) == "news");
  CHECK(street.copy.note(carol) == "news");
}

TEST_CASE("a watcher that does not support lists hears 421, for its own lists only (RFC 4662 4.1)") {
  Street street(2);
  street.put(alice, "rls-services/index", services(service(friends, {bob})));
  const auto answer = street.subscribe(friends, {"Accept: application/pidf+xml"});
  CHECK(answer.status() == 421);
  CHECK(answer.header(sip::HeaderId::require) == "eventlist");
  CHECK(street.subscribe("sip:foes@example.org", {}).status() == 404);
  CHECK(street.subscribe("sip:foes@example.org").status() == 404);
  // A user is no list, whatever the watcher supports.
  CHECK(street.subscribe(bob).status() == 200);
  CHECK(street.others.size() == 1);
  // Another's list is nobody's.
  Ask ask{.method = "SUBSCRIBE", .uri = friends, .to = friends, .call_id = "bob's"};
  ask.lines = Street::supported();
  ask.lines.push_back("Event: presence");
  ask.lines.push_back("Contact: <sip:bob@192.0.2.9:5070>");
  CHECK(street.send(ask, bob, tls(6)).status() == 404);
  // It must take a multipart body.
  CHECK(street.subscribe(friends, {"Supported: eventlist", "Accept: application/pidf+xml"}).status() == 406);
}

TEST_CASE("a service for other event packages is 489, an unresolved reference 502 (RFC 4826 4.5)") {
  Street street;
  street.put(
      alice, "rls-services/index",
      services("<service uri=\"" + friends +
               "\"><list/><packages><package>dialog</package></packages></service>"
               "<service uri=\"sip:foes@example.org\"><resource-list>http://x/y</resource-list></service>"));
  CHECK(street.subscribe(friends).status() == 489);
  CHECK(street.subscribe("sip:foes@example.org").status() == 502);
}

TEST_CASE("an empty list is accepted, and says that it is empty") {
  Street street(2);
  street.put(alice, "rls-services/index", services(service(friends, {})));
  CHECK(street.subscribe(friends).status() == 200);
  CHECK(street.copy.full == 1);
  CHECK(street.copy.rows.empty());
  // One who comes is named by a full document; so is what is left when one goes.
  street.put(alice, "rls-services/index", services(service(friends, {bob, carol})));
  CHECK(street.copy.full >= 2);
  CHECK(street.copy.state(bob) == "active");
  street.put(alice, "rls-services/index", services(service(friends, {carol})));
  CHECK(street.copy.state(bob) == "absent");
  CHECK(street.copy.state(carol) == "active");
  CHECK(street.watches(bob) == 0);
  street.put(alice, "rls-services/index", services(""));
  CHECK(street.states.back().starts_with("terminated;reason=noresource"));
  CHECK(street.size() == 0);
}

TEST_CASE("members decide by their own rules, now and while they are watched (RFC 4662 7.1)") {
  Street street(2);
  street.publish(bob, "secret");
  street.put(bob, "pres-rules/index", rules(alice, "block"));
  street.put(alice, "rls-services/index", services(service(friends, {bob, carol})));
  street.subscribe(friends);
  CHECK(street.copy.state(bob) == "terminated;rejected");
  CHECK(street.copy.state(carol) == "active");

  street.put(bob, "pres-rules/index", rules(alice, "confirm"));
  CHECK(street.copy.state(bob) == "pending");
  CHECK(street.copy.rows[bob].body.empty());
  street.put(bob, "pres-rules/index", rules(alice, "allow"));
  CHECK(street.copy.state(bob) == "active");
  CHECK(street.copy.rows[bob].body.find("secret") != std::string::npos);
  street.put(bob, "pres-rules/index", rules(alice, "block"));
  CHECK(street.copy.state(bob) == "terminated;rejected");
  CHECK(street.copy.rows[bob].body.empty());
  street.put(bob, "pres-rules/index", rules(alice, "polite-block"));
  CHECK(street.copy.state(bob) == "active");
  CHECK(street.copy.rows[bob].body.find("secret") == std::string::npos);
  street.put(bob, "pres-rules/index", rules(alice, "block"));
  street.put(bob, "pres-rules/index", rules(alice, "allow"));
  CHECK(street.copy.rows[bob].body.find("secret") != std::string::npos);
  CHECK(street.refresh(0).status() == 200);
  CHECK(street.size() == 0);
}

TEST_CASE("a member sees in its watcher information whoever has it in a list") {
  Street street(2);
  street.put(alice, "rls-services/index", services(service(friends, {bob})));
  street.subscribe(friends);
  Ask ask{.method = "SUBSCRIBE", .uri = bob, .to = bob, .call_id = "winfo"};
  ask.lines = {"Event: presence.winfo", "Contact: <sip:bob@192.0.2.9:5070>"};
  REQUIRE(street.send(ask, bob, tls(6)).status() == 200);
  street.pass();
  REQUIRE_FALSE(street.others.empty());
  const auto info = documents::parse_winfo(street.others.back().body());
  REQUIRE(info.has_value());
  REQUIRE(info->lists.size() == 1);
  REQUIRE(info->lists[0].watchers.size() == 1);
  CHECK(info->lists[0].watchers[0].uri == alice);
  CHECK_FALSE(info->lists[0].watchers[0].expiration_seconds);
  street.refresh(0);
  street.pass(6s);
  const auto later = documents::parse_winfo(street.others.back().body());
  REQUIRE(later.has_value());
  CHECK(later->lists[0].watchers[0].status == documents::WatcherStatus::terminated);
}

TEST_CASE(
    "a list in a list is a multipart in the multipart; one that leads back ends there (RFC 4662 5.5, 7.4)") {
  Street street(3);
  const std::string family = "sip:family@example.org";
  street.publish(carol, "hello");
  street.put(alice, "rls-services/index",
             services(service(friends, {bob, family}) + service(family, {carol, friends})));
  street.subscribe(friends);
  CHECK(street.copy.state(bob) == "active");
  REQUIRE(street.copy.state(family) == "active");
  ListCopy inner;
  inner.take(street.copy.rows[family].body, street.copy.rows[family].type);
  CHECK(inner.note(carol) == "hello");
  CHECK(inner.state(friends) == "terminated;noresource");
  street.publish(carol, "good-bye");
  ListCopy newer;
  newer.take(street.copy.rows[family].body, street.copy.rows[family].type);
  CHECK(newer.note(carol) == "good-bye");
  street.refresh(0);
  CHECK(street.size() == 0);
}

TEST_CASE("a list in the SUBSCRIBE is followed as one of the services is (RFC 5367)") {
  Street street(2);
  street.publish(bob, "x");
  const std::string rls = "sip:rls@example.org";
  const auto answer =
      street.subscribe(rls, Street::carried(), Street::recipients({bob, carol, "sip:x@example.net"}));
  CHECK(answer.status() == 200);
  CHECK(answer.header(sip::HeaderId::require) == "eventlist");
  CHECK(street.copy.full == 1);
  CHECK(street.copy.note(bob) == "x");
  CHECK(street.copy.state("sip:x@example.net") == "terminated;noresource");
  // In the dialog it means nothing (RFC 5367 5.1).
  CHECK(street.refresh(600, Street::carried(), Street::recipients({dave})).status() == 415);

  // It is kept over a restart.
  street.world.restart(3);
  street.copy = {};
  street.pass(2s);
  CHECK(street.refresh(600).status() == 200);
  CHECK(street.copy.state(bob) == "active");
  CHECK(street.copy.state(dave) == "absent");
  CHECK(street.refresh(0).status() == 200);
  CHECK(street.size() == 0);

  CHECK(street.subscribe(rls, Street::carried(), "<x/>").status() == 400);
  auto lines = Street::carried();
  lines[6] = "Content-Type: text/plain";
  CHECK(street.subscribe(rls, lines, "hello").status() == 415);
  CHECK(street.subscribe(rls, Street::carried(), Street::recipients({})).status() == 200);
  CHECK(street.copy.rows.empty());
  CHECK(street.copy.full == 1);
}

TEST_CASE("a list that comes deflated is read, as liblinphone sends it") {
  // recipients({bob}), by zlib.
  const std::string deflated(
      "\170\332\125\214\313\012\200\040\020\000\177\105\274\227\367\105\245\137\321\330\142\301"
      "\027\273\012\366\367\025\235\072\015\014\303\130\106\251\203\167\134\022\111\027\065\163"
      "\052\342\364\340\002\204\375\200\026\070\144\201\107\103\021\370\307\332\333\227\336\142"
      "\351\174\251\301\344\264\120\203\130\343\206\063\344\226\160\255\174\152\343\255\371\102"
      "\363\037\370\033\313\261\056\332",
      96);
  Street street(2);
  street.publish(bob, "x");
  auto lines = Street::carried();
  lines.push_back("Content-Encoding: deflate");
  CHECK(street.subscribe("sip:rls@example.org", lines, deflated).status() == 200);
  CHECK(street.copy.note(bob) == "x");
  CHECK(street.subscribe("sip:rls@example.org", lines, deflated.substr(1)).status() == 400);
  lines.back() = "Content-Encoding: gzip";
  const auto refusal = street.subscribe("sip:rls@example.org", lines, deflated);
  CHECK(refusal.status() == 415);
  CHECK(refusal.lists(sip::HeaderId::accept_encoding, "deflate"));
}

TEST_CASE("members past the limit: 413 for a list that is carried, left out of one that is stored") {
  Settings settings = Street::quick();
  settings.list_members = 2;
  Street street(1, settings);
  CHECK(
      street.subscribe("sip:rls@example.org", Street::carried(), Street::recipients({bob, carol})).status() ==
      200);
  CHECK(street.subscribe("sip:rls@example.org", Street::carried(), Street::recipients({bob, carol, dave}))
            .status() == 413);
  street.put(alice, "rls-services/index", services(service(friends, {bob, carol, dave})));
  CHECK(street.subscribe(friends).status() == 200);
  CHECK(street.copy.rows.size() == 2);
}

TEST_CASE("a fetch brings all that is known, once, and leaves nothing") {
  Street street(2);
  street.publish(bob, "x");
  street.put(alice, "rls-services/index", services(service(friends, {bob, carol})));
  auto lines = Street::supported();
  lines.push_back("Expires: 0");
  CHECK(street.subscribe(friends, lines).status() == 200);
  CHECK(street.copy.full == 1);
  CHECK(street.copy.note(bob) == "x");
  CHECK(street.states.back().starts_with("terminated"));
  CHECK(street.size() == 0);
}

TEST_CASE("a list that is too long for one datagram goes out in several NOTIFYs") {
  Settings settings = Street::quick();
  settings.list_datagram_octets = 8000;
  Street street(2, settings);
  std::vector<std::string> members;
  for (int i = 0; i < 40; ++i) {
    const std::string user = "sip:user" + std::to_string(i) + "@example.org";
    street.world.add_user(user);
    members.push_back(user);
    street.publish(user, std::string(500, 'a'));
  }
  street.put(alice, "rls-services/index", services(service(friends, members)));
  street.hop = udp(5070);
  street.largest = 0;
  street.subscribe(friends);
  street.pass(1s);
  CHECK(street.copy.full == 1);
  CHECK(street.copy.partial >= 3);
  CHECK(street.largest < 10000);
  for (const auto& member : members) {
    CAPTURE(member);
    CHECK(street.copy.state(member) == "active");
  }
}

TEST_CASE("registrations of a list, each member as its own rules say: RFC 3680 in RFC 4662") {
  Street street(2);
  street.put(alice, "rls-services/index", services(service(friends, {alice, bob})));
  CHECK(street.subscribe(friends, Street::supported(), {}, "reg").status() == 200);
  CHECK(street.copy.state(alice) == "active");
  CHECK(street.copy.rows[alice].type == "application/reginfo+xml");
  CHECK(documents::parse_reginfo(street.copy.rows[alice].body).has_value());
  CHECK(street.copy.state(bob) == "terminated;rejected");
}

TEST_CASE("a user who is removed is gone from the list, a watcher who is loses it") {
  Street street(2);
  street.put(alice, "rls-services/index", services(service(friends, {bob, carol})));
  street.subscribe(friends);
  street.world.memory.users.erase(bob);
  for (unsigned i = 0; i < 2; ++i)
    street.world.node().shard(i).room<subscription::Subscriptions>().on_user_gone(bob, true,
                                                                                  street.world.clock.now());
  street.pass();
  CHECK(street.copy.state(bob) == "terminated;noresource");
  for (unsigned i = 0; i < 2; ++i)
    street.world.node().shard(i).room<subscription::Subscriptions>().on_user_gone(alice, false,
                                                                                  street.world.clock.now());
  street.pass();
  CHECK(street.states.back().starts_with("terminated;reason=rejected"));
  CHECK(street.size() == 0);
}

TEST_CASE("a fetch that wants nothing is forgotten, too (RFC 5839)") {
  Street street(2);
  street.put(alice, "rls-services/index", services(service(friends, {bob, carol})));
  auto lines = Street::supported();
  lines.push_back("Expires: 0");
  lines.push_back("Suppress-If-Match: *");
  CHECK(street.subscribe(friends, lines).status() == 200);
  street.pass(2s);
  CHECK(street.size() == 0);
}

TEST_CASE("a list in a list that is longer than there is room for is told as far as that goes, and no more") {
  Settings settings = Street::quick();
  settings.list_notify_octets = 8000;
  Street street(2, settings);
  std::vector<std::string> members;
  for (int i = 0; i < 20; ++i) {
    members.push_back("sip:user" + std::to_string(i) + "@example.org");
    street.world.add_user(members.back());
    street.publish(members.back(), std::string(500, 'a'));
  }
  const std::string family = "sip:family@example.org";
  street.put(alice, "rls-services/index",
             services(service(friends, {bob, family}) + service(family, members)));
  street.subscribe(friends);
  street.pass(1s);
  CHECK(street.copy.state(family) == "active");
  const std::size_t before = street.listed.size();
  street.pass(10s);
  CHECK(street.listed.size() == before);
  CHECK(street.largest < 12000);
}

TEST_CASE("what was made for a secure hop is not sent over another one: members are asked anew") {
  Street street(2);
  street.publish(bob, "secret");
  street.put(alice, "rls-services/index", services(service(friends, {bob})));
  street.subscribe(friends);
  CHECK(street.copy.note(bob) == "secret");
  street.listed.clear();
  street.hop = udp(5070);
  CHECK(street.refresh(600).status() == 200);
  REQUIRE(street.listed.size() >= 2);
  CHECK(street.listed[0].body().find("secret") == std::string_view::npos);
  CHECK(street.copy.note(bob) == "secret");
}

TEST_CASE("one that rules refuse takes nobody's place among those who wait") {
  Settings settings = Street::quick();
  settings.watcher_policy = WatcherPolicy::confirm;
  settings.pending_per_presentity = 1;
  Street street(1, settings);
  street.put(bob, "pres-rules/index", rules(alice, "block"));
  street.put(alice, "rls-services/index", services(service(friends, {bob})));
  street.subscribe(friends);
  CHECK(street.copy.state(bob) == "terminated;rejected");
  Ask ask{.method = "SUBSCRIBE", .uri = bob, .to = bob, .call_id = "dave's"};
  ask.lines = {"Event: presence", "Contact: <sip:dave@192.0.2.9:5070>"};
  CHECK(street.send(ask, dave, tls(6)).status() == 200);
}
