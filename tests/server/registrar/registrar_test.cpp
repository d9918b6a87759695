#include "server/registrar/registrar.hpp"

#include <algorithm>

#include "tests/server/world.hpp"

using namespace beckon;
using namespace beckon::server;
using namespace beckon::server::test;
using registrar::Binding;
using registrar::BindingEvent;
using sip::HeaderId;

namespace {

const std::string phone = "Contact: <sip:alice@192.0.2.9:5070>";
const std::string desk = "Contact: <sip:alice@192.0.2.8:5070>";

/// Registers with these header lines; every call is a later request of the same client.
class Client {
 public:
  Client(World& world, Hop hop) : world_(world), hop_(hop) {}
  sip::Message send(std::vector<std::string> lines) {
    return world_.ask(hop_, {.call_id = call_id, .cseq = cseq++, .lines = std::move(lines)});
  }
  std::string call_id = "call-1";
  unsigned cseq = 1;

 private:
  World& world_;
  Hop hop_;
};

std::vector<std::string> contacts(const sip::Message& answer) {
  std::vector<std::string> found;
  for (const auto value : answer.values(HeaderId::contact)) found.emplace_back(value);
  return found;
}

class Watch final : public registrar::BindingsObserver {
 public:
  void on_bindings_changed(Entry& entry, BindingEvent event, const Binding& changed,
                           const std::vector<Binding>& all, Now) override {
    CHECK(entry.aor() == alice);
    seen.push_back(std::string(to_string(event)) + ' ' + std::string(changed.contact()) + ' ' +
                   std::to_string(all.size()));
  }
  std::vector<std::string> seen;
};

}  // namespace

TEST_CASE("REGISTER without Contact lists the bindings and changes nothing (RFC 3261 10.2.3)") {
  World world(World::open_settings());
  Client client(world, udp(5070));
  CHECK(contacts(client.send({})).empty());
  client.send({phone});
  CHECK(contacts(client.send({})) == std::vector<std::string>{"<sip:alice@192.0.2.9:5070>;expires=3600"});
}

TEST_CASE("the lifetime granted is the one asked for within bounds (RFC 3261 10.3 step 7)") {
  struct Row {
    std::vector<std::string> lines;
    int status;
    const char* expires;
  };
  const Row rows[] = {
      {{phone}, 200, "3600"},
      {{phone, "Expires: 600"}, 200, "600"},
      {{phone + ";expires=900", "Expires: 600"}, 200, "900"},
      {{phone, "Expires: 7200"}, 200, "7200"},
      {{phone, "Expires: 7201"}, 200, "7200"},
      {{phone, "Expires: 4294967295"}, 200, "7200"},
      {{phone, "Expires: 60"}, 200, "60"},
      {{phone, "Expires: 59"}, 423, ""},
      {{phone, "Expires: rubbish"}, 200, "3600"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.lines.back());
    World world(World::open_settings());
    Client client(world, udp(5070));
    const auto answer = client.send(row.lines);
    CHECK(answer.status() == row.status);
    if (row.status == 423) CHECK(answer.header(HeaderId::min_expires) == "60");
    if (row.status != 200) continue;
    REQUIRE(contacts(answer).size() == 1);
    CHECK(contacts(answer)[0] == "<sip:alice@192.0.2.9:5070>;expires=" + std::string(row.expires));
  }
}

TEST_CASE("a GRUU that a device brings along is not repeated to it (RFC 5627 5.1)") {
  World world(World::open_settings());
  Client client(world, udp(5070));
  const auto answer = client.send(
      {phone +
           ";pub-gruu=\"sip:alice@example.org;gr=x\";methods=\"MESSAGE\";temp-gruu=\"sip:t@example.org;gr\"",
       "Supported: gruu"});
  CHECK(contacts(answer) ==
        std::vector<std::string>{"<sip:alice@192.0.2.9:5070>;methods=\"MESSAGE\";expires=3600"});
}

TEST_CASE("a REGISTER that had to wait is granted what it asked for, not a second more (RFC 3261 10.2.1.1)") {
  World world(World::open_settings(), 1, 300ms);
  const auto ask = [&](const char* call_id, const std::string& contact) {
    const Ask request{.call_id = call_id, .lines = {contact + ";expires=600"}};
    auto message = sip::Message::parse(share(world.text_of(request)));
    world.node().shard(0).on_message(udp(5070), *message);
  };
  ask("call-1", phone);
  ask("call-2", desk);  // waits for the store to have the first
  world.wait(1s);
  CHECK(contacts(world.take().message) == std::vector<std::string>{phone.substr(9) + ";expires=600"});
  const auto both = contacts(world.take().message);
  REQUIRE(both.size() == 2);
  for (const std::string& contact : both) CHECK(contact.ends_with(";expires=600"));
}

