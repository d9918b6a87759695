#include "server/proxy/ringing.hpp"

#include "tests/server/proxy/town.hpp"

using namespace beckon;
using namespace beckon::server;
using namespace beckon::server::test;
using proxy::Ringing;
using sip::HeaderId;

namespace {

/// Two calls ring for one user, from one, from one address and from one domain.
Settings two_of_each() {
  Settings settings = World::default_settings();
  settings.authentication = Authentication::none;
  settings.ringing = {.per_user = 2, .per_address = 2, .per_domain = 2};
  return settings;
}

/// One that has come in.
Request from(const std::string& caller, const Hop& hop) { return {.from = hop, .identity = {.aor = caller}}; }

Hop at(const std::string& address) {
  Hop hop = udp(5070);
  hop.remote = *parse_address(address);
  return hop;
}

}  // namespace

TEST_CASE("calls that ring are counted for their callee, caller, source and domain") {
  SeededRandom random(1);
  Ringing ringing(random);
  const Settings settings = two_of_each();
  Hop far = at("198.51.100.1:5061");
  far.name = "example.net";
  struct Row {
    std::string name;
    std::vector<Request> calls;  ///< The last one is past the bound.
    std::vector<std::string> callees;
    std::optional<Ringing::Side> full;
  };
  const std::string other = "sip:other@example.org";
  const Row rows[] = {
      {"for one user",
       {from(alice, at("192.0.2.1:1")), from(carol, at("192.0.2.2:1")), from(other, at("192.0.2.3:1"))},
       {bob, bob, bob},
       Ringing::Side::callee},
      {"from one user",
       {from(alice, at("192.0.2.1:1")), from(alice, at("192.0.2.2:1")), from(alice, at("192.0.2.3:1"))},
       {bob, carol, other},
       Ringing::Side::caller},
      {"from one address",
       {from(alice, at("192.0.2.1:1")), from(bob, at("192.0.2.1:2")), from(carol, at("192.0.2.1:3"))},
       {bob, carol, alice},
       Ringing::Side::source},
      {"from one /64",
       {from(alice, at("[2001:db8::1]:1")), from(bob, at("[2001:db8::2]:1")),
        from(carol, at("[2001:db8::3]:1"))},
       {bob, carol, alice},
       Ringing::Side::source},
      {"from one domain",
       {from("sip:a@example.net", far), from("sip:b@example.net", far), from("sip:c@example.net", far)},
       {alice, bob, carol},
       Ringing::Side::domain},
      {"from this host, which is trusted",
       {from(alice, at("127.0.0.1:1")), from(bob, at("127.0.0.1:2")), from(carol, at("127.0.0.1:3"))},
       {bob, carol, alice},
       std::nullopt},
      {"to other domains",
       {from(alice, at("192.0.2.1:1")), from(bob, at("192.0.2.2:1")), from(carol, at("192.0.2.3:1"))},
       {"", "", ""},
       std::nullopt},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    std::vector<Ringing::Places> places(3);
    for (std::size_t i = 0; i < 2; ++i)
      CHECK_FALSE(ringing.take(row.calls[i], row.callees[i], settings, places[i]));
    CHECK(ringing.take(row.calls[2], row.callees[2], settings, places[2]) == row.full);
    CHECK(places[2].empty() == row.full.has_value());
    if (row.full) {  // one of them is answered
      ringing.give_back(places[0]);
      ringing.give_back(places[0]);
      CHECK_FALSE(ringing.take(row.calls[2], row.callees[2], settings, places[2]));
    }
    for (auto& each : places) ringing.give_back(each);
    CHECK(ringing.size() == 0);
  }
}

TEST_CASE("a user for whom too many calls ring is busy until one of them is over (RFC 3261 21.4.24)") {
  Town town(1, two_of_each());
  town.enter_bob();
  unsigned calls = 0;
  const auto call = [&] {
    Ask ask = invite;
    const std::string number = std::to_string(++calls);
    ask.from = "sip:caller" + number + "@example.org";
    ask.call_id = ask.branch = "z9hG4bK" + number;
    town.receive(at("192.0.2." + std::to_string(100 + calls) + ":5060"), town.text_of(ask));
    return town.take();
  };
  const auto first = call();
  CHECK(first.message.is_request());
  const auto second = call();
  CHECK(second.message.is_request());
  const auto refused = call().message;
  CHECK(refused.status() == 486);
  CHECK(refused.has(HeaderId::retry_after));
  SUBCASE("it is refused") {
    town.answer(first, 603);
    town.wire.sent.clear();
  }
  SUBCASE("it is answered: talks are not counted") {
    town.accept(first);
    town.wire.sent.clear();
  }
  SUBCASE("its caller hangs up") {
    town.answer(first, 180);
    Ask cancel{.method = "CANCEL", .uri = bob, .from = "sip:caller1@example.org", .to = bob};
    cancel.call_id = cancel.branch = "z9hG4bK1";
    town.receive(at("192.0.2.101:5060"), town.text_of(cancel));
    town.answer(first, 487);
    town.wire.sent.clear();
  }
  CHECK(call().message.is_request());
  CHECK(call().message.status() == 486);
}

TEST_CASE("too many calls of a user are 480, those of an address 503; both say when to try again") {
  for (const bool by_user : {true, false}) {
    CAPTURE(by_user);
    Town town(1, two_of_each());
    town.enter_bob();
    town.enter(carol, udp(5090), "sip:carol@192.0.2.9:5090");
    int status = 0;
    for (const int number : {1, 2, 3}) {
      Ask ask = invite;
      ask.uri = ask.to = number == 1 ? bob : carol;
      ask.call_id = std::to_string(number);
      if (!by_user) ask.from = "sip:caller" + ask.call_id + "@example.org";
      const auto source = at(by_user ? "192.0.2.10" + ask.call_id + ":5060" : "192.0.2.100:5060");
      town.receive(source, town.text_of(ask));
      const auto got = town.take().message;
      if (got.is_response()) {
        status = got.status();
        CHECK(got.has(HeaderId::retry_after));
        CHECK(number == 3);
      }
    }
    CHECK(status == (by_user ? 480 : 503));
  }
}
