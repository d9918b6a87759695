#include "tests/server/groups/hall.hpp"

/// Members of rooms who are users of other domains.
using namespace beckon;
using namespace beckon::server;
using namespace beckon::server::test;
using sip::HeaderId;

namespace {

namespace dns = locate::test;

const std::string dora = "sip:dora@example.net";
/// dora's server where requests find it, and at the other end of a connection that it made.
const Address far_server = *parse_address("198.51.100.1:5061");
const Hop far_flow{Protocol::tls, *parse_address("198.51.100.1:40000"), *parse_address("192.0.2.1:5061"), 7};

Settings federated() {
  Settings settings = World::default_settings();
  settings.foreign = ForeignPolicy::forward;
  settings.federation.domains = {"example.net"};
  return settings;
}

/// A hall of example.org, which federates with example.net.
struct Embassy : Hall {
  explicit Embassy(unsigned shards = 1, Settings settings = federated()) : Hall(shards, std::move(settings)) {
    zone.set("_sips._tcp.example.net", locate::Type::srv,
             dns::services({{1, 0, 5061, "a.example.net"}}, 3600s));
    zone.set("a.example.net", locate::Type::a, dns::addresses({"198.51.100.1"}, 3600s));
    connect();
  }
  /// dora's server makes its connection.
  void connect() { node().shard(0).on_peer_verified(far_flow.flow, {"example.net"}); }
  /// Of alice, with bob and dora in it.
  void make_embassy() {
    make_lunch();
    REQUIRE(put(alice, "&member=" + dora) == 200);
  }
  /// What dora's server gets next.
  Sent at_dora() {
    wait(5ms);
    Sent sent = next();
    CHECK(sent.to.remote == far_server);
    CHECK(sent.to.protocol == Protocol::tls);
    CHECK(sent.to.name == "example.net");
    CHECK(sent.message.request_uri_text() == dora);
    return sent;
  }
  static std::string text_in(const Sent& sent) {
    const auto cpim = documents::parse_cpim(sent.message.body());
    return cpim ? cpim->content : std::string(sent.message.body());
  }
  int say_from_far(const std::string& from, const std::string& body) {
    receive(far_flow, text_of(message(from, body)));
    const Sent answer = take();
    CHECK(answer.to.flow == far_flow.flow);
    return answer.message.status();
  }
  bool is_quiet() {
    wait(5ms);
    return wire.is_silent();
  }
  std::size_t waiting() const {
    std::size_t count = 0;
    for (const auto& [key, value] : memory.records)
      count += std::get<1>(key) == store::Kind::message ? 1U : 0U;
    return count;
  }
};

}  // namespace

TEST_CASE("a user of another domain is a member: messages go to its server, and come from there with proof") {
  for (const unsigned shards : {1U, 2U}) {
    CAPTURE(shards);
    Embassy hall(shards);
    hall.make_embassy();
    CHECK(hall.show(alice).find(dora) != std::string::npos);
    hall.enter_phone(alice);
    CHECK(hall.say(alice, "Welcome") == 202);
    const Sent got = hall.at_dora();
    CHECK(got.message.header(HeaderId::from).starts_with('<' + lunch + '>'));
    const auto words = documents::parse_cpim(got.message.body());
    REQUIRE(words.has_value());
    CHECK(words->from.uri == alice);
    CHECK(words->content == "Welcome");
    hall.answer(got, 200);
    CHECK(hall.is_quiet());
    CHECK(hall.waiting() == 1);  // bob is away
    CHECK(hall.say_from_far(dora, "Thanks") == 202);
    hall.enter_phone(bob);
    CHECK(hall.heard() == Lines{"alice: Thanks (dora)", "bob: Thanks (dora)", "bob: Welcome (alice)"});
    CHECK(hall.say_from_far("sip:eve@example.net", "hi") == 403);
    CHECK(hall.del(alice, "&member=" + dora) == 200);
    CHECK(hall.say_from_far(dora, "Hello?") == 403);
    CHECK(hall.say(alice, "Gone") == 202);
    CHECK(hall.heard() == Lines{"bob: Gone (alice)"});
  }
}