TEST_CASE("a binding expires, and its end is reported to the observer") {
  World world(World::open_settings());
  Client client(world, udp(5070));
  Watch watch;
  world.registrar(alice).observe(watch);
  client.send({phone, "Expires: 60"});
  world.wait(59s);
  CHECK(world.registrar(alice).bindings(alice).size() == 1);
  world.wait(2s);
  CHECK(world.registrar(alice).size() == 0);
  CHECK(world.memory.records.empty());
  CHECK(watch.seen == std::vector<std::string>{"registered sip:alice@192.0.2.9:5070 1",
                                               "expired sip:alice@192.0.2.9:5070 0"});
}

TEST_CASE("expires=0 removes one binding, \"*\" with Expires 0 all of them (RFC 3261 10.2.2)") {
  World world(World::open_settings());
  Client client(world, udp(5070));
  client.send({phone});
  client.send({desk});
  SUBCASE("one") {
    CHECK(contacts(client.send({phone + ";expires=0"})) ==
          std::vector<std::string>{"<sip:alice@192.0.2.8:5070>;expires=3600"});
  }
  SUBCASE("all") {
    CHECK(contacts(client.send({"Contact: *", "Expires: 0"})).empty());
    CHECK(world.memory.records.empty());
  }
  SUBCASE("\"*\" with any other Expires, or beside another Contact, is malformed") {
    CHECK(client.send({"Contact: *"}).status() == 400);
    CHECK(client.send({"Contact: *", "Expires: 60"}).status() == 400);
    CHECK(client.send({"Contact: *", phone, "Expires: 0"}).status() == 400);
    CHECK(world.registrar(alice).bindings(alice).size() == 2);
  }
}

TEST_CASE("an older request that comes late changes nothing (RFC 3261 10.3 step 7)") {
  World world(World::open_settings());
  Client client(world, udp(5070));
  client.cseq = 7;
  client.send({phone});
  client.cseq = 6;
  SUBCASE("an update") { CHECK(client.send({phone, "Expires: 600"}).status() == 500); }
  SUBCASE("a removal") { CHECK(client.send({phone, "Expires: 0"}).status() == 500); }
  SUBCASE("a removal of all") { CHECK(client.send({"Contact: *", "Expires: 0"}).status() == 500); }
  SUBCASE("none of several contacts is taken when one is refused") {
    CHECK(client.send({desk, phone}).status() == 500);
  }
  REQUIRE(world.registrar(alice).bindings(alice).size() == 1);
  CHECK(world.registrar(alice).bindings(alice)[0].cseq == 7);
}

TEST_CASE("a device that comes back with another contact replaces its binding (RFC 5626 6)") {
  World world(World::open_settings());
  const std::string id = ";+sip.instance=\"<urn:uuid:1>\";reg-id=1";
  Client first(world, tls(1));
  const auto answer = first.send({phone + id, "Supported: path, outbound"});
  CHECK(answer.lists(HeaderId::require, "outbound"));
  CHECK(answer.header(HeaderId::supported) == "path, outbound");
  Client second(world, tls(2));
  second.call_id = "call-2";
  CHECK(contacts(second.send({desk + id, "Supported: path, outbound"})).size() == 1);
  REQUIRE(world.registrar(alice).bindings(alice).size() == 1);
  CHECK(world.registrar(alice).bindings(alice)[0].flow() == 2);
  CHECK(world.memory.records.size() == 1);
  world.node().on_flow_closed(1);
  world.run();
  CHECK(world.registrar(alice).bindings(alice).size() == 1);
}

