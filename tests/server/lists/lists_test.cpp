#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "protocol/documents/multipart.hpp"
#include "protocol/documents/pidf.hpp"
#include "protocol/documents/reginfo.hpp"
#include "protocol/documents/rlmi.hpp"
#include "protocol/documents/winfo.hpp"
#include "server/lists/lists.hpp"
#include "server/server.hpp"
#include "server/store/record.hpp"
#include "server/subscription/subscriptions.hpp"
#include "server/xcap/documents.hpp"
#include "tests/server/world.hpp"

using namespace beckon;
using namespace beckon::server;
using namespace beckon::server::test;
using namespace std::chrono_literals;

namespace {

const std::string dave = "sip:dave@example.org";
const std::string friends = "sip:friends@example.org";

std::string services(const std::string& inside) {
  return R"(<rls-services xmlns="urn:ietf:params:xml:ns:rls-services" )"
         R"(xmlns:rl="urn:ietf:params:xml:ns:resource-lists">)" +
         inside + "</rls-services>";
}
std::string service(const std::string& uri, const std::vector<std::string>& members) {
  std::string text = "<service uri=\"" + uri + "\"><list>";
  for (const auto& member : members) text += "<rl:entry uri=\"" + member + "\"/>";
  return text + "</list></service>";
}
std::string rules(const std::string& who, const std::string& handling) {
  return R"(<ruleset xmlns="urn:ietf:params:xml:ns:common-policy" xmlns:pr="urn:ietf:params:xml:ns:pres-rules">)"
         R"(<rule id="a"><conditions><identity><one id=")" +
         who + R"("/></identity></conditions><actions><pr:sub-handling>)" + handling +
         R"(</pr:sub-handling></actions><transformations><pr:provide-services><pr:all-services/></pr:provide-services>)"
         R"(<pr:provide-all-attributes/></transformations></rule></ruleset>)";
}
std::string pidf(const std::string& who, const std::string& note, const std::string& basic = "open") {
  return R"(<presence xmlns="urn:ietf:params:xml:ns:pidf" entity=")" + who +
         R"("><tuple id="t"><status><basic>)" + basic + "</basic></status><note>" + note +
         "</note></tuple></presence>";
}

/// What a watcher has pieced together of a list (RFC 4662 5.6).
struct ListCopy {
  struct Row {
    std::string state, reason, type, body;
    std::string word() const { return reason.empty() ? state : state + ';' + reason; }
  };
  std::map<std::string, Row> rows;
  std::optional<std::uint32_t> version;
  int full = 0, partial = 0;

  void take(std::string_view body, std::string_view type) {
    CHECK(type.find("boundary=\"") == type.npos);
    const auto multipart = documents::parse_multipart(body, type);
    REQUIRE(multipart.has_value());
    take(multipart->parts, root_of(*multipart, type));
  }
  void take(const std::vector<documents::Part>& parts, const documents::Part& root) {
    CHECK(root.content_type().starts_with("application/rlmi+xml"));
    const auto rlmi = documents::parse_rlmi(root.body);
    REQUIRE(rlmi.has_value());
    if (version && !rlmi->is_full) CHECK(rlmi->version == *version + 1);
    if (!version) CHECK(rlmi->is_full);
    version = rlmi->version;
    ++(rlmi->is_full ? full : partial);
    if (rlmi->is_full) rows.clear();
    for (const auto& resource : rlmi->resources) {
      Row& row = rows[resource.uri];
      if (resource.instances.empty()) continue;
      REQUIRE(resource.instances.size() == 1);
      const auto& instance = resource.instances.front();
      row = {to_string(instance.state), instance.reason, {}, {}};
      if (instance.cid.empty()) continue;
      const auto part =
          std::ranges::find_if(parts, [&](const auto& each) { return each.content_id() == instance.cid; });
      REQUIRE(part != parts.end());
      row.type = part->content_type();
      row.body = part->body;
    }
  }
  std::string state(const std::string& uri) const {
    const auto found = rows.find(uri);
    return found == rows.end() ? "absent" : found->second.word();
  }
  std::string note(const std::string& uri) const {
    const auto presence = documents::parse_pidf(rows.at(uri).body);
    REQUIRE(presence.has_value());
    return presence->tuples.empty() || presence->tuples.front().notes.empty()
               ? std::string()
               : presence->tuples.front().notes.front().text;
  }
};

class Street {
 public:
  explicit Street(unsigned shards = 1, Settings settings = quick()) : world(settings, shards, 0ms, rooms) {
    for (const auto& user : {alice, bob, carol, dave}) world.add_user(user);
  }
  static Settings quick() {
    Settings settings = World::default_settings();
    settings.watcher_policy = WatcherPolicy::allow;
    return settings;
  }
  static void rooms(Node& node) { add_rooms(node); }

  Shard& shard_of(const std::string& aor) { return world.node().shard(world.node().owner(bucket_of(aor))); }