TEST_CASE(
    "while the server of a member does not answer, or is in trouble, messages wait: in order, over a kill") {
  for (const int status : {480, 408, 500, 503}) {
    for (const bool restarts : {false, true}) {
      CAPTURE(status);
      CAPTURE(restarts);
      Embassy hall;
      hall.make_embassy();
      CHECK(hall.del(bob, "&member=" + bob) == 200);
      for (const char* text : {"1", "2"}) CHECK(hall.say(alice, text) == 202);
      const Sent first = hall.at_dora();
      CHECK(Embassy::text_in(first) == "1");
      hall.answer(first, status);
      CHECK(hall.is_quiet());
      hall.wait(34s);
      CHECK(hall.is_quiet());
      if (restarts) {
        hall.restart(2);
        hall.connect();
      } else {
        hall.wait(1s);
        hall.answer(hall.at_dora(), status);
        hall.wait(71s);
      }
      for (const char* text : {"1", "2"}) {
        const Sent again = hall.at_dora();
        CHECK(Embassy::text_in(again) == text);
        hall.answer(again, 202);  // it has stored it
      }
      CHECK(hall.is_quiet());
      CHECK(hall.waiting() == 0);
    }
  }
}

TEST_CASE(
    "a member whom its server does not know, or who refuses, leaves the room; one that may not be reached "
    "stays") {
  struct Row {
    int status;
    bool leaves;
  };
  for (const Row row : {Row{404, true}, Row{410, true}, Row{603, true}, Row{403, false}, Row{488, false}}) {
    CAPTURE(row.status);
    Embassy hall(2);
    hall.make_embassy();
    CHECK(hall.say(alice, "hi") == 202);
    hall.answer(hall.at_dora(), row.status);
    CHECK(hall.is_quiet());
    CHECK((hall.show(alice).find(dora) == std::string::npos) == row.leaves);
    CHECK(hall.waiting() == 1);  // bob's
  }
}

TEST_CASE("a server that answers 415 to message/cpim gets the text with its author's name") {
  Embassy hall;
  hall.make_embassy();
  CHECK(hall.say(alice, "hi") == 202);
  hall.answer(hall.at_dora(), 415);
  const Sent again = hall.at_dora();
  CHECK(again.message.body() == "alice@example.org: hi");
  hall.answer(again, 200);
  CHECK(hall.is_quiet());
}

TEST_CASE(
    "users of domains that may not be reached, or may not reach us, are no members; nobody there owns a "
    "room") {
  Embassy hall;
  hall.make_lunch();
  CHECK(hall.put(alice, "&member=sip:x@example.com") == 403);
  CHECK(hall.put(alice, "&member=" + dora + "&role=owner") == 403);
  CHECK(hall.put(alice, "&member=" + dora) == 200);
  CHECK(hall.put(alice, "&member=" + dora + "&role=owner") == 403);
  Settings settings = federated();
  settings.federation.domains = {"example.com"};
  hall.node().shard(0).set_settings(settings);
  hall.wait(1ms);
  CHECK(hall.show(alice).find(dora) == std::string::npos);
  CHECK(hall.put(alice, "&member=" + dora) == 403);
  settings = federated();
  settings.foreign = ForeignPolicy::refuse;
  Embassy closed(1, settings);
  closed.make_lunch();
  CHECK(closed.put(alice, "&member=" + dora) == 403);
}

TEST_CASE("a room ends when only members of other domains are left") {
  Embassy hall;
  hall.make_embassy();
  CHECK(hall.del(bob, "&member=" + bob) == 200);
  CHECK(hall.del(alice, "&member=" + alice) == 200);
  hall.wait(1ms);
  CHECK(hall.records() == 0);
  CHECK(hall.say_from_far(dora, "Anybody?") == 404);
}