TEST_CASE("outbound is said to be used only when the first hop keeps the flow (RFC 5626 6)") {
  const std::string contact = phone + ";reg-id=1;+sip.instance=\"<urn:uuid:1>\"";
  const std::string second_via = "Via: SIP/2.0/TCP 192.0.2.44;branch=z9hG4bKedge";
  struct Row {
    std::string name;
    Hop from;
    std::vector<std::string> lines;
    int status;
    std::string require, flow_timer;
  };
  const std::string supported = "Supported: path, outbound";
  const Row rows[] = {
      {"directly, over a connection", tls(1), {contact, supported}, 200, "outbound", "110"},
      {"directly, over UDP: no Flow-Timer", udp(5070), {contact, supported}, 200, "outbound", ""},
      {"the client does not do it", tls(1), {contact}, 200, "", ""},
      {"no instance: reg-id is nothing", tls(1), {phone + ";reg-id=1", supported}, 200, "", ""},
      {"an edge proxy with ob",
       tls(1),
       {second_via, "Path: <sip:edge.example.org;lr;ob>", contact, supported},
       200,
       "outbound",
       "110"},
      {"an edge proxy without",
       tls(1),
       {second_via, "Path: <sip:edge.example.org;lr>", contact, supported},
       439,
       "",
       ""},
      {"no Path at all", tls(1), {second_via, contact, supported}, 439, "", ""},
      {"no Path, and not asked for: reg-id is nothing", tls(1), {second_via, contact}, 200, "", ""},
      {"two contacts and a reg-id", tls(1), {contact, desk, supported}, 400, "", ""},
      {"two contacts, one of them leaves",
       tls(1),
       {contact, desk + ";expires=0", supported},
       200,
       "outbound",
       "110"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    World world(World::open_settings());
    const auto answer = Client(world, row.from).send(row.lines);
    CHECK(answer.status() == row.status);
    CHECK(answer.header(HeaderId::require) == row.require);
    CHECK(answer.header("Flow-Timer") == row.flow_timer);
  }
}

TEST_CASE("Flow-Timer stays below what closes an idle connection (RFC 5626 4.4.1)") {
  auto settings = World::open_settings();
  settings.idle_connection = 60s;
  World world(settings);
  const auto answer =
      Client(world, tls(1)).send({phone + ";reg-id=1;+sip.instance=\"<urn:uuid:1>\"", "Supported: outbound"});
  CHECK(answer.header("Flow-Timer") == "55");
}

TEST_CASE("a closed connection ends the bindings that lived on it, on every shard") {
  for (const unsigned shards : {1U, 2U}) {
    CAPTURE(shards);
    World world(World::open_settings(), shards);
    Client client(world, tls(1));
    client.send({phone});
    Client(world, udp(5070)).send({desk});
    world.node().on_flow_closed(1);
    world.run();
    REQUIRE(world.registrar(alice).bindings(alice).size() == 1);
    CHECK(world.registrar(alice).bindings(alice)[0].contact() == "sip:alice@192.0.2.8:5070");
  }
}

TEST_CASE("a trunk that closes, and the end of the grace time, end many bindings in slices") {
  constexpr std::size_t count = 1000;
  World world(World::open_settings());
  const auto user = [](std::size_t number) { return "sip:u" + std::to_string(number) + "@example.org"; };
  for (std::size_t i = 0; i < count; ++i)
    world.receive(tls(1), world.text_of({.from = user(i),
                                         .call_id = "call-" + std::to_string(i),
                                         .lines = {"Contact: <sip:d@192.0.2.9:5070>;expires=3600"}}));
  world.wait(1s);
  REQUIRE(world.registrar(alice).size() == count);
  const auto online = [&] {
    std::size_t found = 0;
    for (std::size_t i = 0; i < count; ++i)
      found += world.registrar(alice).targets(user(i), world.clock.now()).size();
    return found;
  };
  CHECK(online() == count);
  SUBCASE("a trunk: nobody is reached by it from then on") {
    world.node().on_flow_closed(1);
    REQUIRE(world.timers.step(world.clock.now().mono));
    while (world.registrar(alice).size() == count) REQUIRE(world.timers.step(world.clock.now().mono));
    CHECK(online() == 0);
  }
  SUBCASE("the grace time after a restart") {
    world.restart(1);
    world.wait(World::default_settings().restart_grace - 1s);
    CHECK(world.registrar(alice).size() == count);
    while (world.registrar(alice).size() == count) {
      world.clock.advance(10ms);
      world.timers.step(world.clock.now().mono);
    }
  }
  CHECK(world.registrar(alice).size() == count - Slice::visits_max);
  std::size_t slices = 1;
  for (std::size_t before = world.registrar(alice).size(); before != 0;) {
    REQUIRE(world.timers.next().has_value());
    if (!world.timers.step(world.clock.now().mono)) world.clock.advance(1us);
    const std::size_t left = world.registrar(alice).size();
    CHECK(before - left <= Slice::visits_max);
    slices += left != before ? 1U : 0U;
    before = left;
  }
  CHECK(slices == (count + Slice::visits_max - 1) / Slice::visits_max);
  world.wait(1s);
  CHECK(world.memory.records.empty());
  CHECK(world.node().shard(0).directory().size() == 0);
}

TEST_CASE(
    "a connection that closes before its REGISTER is in the store leaves no binding active (RFC 5626 6)") {
  World world(World::open_settings(), 1, 10ms);
  Watch watch;
  world.registrar(alice).observe(watch);
  const auto ask = [&](const Hop& from, const Ask& request) {
    auto message = sip::Message::parse(share(world.text_of(request)));
    world.node().shard(0).on_message(from, *message);
  };
  const auto is_online = [&] { return !world.registrar(alice).targets(alice, world.clock.now()).empty(); };
  SUBCASE("while the store writes") {
    ask(tls(1), {.lines = {phone}});
    world.node().on_flow_closed(1);
    world.wait(1s);
    CHECK(watch.seen == std::vector<std::string>{"registered sip:alice@192.0.2.9:5070 1",
                                                 "deactivated sip:alice@192.0.2.9:5070 0"});
  }
  SUBCASE("while it waits for its turn") {
    ask(udp(5070), {.call_id = "call-2", .lines = {desk}});
    ask(tls(1), {.lines = {phone}});
    world.node().on_flow_closed(1);
    world.wait(1s);
    REQUIRE(world.registrar(alice).bindings(alice).size() == 1);
    CHECK(world.registrar(alice).bindings(alice)[0].contact() == "sip:alice@192.0.2.8:5070");
    return;
  }
  SUBCASE("before it got here: it was on its way between two shards") {
    world.node().on_flow_closed(1);
    world.run();
    ask(tls(1), {.lines = {phone}});
    world.wait(1s);
  }
  SUBCASE("when it refreshes a binding") {
    ask(tls(2), {.lines = {phone}});
    world.wait(1s);
    ask(tls(1), {.cseq = 2, .lines = {phone}});
    world.node().on_flow_closed(1);
    world.wait(1s);
  }
  CHECK_FALSE(is_online());
  CHECK(world.registrar(alice).size() == 0);
  CHECK(world.memory.records.empty());
}

TEST_CASE(
    "a full disk: a device that disconnected is offline at once, also when space returns (DESIGN 1.4)") {
  World world(World::open_settings(), 1, 1ms);
  Watch watch;
  world.registrar(alice).observe(watch);
  Client client(world, tls(1));
  world.receive(tls(1), world.text_of({.lines = {phone}}));
  world.wait(1s);
  REQUIRE(world.memory.records.size() == 1);
  world.memory.broken = store::Errc::io;
  world.node().on_flow_closed(1);
  world.run();
  CHECK(watch.seen.back() == "deactivated sip:alice@192.0.2.9:5070 0");
  world.wait(300s);
  CHECK(world.memory.records.size() == 1);
  world.memory.broken = {};
  SUBCASE("space returns") {
    world.wait(store::Sequence::retry_max);
    CHECK(world.memory.records.empty());
  }
  SUBCASE("the device comes back first") {
    world.wire.sent.clear();
    world.receive(tls(2), world.text_of({.call_id = "call-2", .lines = {phone}}));
    world.wait(1s);
    CHECK(world.take().message.status() == 200);
    CHECK(world.memory.records.size() == 1);
    CHECK(world.registrar(alice).targets(alice, world.clock.now()).size() == 1);
  }
}

TEST_CASE("a full disk: an expiry is true at once and tried again with pauses") {
  World world(World::open_settings(), 1, 1ms);
  world.receive(udp(5070), world.text_of({.lines = {phone, "Expires: 60"}}));
  world.wait(1s);
  world.memory.broken = store::Errc::io;
  world.wait(120s);
  CHECK(world.registrar(alice).size() == 0);
  CHECK(world.node().shard(0).directory().counters().failed <= 8);
  world.memory.broken = {};
  world.wait(store::Sequence::retry_max);
  CHECK(world.memory.records.empty());
  CHECK(world.node().shard(0).directory().size() == 0);
}

TEST_CASE("the eleventh binding makes the oldest of the same device, then the oldest, give way (DESIGN 7)") {
  World world(World::open_settings());
  const auto contact = [](int i) {
    return "Contact: <sip:alice@192.0.2.9:" + std::to_string(6000 + i) + '>';
  };
  Client client(world, udp(5070));
  const std::string device = ";+sip.instance=\"<urn:uuid:1>\";reg-id=";
  for (int i = 0; i < 10; ++i) {
    client.send({i < 5 ? contact(i) : contact(i) + device + std::to_string(i)});
    world.wait(1s);
  }
  const auto has = [&](int i) {
    const auto& all = world.registrar(alice).bindings(alice);
    return std::ranges::any_of(
        all, [&](const Binding& b) { return b.contact().ends_with(std::to_string(6000 + i)); });
  };
  SUBCASE("of the same device") {
    client.send({contact(10) + device + "10"});
    CHECK_FALSE(has(5));
    CHECK(has(0));
  }
  SUBCASE("of all") {
    client.send({contact(10)});
    CHECK_FALSE(has(0));
    CHECK(has(1));
  }
  CHECK(has(10));
  CHECK(world.registrar(alice).bindings(alice).size() == 10);
}

TEST_CASE("more contacts in one request than a user may have are refused with a Warning") {
  World world(World::open_settings());
  std::vector<std::string> lines;
  for (int i = 0; i < 11; ++i)
    lines.push_back("Contact: <sip:alice@192.0.2.9:" + std::to_string(6000 + i) + '>');
  const auto answer = Client(world, udp(5070)).send(lines);
  CHECK(answer.status() == 403);
  CHECK(answer.has(HeaderId::warning));
}

TEST_CASE("a domain that is not served has no registrar here (RFC 3261 10.3 step 1)") {
  World world(World::open_settings());
  CHECK(world.ask(udp(5070), {.from = "sip:alice@example.net"}).status() == 404);
}

TEST_CASE("Path comes back in the answer and stays with the binding (RFC 3327 5.3)") {
  World world(World::open_settings());
  const auto answer =
      Client(world, udp(5070)).send({phone, "Path: <sip:p1.example.org;lr>", "Supported: path"});
  CHECK(answer.header(HeaderId::path) == "<sip:p1.example.org;lr>");
  CHECK(world.registrar(alice).bindings(alice)[0].path() == "<sip:p1.example.org;lr>");
}

TEST_CASE("a device behind another proxy is told to send its requests through us (RFC 3608 6.3)") {
  World world(World::open_settings());
  Client client(world, udp(5070));
  const std::string path = "Path: <sip:p1.example.org;lr>";
  CHECK(client.send({phone, path}).header(HeaderId::service_route) == "<sip:example.org;lr>");
  CHECK(client.send({path}).header(HeaderId::service_route) == "<sip:example.org;lr>");
  CHECK_FALSE(client.send({phone}).has(HeaderId::service_route));
}

TEST_CASE(
    "Path is taken from a device that does not say it knows it; Require: path is served (RFC 3327 5.3)") {
  for (const char* line : {"X-None: 1", "Require: path"}) {
    CAPTURE(line);
    World world(World::open_settings());
    CHECK(Client(world, udp(5070)).send({phone, "Path: <sip:p1.example.org;lr>", line}).status() == 200);
    CHECK(world.registrar(alice).bindings(alice)[0].path() == "<sip:p1.example.org;lr>");
  }
}

TEST_CASE("another user registers devices only if the administrator says so (RFC 3261 10.3 step 4)") {
  Settings settings = World::default_settings();
  settings.registration_managers = {bob};
  World world(settings);
  for (const char* user : {"alice@example.org", "bob@example.org", "carol@example.org"}) world.add_user(user);
  const Ask request{.from = bob, .to = alice, .lines = {phone}};
  SUBCASE("named") {
    CHECK(world.ask_as(udp(5070), request, "bob").status() == 200);
    CHECK(world.registrar(alice).bindings(alice).size() == 1);
    CHECK(world.registrar(bob).bindings(bob).empty());
  }
  SUBCASE("not named") {
    CHECK(world.ask_as(udp(5070), request, "carol").status() == 403);
    CHECK(world.registrar(alice).size() == 0);
  }
  SUBCASE("named, but for anything else than REGISTER users speak for themselves") {
    const Ask hello{.method = "MESSAGE", .uri = carol, .from = alice, .to = carol};
    CHECK(world.ask_as(udp(5070), hello, "bob").status() == 403);
  }
}

TEST_CASE(
    "a user who does not exist or is disabled is not registered by another, either (RFC 3261 10.3 step 5)") {
  Settings settings = World::default_settings();
  settings.registration_managers = {bob};
  World world(settings);
  for (const char* user : {"alice@example.org", "bob@example.org"}) world.add_user(user);
  world.memory.users.at(alice).enabled = false;
  CHECK(world.ask_as(udp(5070), {.from = bob, .to = carol, .lines = {phone}}, "bob").status() == 404);
  CHECK(world.registrar(carol).bindings(carol).empty());
  CHECK(world.ask_as(udp(5070), {.from = bob, .to = alice, .call_id = "call-2", .lines = {phone}}, "bob")
            .status() == 403);
  CHECK(world.registrar(alice).bindings(alice).empty());
}

TEST_CASE(
    "REGISTERs that are under way while their user is removed leave no device: what waits for the store is "
    "answered 404 (RFC 3261 10.3 step 4)") {
  World world(World::open_settings(), 1, 300ms);
  Shard& shard = world.node().shard(0);
  world.bring(udp(5070), world.text_of({.call_id = "call-1", .lines = {phone}}));
  world.bring(udp(5070), world.text_of({.call_id = "call-2", .lines = {desk}}));  // waits for the first
  CHECK(world.wire.is_silent());
  shard.on_user_gone(alice, true);
  const Sent refused = world.take();
  CHECK(refused.message.call_id() == "call-2");
  CHECK(refused.message.status() == 404);
  world.wait(900ms);
  CHECK(world.take().message.status() == 200);  // the store was writing it
  CHECK(world.registrar(alice).bindings(alice).size() == 1);
  SUBCASE("they end when they have come") {
    world.wait(1s);
    CHECK(world.registrar(alice).bindings(alice).empty());
    CHECK(world.memory.records.empty());
    CHECK_FALSE(shard.has_ended(alice));
    world.wait(40s);
    CHECK(shard.has_ended(alice));
  }
  SUBCASE("the end is not over before the store has it") {
    world.memory.broken = store::Errc::io;
    world.wait(60s);
    CHECK(world.registrar(alice).bindings(alice).empty());
    CHECK_FALSE(shard.has_ended(alice));
    world.memory.broken = {};
    world.wait(2min);
    CHECK(shard.has_ended(alice));
    CHECK(world.memory.records.empty());
  }
  SUBCASE("but those of a user who is back stay") {
    world.add_user("alice@example.org");
    world.wait(2min);
    CHECK(world.registrar(alice).bindings(alice).size() == 1);
    CHECK(shard.has_ended(alice));
  }
}

TEST_CASE("after a restart a UDP binding is as before, and one on a flow waits for its device (DESIGN 1.4)") {
  World world(World::open_settings(), 2);
  Client over_udp(world, udp(5070));
  over_udp.send({desk, "Expires: 600"});
  Client over_tls(world, tls(1));
  over_tls.call_id = "call-2";
  const std::string device = phone + ";+sip.instance=\"<urn:uuid:1>\";reg-id=1";
  over_tls.send({device});
  world.wait(100s);
  world.restart(1);
  auto& registrar = world.registrar(alice);
  REQUIRE(registrar.bindings(alice).size() == 2);
  const auto reachable = registrar.targets(alice, world.clock.now());
  REQUIRE(reachable.size() == 1);
  CHECK(reachable[0].contact() == "sip:alice@192.0.2.8:5070");
  CHECK(reachable[0].expires == world.clock.now().mono + 500s);

  SUBCASE("a query lists the one that waits, as long as its user counts as online (RFC 3261 10.3 step 8)") {
    Client back(world, tls(7));
    back.call_id = "call-3";
    const auto listed = contacts(back.send({}));
    REQUIRE(listed.size() == 2);
    CHECK(std::ranges::any_of(listed, [](const std::string& contact) {
      return contact.starts_with("<sip:alice@192.0.2.9:5070>") && contact.ends_with(";expires=3500");
    }));
    world.wait(100s);
    CHECK(contacts(back.send({})).size() == 1);
  }
  SUBCASE("the device comes back within the grace time") {
    Client back(world, tls(7));
    back.call_id = "call-3";
    CHECK(back.send({device}).status() == 200);
    world.wait(100s);
    CHECK(registrar.targets(alice, world.clock.now()).size() == 2);
  }
  SUBCASE("the device does not come back: offline when the grace time is over, and not before") {
    Watch watch;
    registrar.observe(watch);
    world.wait(89s);
    CHECK(registrar.bindings(alice).size() == 2);
    world.wait(2s);
    CHECK(registrar.bindings(alice).size() == 1);
    CHECK(watch.seen == std::vector<std::string>{"deactivated sip:alice@192.0.2.9:5070 1"});
  }
}

TEST_CASE(
    "a wall clock that moved over a restart neither prolongs a binding nor ends it at once (DESIGN 7)") {
  struct Row {
    const char* name;
    const char* boot;
    std::chrono::seconds jump;
    Duration left;
  };
  const Row rows[] = {
      {"set back twenty years", "boot 1", -std::chrono::years(20), 500s},
      {"forward twenty years", "boot 1", std::chrono::years(20), 500s},
      {"another boot, set back twenty years", "boot 2", -std::chrono::years(20), 600s},
      {"another boot, set back a minute", "boot 2", -60s, 560s},
      {"another boot, forward a minute", "boot 2", 60s, 440s},
      {"another boot, forward twenty years: a grace to refresh in", "boot 2", std::chrono::years(20), 90s},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    World world(World::open_settings());
    Client(world, udp(5070)).send({desk, "Expires: 600"});
    world.wait(100s);
    world.clock.at.wall += row.jump;
    world.boot = row.boot;
    world.restart(1);
    REQUIRE(world.registrar(alice).bindings(alice).size() == 1);
    CHECK(world.registrar(alice).bindings(alice)[0].expires == world.clock.now().mono + row.left);
    world.wait(row.left + 1s);
    CHECK(world.registrar(alice).size() == 0);
  }
}

TEST_CASE("a stored binding that cannot be read is skipped and kept; the others come back") {
  World world(World::open_settings());
  Client(world, udp(5070)).send({desk});
  world.memory.records[{alice, store::Kind::binding, "broken"}] = "{\"contact\":\"sip:alice@192.0.2.9\"}";
  world.restart(1);
  CHECK(world.registrar(alice).bindings(alice).size() == 1);
  CHECK(world.memory.records.size() == 2);
}

TEST_CASE("bindings that another node changed are taken over before a REGISTER is applied") {
  World world(World::open_settings());
  world.memory.is_shared = true;
  Client client(world, udp(5070));
  client.send({phone});
  store::MemoryStore elsewhere(world.memory, world.timers, world.clock);
  store::Batch batch{.aor = alice, .expected = world.memory.versions.at(alice)};
  registrar::Binding far({.contact = "sip:alice@192.0.2.77"});
  far.granted = 600;
  far.registered = world.clock.now().mono;
  far.expires = world.clock.now().mono + 600s;
  far.set_received(udp(5099));
  batch.put(store::Kind::binding, "sip:alice@192.0.2.77", [&] { return print(far, world.memory.scale); });
  elsewhere.commit(std::move(batch), [](auto) {});
  world.run();
  CHECK(contacts(client.send({desk})).size() == 3);
}

TEST_CASE("an answer given just before a crash is given again to the retransmission") {
  World world(World::open_settings());
  const Ask request{.lines = {phone}, .branch = "z9hG4bKsame"};
  const std::string text = world.text_of(request);
  world.receive(udp(5070), text);
  const auto before = world.take().message;
  world.restart(1);
  world.receive(udp(5070), text);
  const auto again = world.take().message;
  CHECK(again.text() == before.text());
  CHECK(world.registrar(alice).bindings(alice).size() == 1);
}

TEST_CASE("a domain may be an IPv6 address: its users prove who they are and register") {
  Settings settings = World::default_settings();
  settings.domains = {"::1"};
  World world(settings);
  world.add_user("alice@[::1]");
  const Ask request{.uri = "sip:[::1]", .from = "sip:alice@[::1]", .lines = {phone}};
  for (const char* name : {"alice", "alice@[::1]"}) {
    CAPTURE(name);
    Ask again = request;
    again.call_id = name;
    CHECK(world.ask_as(udp(5070), again, name).status() == 200);
  }
}