  /// As XCAP would write it; empty: it is removed.
  void put(const std::string& owner, const std::string& key, const std::string& text) {
    Shard& shard = shard_of(owner);
    store::Record record;
    record.kind = store::Kind::document;
    record.aor = owner;
    record.key = key;
    record.value = store::RecordWriter().text("e").text(text).finish();
    shard.room<server::xcap::Documents>().restore(record, world.clock.now());
    shard.bus().publish(store::Kind::document, owner, {});
    pass();
  }
  sip::Message send(Ask ask, const std::string& user, const Hop& from) {
    ask.from = user;
    ask.cseq = cseq += 2;
    return final_of(ask, user, from);
  }
  void publish(const std::string& who, const std::string& note, const std::string& basic = "open") {
    Ask ask{.method = "PUBLISH", .uri = who, .to = who, .call_id = "publish" + who};
    ask.lines = {"Event: presence", "Content-Type: application/pidf+xml"};
    if (!etags[who].empty()) ask.lines.push_back("SIP-If-Match: " + etags[who]);
    ask.body = pidf(who, note, basic);
    const auto answer = send(ask, who, tls(9));
    REQUIRE(answer.status() == 200);
    etags[who] = std::string(answer.header(sip::HeaderId::sip_etag));
    pass();
  }
  /// A new subscription of alice's; the dialog's To is kept for `refresh`.
  sip::Message subscribe(const std::string& uri, std::vector<std::string> lines = supported(),
                         const std::string& body = {}, const std::string& event = "presence") {
    Ask ask{.method = "SUBSCRIBE", .uri = uri, .to = uri, .call_id = "list" + std::to_string(++calls)};
    call_id = ask.call_id;
    lines.push_back("Event: " + event);
    ask.lines = std::move(lines);
    ask.lines.push_back("Contact: <sip:alice@192.0.2.9:5070>");
    ask.body = body;
    copy = {};
    const auto answer = send(ask, alice, hop);
    to = std::string(answer.header(sip::HeaderId::to));
    pass();
    return answer;
  }
  sip::Message refresh(unsigned expires, std::vector<std::string> lines = supported(),
                       const std::string& body = {}) {
    Ask ask{.method = "SUBSCRIBE", .uri = friends, .to = to, .call_id = call_id};
    ask.lines = std::move(lines);
    ask.lines.push_back("Event: presence");
    ask.lines.push_back("Expires: " + std::to_string(expires));
    ask.lines.push_back("Contact: <sip:alice@192.0.2.9:5070>");
    ask.body = body;
    const auto answer = send(ask, alice, hop);
    pass();
    return answer;
  }
  static std::vector<std::string> supported() {
    return {"Supported: eventlist", "Accept: multipart/related", "Accept: application/pidf+xml",
            "Accept: application/rlmi+xml", "Accept: application/reginfo+xml"};
  }
  static std::vector<std::string> carried() {
    auto lines = supported();
    lines.push_back("Require: recipient-list-subscribe");
    lines.push_back("Content-Type: application/resource-lists+xml");
    lines.push_back("Content-Disposition: recipient-list");
    return lines;
  }
  static std::string recipients(const std::vector<std::string>& members) {
    std::string text = R"(<resource-lists xmlns="urn:ietf:params:xml:ns:resource-lists"><list>)";
    for (const auto& member : members) text += "<entry uri=\"" + member + "\"/>";
    return text + "</list></resource-lists>";
  }
  /// Time for what shards say to each other, and for the window; NOTIFYs are answered and go into the copy.
  void pass(Duration by = 200ms) {
    for (int i = 0; i < 20; ++i) {
      take_all();
      world.wait(by / 20);
    }
    take_all();
  }
  void take_all() {
    while (!world.wire.is_silent()) {
      const Sent sent = world.take();
      if (!sent.message.is_request()) continue;
      if (is_dead) continue;
      states.push_back(std::string(sent.message.header(sip::HeaderId::subscription_state)));
      last_size = sent.message.text().size();
      largest = std::max(largest, last_size);
      if (sent.message.header(sip::HeaderId::require) == "eventlist") {
        if (!sent.message.body().empty())
          copy.take(sent.message.body(), sent.message.header(sip::HeaderId::content_type));
      } else {
        others.push_back(sent.message);
      }
      world.receive(sent.to, sip::Builder::reply(sent.message, 200, "").finish());
    }
  }
  std::size_t watches(const std::string& of) {
    std::size_t count = 0;
    auto& subscriptions = shard_of(of).room<subscription::Subscriptions>();
    const EntryPtr entry = shard_of(of).directory().get(of);
    subscriptions.each(*subscriptions.find("presence"), *entry, [&](const auto&) { ++count; });
    return count;
  }
  /// Subscriptions and interests of all shards.
  std::size_t size() {
    std::size_t count = 0;
    for (unsigned i = 0; i < world.node().size(); ++i)
      count += world.node().shard(i).room<subscription::Subscriptions>().size() +
               world.node().shard(i).room<lists::Lists>().size();
    return count;
  }

  World world;
  Hop hop = tls(5);
  ListCopy copy;
  std::vector<std::string> states;
  std::vector<sip::Message> others;
  std::size_t last_size = 0, largest = 0;
  bool is_dead = false;

 private:
  sip::Message final_of(Ask ask, const std::string& user, const Hop& from) {
    world.receive(from, world.text_of(ask));
    auto challenge = next_response();
    if (challenge.status() != 401) return challenge;
    ask.lines.push_back(World::credentials(challenge, ask, user.substr(4, user.find('@') - 4), "secret"));
    ask.branch.clear();
    ++ask.cseq;
    world.receive(from, world.text_of(ask));
    return next_response();
  }
  /// NOTIFYs that came first wait.
  sip::Message next_response() {
    for (int i = 0; i < 50; ++i) {
      auto& sent = world.wire.sent;
      const auto found =
          std::ranges::find_if(sent, [](const Sent& each) { return !each.message.is_request(); });
      if (found != sent.end()) {
        const sip::Message message = found->message;
        sent.erase(found);
        return message;
      }
      world.wait(1ms);
    }
    FAIL("no answer");
    return world.take().message;
  }

  std::map<std::string, std::string> etags;
  unsigned cseq = 0;
  int calls = 0;
  std::string to, call_id;
};

}  // namespace

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
    CHECK(street.copy.state("sip:ed@example.net") == "terminated;noresource");
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
