#include <doctest/doctest.h>

#include "world.hpp"

using namespace world;

namespace {

constexpr Attempt small{0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
constexpr Attempt large{0x80, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00};

/// Alice and bob publish, and each permits and trusts the other.
struct Mutual : Couple {
  explicit Mutual(ds1::Mode mode = ds1::Mode::automatic) {
    alice.publish(mode);
    bob.publish(mode);
    alice.endpoint->set_permit(bob.aor, ds1::Mode::automatic, network.now);
    bob.endpoint->set_permit(alice.aor, ds1::Mode::automatic, network.now);
  }
  CallId call(Agent& from, Agent& to, const Attempt& attempt, ds1::Mode mode = ds1::Mode::automatic) {
    Offer offer = to.offer_to(from, mode);
    offer.attempt = attempt;
    return from.endpoint->call(offer, network.now).value();
  }
  void run(Duration time) { network.run(network.elapsed() + time); }
};

/// One session is active, at both ends.
void check_one_call(const Agent& survivor, CallId dialled, const Agent& loser, CallId lost) {
  REQUIRE(survivor.events_of<Active>().size() == 1);
  REQUIRE(loser.events_of<Active>().size() == 1);
  CHECK(survivor.last<Active>().call == dialled);
  CHECK(survivor.events_of<Incoming>().empty());
  CHECK(survivor.events_of<Ended>().empty());
  REQUIRE(loser.events_of<Incoming>().size() == 1);
  const auto incoming = loser.last<Incoming>();
  CHECK(incoming.instead_of == lost);
  CHECK(incoming.mode == ds1::Mode::automatic);
  CHECK(loser.last<Active>().call == incoming.call);
  REQUIRE(loser.events_of<Ended>().size() == 1);
  CHECK(loser.last<Ended>().call == lost);
  CHECK(loser.last<Ended>().reason == Reason::glare_lost);
  CHECK(loser.events_of<FallbackWanted>().empty());
}

}  // namespace

TEST_CASE(
    "of two users who call each other the attempt with the smaller CALL becomes the one session "
    "(DIRECT_SESSIONS 9)") {
  struct Row {
    const char* text;
    bool alice_is_smaller;
    Duration between;
    ds1::Mode mode;
  };
  for (const Row& row : {Row{"at once, hers", true, 0ms, ds1::Mode::automatic},
                         Row{"at once, his", false, 0ms, ds1::Mode::automatic},
                         Row{"his HELLO is on its way, hers survives", true, 30ms, ds1::Mode::automatic},
                         Row{"his HELLO is on its way, and survives", false, 30ms, ds1::Mode::automatic},
                         Row{"both would ring, hers", true, 0ms, ds1::Mode::ask},
                         Row{"both would ring, his", false, 30ms, ds1::Mode::ask}}) {
    CAPTURE(row.text);
    Mutual pair(row.mode);
    const CallId his = pair.call(pair.bob, pair.alice, row.alice_is_smaller ? large : small, row.mode);
    pair.run(row.between);
    const CallId hers = pair.call(pair.alice, pair.bob, row.alice_is_smaller ? small : large, row.mode);
    pair.run(3s);
    if (row.alice_is_smaller) {
      check_one_call(pair.alice, hers, pair.bob, his);
    } else {
      check_one_call(pair.bob, his, pair.alice, hers);
    }
  }
}

TEST_CASE("one whose call is refused for the other's waits for the other's HELLO (DIRECT_SESSIONS 9)") {
  Mutual pair;
  int left = 4;  // copies of her HELLO that are lost; his is refused meanwhile
  pair.network.lose = [&](const Flight& flight) {
    return is_hello(flight) && flight.from == pair.alice.address && left-- > 0;
  };
  const CallId hers = pair.call(pair.alice, pair.bob, small);
  const CallId his = pair.call(pair.bob, pair.alice, large);
  pair.run(3s);
  CHECK(left < 0);
  check_one_call(pair.alice, hers, pair.bob, his);
}

TEST_CASE("a call that is refused as the other's goes on, which then fails, wants the INVITE after 2 s") {
  Mutual pair;
  pair.network.lose = [&](const Flight& flight) {
    return is_hello(flight) && flight.from == pair.alice.address;  // none of her HELLOs comes through
  };
  pair.call(pair.alice, pair.bob, small);
  const CallId his = pair.call(pair.bob, pair.alice, large);
  pair.run(4s);
  CHECK(pair.bob.events_of<Active>().empty());
  CHECK(pair.bob.last<Ended>().call == his);
  CHECK(pair.bob.last<Ended>().reason == Reason::glare_lost);
  const auto wanted = pair.bob.last<FallbackWanted>();
  CHECK(wanted.why == FallbackWanted::Why::refused);
  CHECK(wanted.reason == Reason::glare_lost);
}

TEST_CASE("whatever a bad network does, two who call each other have one session: 200 histories") {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    CAPTURE(seed);
    SeededRandom random(seed);
    Mutual pair(random.below(2) == 0 ? ds1::Mode::automatic : ds1::Mode::ask);
    pair.network.lose = [&](const Flight&) { return random.unit() < 0.2; };
    Attempt hers{}, his{};
    random.fill(hers);
    random.fill(his);
    pair.call(pair.bob, pair.alice, his);
    pair.run(Duration(static_cast<Duration::rep>(random.below(49'000))));  // before his HELLO comes
    pair.call(pair.alice, pair.bob, hers);
    pair.run(4s);
    for (const Agent* const agent : {&pair.alice, &pair.bob}) {
      CAPTURE(agent->aor);
      REQUIRE(agent->events_of<Active>().size() == 1);
      const CallId active = agent->last<Active>().call;
      for (const auto& [ended, when] : agent->events_of<Ended>()) {
        CHECK(ended.call != active);
        CHECK(ended.reason == Reason::glare_lost);
      }
    }
  }
}

TEST_CASE("two attempts with the same CALL both end as busy (DIRECT_SESSIONS 9)") {
  Mutual pair;
  pair.call(pair.alice, pair.bob, small);
  pair.call(pair.bob, pair.alice, small);
  pair.run(3s);
  for (const Agent* const agent : {&pair.alice, &pair.bob}) {
    CHECK(agent->events_of<Active>().empty());
    CHECK(agent->events_of<Incoming>().empty());
    REQUIRE(agent->events_of<Ended>().size() == 1);
    CHECK(agent->last<Ended>().reason == Reason::busy);
  }
}

TEST_CASE("a peer whose key is not verified rings, though its user is being called (DIRECT_SESSIONS 9)") {
  Mutual pair;
  pair.alice.verified.clear();
  pair.call(pair.alice, pair.bob, large);
  pair.call(pair.bob, pair.alice, small);
  pair.run(500ms);
  const auto incoming = pair.alice.last<Incoming>();
  CHECK(incoming.mode == ds1::Mode::ask);
  CHECK_FALSE(incoming.verified);
  CHECK(incoming.instead_of == 0);
  CHECK(pair.alice.last<Ended>().reason == Reason::glare_lost);
  REQUIRE(pair.alice.endpoint->accept(incoming.call, pair.network.now).has_value());
  pair.run(500ms);
  CHECK(pair.alice.last<Active>().call == incoming.call);
  CHECK(pair.bob.events_of<Active>().size() == 1);
}

TEST_CASE("the HELLO of a device that was not called survives, whatever its CALL (DIRECT_SESSIONS 9)") {
  Mutual pair;
  Agent phone(pair.network, pair.bob.aor, "192.0.2.30:40004", 3);
  phone.publish();
  phone.endpoint->set_permit(pair.alice.aor, ds1::Mode::automatic, pair.network.now);
  phone.trust(pair.alice);
  pair.alice.trust(phone);
  const CallId hers = pair.call(pair.alice, pair.bob, small, ds1::Mode::ask);
  const CallId his = pair.call(phone, pair.alice, large);
  pair.run(3s);
  check_one_call(phone, his, pair.alice, hers);
  CHECK(pair.bob.events_of<Active>().empty());
}

TEST_CASE("who calls back while the other's call rings answers it") {
  for (const bool is_smaller : {true, false}) {
    CAPTURE(is_smaller);
    Mutual pair(ds1::Mode::ask);
    pair.call(pair.bob, pair.alice, is_smaller ? large : small, ds1::Mode::ask);
    pair.run(1s);
    REQUIRE(pair.alice.last<Incoming>().mode == ds1::Mode::ask);
    pair.call(pair.alice, pair.bob, is_smaller ? small : large, ds1::Mode::ask);
    pair.run(3s);
    for (const Agent* const agent : {&pair.alice, &pair.bob}) {
      CHECK(agent->events_of<Active>().size() == 1);
      for (const auto& [ended, when] : agent->events_of<Ended>()) CHECK(ended.reason == Reason::glare_lost);
    }
  }
}

TEST_CASE("a robot answers as many sessions at a time as it was told, and refuses the next as busy") {
  Mutual pair;
  auto policy = pair.alice.policy;
  policy.automatic_sessions = 2;
  pair.alice.endpoint->set_policy(policy);
  std::vector<std::unique_ptr<Agent>> callers;
  for (int number = 0; number < 3; ++number) {
    const auto host = "192.0.2." + std::to_string(100 + number) + ":40000";
    callers.push_back(std::make_unique<Agent>(
        pair.network, "sip:caller" + std::to_string(number) + "@example.org", host, 10 + number));
    Agent& caller = *callers.back();
    pair.alice.endpoint->set_permit(caller.aor, ds1::Mode::automatic, pair.network.now);
    pair.alice.trust(caller);
    caller.trust(pair.alice);
    REQUIRE(caller.endpoint->call(pair.alice.offer_to(caller), pair.network.now).has_value());
    pair.run(300ms);
  }
  CHECK(callers[0]->events_of<Active>().size() == 1);
  CHECK(callers[1]->events_of<Active>().size() == 1);
  CHECK(callers[2]->last<Ended>().reason == Reason::busy);
}
