#include "media/direct/endpoint.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "protocol/stun/message.hpp"
#include "tests/media/direct/world.hpp"

using namespace world;

namespace {

constexpr Duration d = Network::delay;
Time at(Duration after_start) { return Network::start + after_start; }

std::size_t count(const Network& network, const std::function<bool(const Flight&)>& which) {
  return static_cast<std::size_t>(std::count_if(network.flown.begin(), network.flown.end(),
                                                [&](const auto& one) { return which(one.second); }));
}

}  // namespace

// bob                               alice
//  |==HELLO + SRTP phase 0============>|   d: alice hears bob
//  |<=response, ANSWER, SRTP phase 0===|   2d: bob hears alice
//  |==ACK, SRTP phase 1===============>|   3d: forward-secret keys
TEST_CASE("auto: the caller is heard after one one-way delay, the callee after two (DIRECT_SESSIONS 1)") {
  Couple pair;
  const CallId call = pair.dial();
  REQUIRE(pair.bob.say(call, "hello"));
  pair.network.run(d);
  REQUIRE(pair.alice.heard.size() == 1);
  CHECK(pair.alice.heard[0].payload == "hello");
  CHECK(pair.alice.heard[0].when == at(d));
  const auto incoming = pair.alice.last<Incoming>();
  CHECK(incoming.aor == "sip:bob@example.org");
  CHECK(incoming.verified);
  CHECK(incoming.mode == ds1::Mode::automatic);
  CHECK(incoming.media == std::vector<MediaLine>{{MediaKind::audio, Direction::sendrecv, 111, 48000}});
  REQUIRE(pair.alice.events_of<Answered>().size() == 1);
  REQUIRE(pair.alice.say(incoming.call, "hi bob"));

  pair.network.run(2 * d);
  REQUIRE(pair.bob.heard.size() == 1);
  CHECK(pair.bob.heard[0].payload == "hi bob");
  CHECK(pair.bob.heard[0].when == at(2 * d));
  CHECK(pair.bob.events_of<Answered>().size() == 1);
  CHECK(pair.bob.events_of<Active>().at(0).second == at(2 * d));

  pair.network.run(3 * d);
  CHECK(pair.alice.events_of<Active>().at(0).second == at(3 * d));
  CHECK(pair.bob.events_of<FallbackWanted>().empty());
}

TEST_CASE(
    "both sides go over to phase 1, sequence numbers and timestamps running on (DIRECT_SESSIONS 4, 7)") {
  Couple pair;
  const CallId call = pair.dial();
  for (int i = 0; i < 20; ++i) {
    pair.bob.say(call, "b" + std::to_string(i));
    if (const CallId back = pair.alices_call(); back != 0) pair.alice.say(back, "a" + std::to_string(i));
    pair.network.run(pair.network.elapsed() + 20ms);
  }
  pair.network.run(1s);
  REQUIRE(pair.alice.heard.size() == 20);
  for (std::size_t i = 1; i < 20; ++i) {
    CHECK(pair.alice.heard[i].payload == "b" + std::to_string(i));
    CHECK(pair.alice.heard[i].sequence == static_cast<std::uint16_t>(pair.alice.heard[0].sequence + i));
    CHECK(pair.alice.heard[i].timestamp == pair.alice.heard[0].timestamp + 960 * i);
  }
  CHECK(pair.bob.heard.size() >= 15);
  for (const auto& agent : {&pair.alice, &pair.bob}) {
    std::vector<int> phases;
    for (const auto& [when, flight] : pair.network.flown) {
      if (flight.from == agent->address && is_rtp(flight)) phases.push_back(phase_of(flight));
    }
    CHECK(phases.front() == 0);
    CHECK(phases.back() == 1);
    CHECK(std::is_sorted(phases.begin(), phases.end()));
  }
  const auto statistics = pair.alice.endpoint->statistics(pair.alices_call()).value();
  CHECK(statistics.packets_received == 20);
  CHECK(statistics.packets_lost == 0);
  CHECK(statistics.first_received == at(d));
  CHECK(pair.bob.endpoint->statistics(call)->packets_sent == 20);
  CHECK(pair.bob.endpoint->statistics(call)->first_sent == at(0ms));
}

TEST_CASE("a packet that is sent again is heard once") {
  Couple pair;
  const CallId call = pair.talk();
  pair.bob.say(call, "once");
  const auto copy = pair.network.flown.back().second;
  pair.network.deliver(copy, 60ms);
  pair.network.run(1s);
  CHECK(pair.alice.heard.size() == 1);
}

TEST_CASE("a lost first HELLO costs 20 ms, and the media that overtook it is held (DIRECT_SESSIONS 4, 5)") {
  Couple pair;
  int hellos = 0;
  pair.network.lose = [&](const Flight& flight) { return is_hello(flight) && hellos++ == 0; };
  const CallId call = pair.dial();
  pair.bob.say(call, "first");
  pair.network.run(d);
  CHECK(pair.alice.heard.empty());
  pair.network.run(d + 20ms);
  REQUIRE(pair.alice.heard.size() == 1);
  CHECK(pair.alice.heard[0].payload == "first");
  CHECK(pair.alice.heard[0].when == at(d + 20ms));
}

TEST_CASE("media held for a HELLO is dropped after 160 ms and after 32 packets (DIRECT_SESSIONS 4)") {
  Couple pair;
  int hellos = 0;
  const auto held = [&](int lost_hellos, int packets) {
    pair.network.lose = [&, lost_hellos](const Flight& flight) {
      return is_hello(flight) && hellos++ < lost_hellos;
    };
    const CallId call = pair.dial();
    for (int i = 0; i < packets; ++i) pair.bob.say(call, "");
    pair.network.run(1s);
    return pair.alice.heard.size();
  };
  SUBCASE("the fourth HELLO comes after 140 ms") { CHECK(held(3, 1) == 1); }
  SUBCASE("the fifth HELLO comes after 300 ms") { CHECK(held(4, 1) == 0); }
  SUBCASE("33 packets") { CHECK(held(1, 33) == 32); }
}

TEST_CASE("a lost ANSWER is repeated after 100 ms; media flows in phase 0 meanwhile (DIRECT_SESSIONS 7)") {
  Couple pair;
  int lost = 0;
  pair.network.lose = [&](const Flight& flight) {
    return is_rtcp(flight) && flight.from == pair.alice.address && lost++ == 0;
  };
  const CallId call = pair.dial();
  pair.network.run(d);
  pair.alice.say(pair.alices_call(), "meanwhile");
  pair.network.run(2 * d);
  CHECK(pair.bob.heard.size() == 1);
  CHECK(pair.bob.events_of<Active>().empty());
  CHECK(pair.bob.endpoint->may_send(call, MediaKind::audio));
  pair.network.run(2 * d + 100ms);
  CHECK(pair.bob.events_of<Active>().at(0).second == at(2 * d + 100ms));
  pair.network.run(3 * d + 100ms);
  CHECK(pair.alice.events_of<Active>().size() == 1);
}

TEST_CASE("an ANSWER is repeated until its ACK comes, and acknowledged each time") {
  Couple pair;
  pair.network.lose = [&](const Flight& flight) {
    return is_rtcp(flight) && flight.from == pair.bob.address && pair.network.elapsed() < 300ms;
  };
  pair.dial();
  pair.network.run(5s);
  CHECK(pair.alice.events_of<Active>().size() == 1);
  CHECK(pair.bob.events_of<Active>().size() == 1);
  CHECK(pair.alice.events_of<Ended>().empty());
}

TEST_CASE("a replayed HELLO makes no second session and moves no media (DIRECT_SESSIONS 6)") {
  Couple pair;
  const CallId call = pair.dial();
  const Flight hello = pair.network.flown.front().second;
  REQUIRE(is_hello(hello));
  pair.network.run(300ms);
  REQUIRE(pair.alice.events_of<Active>().size() == 1);
  const Address thief = parse_address("198.51.100.66:6666").value();
  pair.network.flown.clear();
  for (int i = 0; i < 100; ++i) pair.network.deliver({thief, pair.alice.address, hello.datagram}, 1ms * i);
  pair.network.run(600ms);
  CHECK(pair.alice.events_of<Incoming>().size() == 1);
  const auto to_thief = count(pair.network, [&](const Flight& flight) { return flight.to == thief; });
  CHECK(to_thief <= 10);
  pair.alice.say(pair.alices_call(), "for bob");
  CHECK(pair.network.flown.back().second.to == pair.bob.address);

  pair.bob.endpoint->hang_up(call, Reason::normal, pair.network.now);
  pair.network.run(20s);
  pair.network.flown.clear();
  pair.network.deliver({thief, pair.alice.address, hello.datagram}, 0ms);
  pair.network.run(21s);
  CHECK(pair.alice.events_of<Incoming>().size() == 1);
  CHECK(pair.network.flown.empty());
}

TEST_CASE("a HELLO with the enc of another but another MAC is dropped (DIRECT_SESSIONS 6)") {
  Couple pair;
  pair.dial();
  Flight changed = pair.network.flown.front().second;
  pair.network.run(300ms);
  pair.network.flown.clear();
  changed.datagram[changed.datagram.size() - 9] ^= 1;  // the MAC's last octet, with a right fingerprint
  const auto message = stun::parse_message(changed.datagram).value();
  const auto attribute = message.find(stun::attribute::direct_hello).value();
  changed.datagram = stun::Writer(stun::Class::request, stun::binding, message.transaction())
                         .add(attribute.type, attribute.value)
                         .add_fingerprint()
                         .bytes();
  pair.network.deliver(changed, 0ms);
  pair.network.run(310ms);
  CHECK(pair.network.flown.empty());
}

TEST_CASE(
    "nobody answers a tampered ticket, a blocked or unpermitted caller, or a HELLO for another device") {
  Couple pair;
  Offer offer = pair.alice.offer_to(pair.bob);
  SUBCASE("tampered ticket") { offer.grant.ticket[20] ^= 1; }
  SUBCASE("wrong psk") { offer.grant.psk[0] ^= 1; }
  SUBCASE("another device's key") { offer.device_key = pair.bob.device.pub; }
  SUBCASE("blocked") { pair.alice.endpoint->set_blocked(pair.bob.aor, true, pair.network.now); }
  SUBCASE("permit turned off") {
    pair.alice.endpoint->set_permit(pair.bob.aor, ds1::Mode::off, pair.network.now);
  }
  REQUIRE(pair.bob.endpoint->call(offer, pair.network.now).has_value());
  pair.network.run(5s);
  CHECK(pair.alice.events.empty());
  CHECK(pair.alice.octets_sent == 0);
  // To the caller it looks like a dead host.
  REQUIRE(pair.bob.events_of<FallbackWanted>().size() == 1);
  CHECK(pair.bob.last<FallbackWanted>().why == FallbackWanted::Why::slow);
  CHECK(pair.bob.events_of<FallbackWanted>()[0].second == at(400ms));
  CHECK(pair.bob.events_of<Ended>().at(0).second == at(2s));
  CHECK(count(pair.network, is_hello) == 7);
}

TEST_CASE("an epoch the callee does not know costs one round trip: 438 (DIRECT_SESSIONS 5)") {
  Couple pair;
  Offer offer = pair.alice.offer_to(pair.bob);
  offer.epoch = {9, 9, 9, 9};
  const CallId call = pair.bob.endpoint->call(offer, pair.network.now).value();
  pair.network.run(2 * d);
  REQUIRE(pair.bob.events_of<FallbackWanted>().size() == 1);
  const auto fallback = pair.bob.last<FallbackWanted>();
  CHECK(fallback.call == call);
  CHECK(fallback.why == FallbackWanted::Why::unknown_epoch);
  CHECK(fallback.epoch == offer.epoch);
  CHECK(pair.alice.events.empty());
}

TEST_CASE(
    "an INVITE is of a session whose tag, epoch, caller and proof it names; all four count (DIRECT_SESSIONS "
    "11)") {
  Couple pair;
  pair.network.lose = [](const Flight& flight) { return flight.to == *parse_address("192.0.2.20:40002"); };
  pair.dial();
  pair.network.run(500ms);
  const auto wanted = pair.bob.last<FallbackWanted>();
  const auto find = [&](const FallbackWanted& claim, const std::string& aor) {
    return pair.alice.endpoint->find_proven(aor, claim.tag, claim.epoch, claim.proof);
  };
  CHECK(find(wanted, pair.bob.aor) == pair.alices_call());
  CHECK_FALSE(pair.alice.endpoint->is_checked(pair.alices_call()));
  CHECK(find(wanted, "sip:carol@example.org") == 0);
  for (int what = 0; what < 3; ++what) {
    auto wrong = wanted;
    (what == 0 ? wrong.tag[0] : what == 1 ? wrong.epoch[0] : wrong.proof[0]) ^= 1;
    CHECK(find(wrong, pair.bob.aor) == 0);
  }
  // The caller's own session is none that an INVITE comes in for.
  CHECK(pair.bob.endpoint->find_proven(pair.alice.aor, wanted.tag, wanted.epoch, wanted.proof) == 0);
  pair.network.run(10s);
  CHECK(find(wanted, pair.bob.aor) == 0);
}

TEST_CASE("at most 20 errors a second leave, whatever comes in (DIRECT_SESSIONS 5)") {
  Couple pair;
  Offer offer = pair.alice.offer_to(pair.bob);
  offer.epoch = {9, 9, 9, 9};
  REQUIRE(pair.bob.endpoint->call(offer, pair.network.now).has_value());
  const Flight hello = pair.network.flown.front().second;
  pair.network.lose = [](const Flight&) { return true; };
  pair.network.flown.clear();
  for (int i = 0; i < 500; ++i)
    pair.alice.endpoint->on_datagram(hello.from, hello.datagram, pair.network.now);
  CHECK(pair.network.flown.size() == 20);
}

TEST_CASE("an epoch outlives the next one by 30 s and no longer (DIRECT_SESSIONS 3)") {
  Couple pair;
  const Offer old = pair.alice.offer_to(pair.bob);
  pair.alice.new_epoch();
  SUBCASE("29 s later its grants work") {
    pair.network.run(29s);
    REQUIRE(pair.bob.endpoint->call(old, pair.network.now).has_value());
    pair.network.run(30s);
    CHECK(pair.alice.events_of<Incoming>().size() == 1);
  }
  SUBCASE("31 s later they are unknown") {
    pair.network.run(31s);
    REQUIRE(pair.bob.endpoint->call(old, pair.network.now).has_value());
    pair.network.run(32s);
    CHECK(pair.bob.last<FallbackWanted>().why == FallbackWanted::Why::unknown_epoch);
  }
  SUBCASE("a third epoch kills it at once") {
    pair.alice.new_epoch();
    REQUIRE(pair.bob.endpoint->call(old, pair.network.now).has_value());
    pair.network.run(1s);
    CHECK(pair.bob.last<FallbackWanted>().why == FallbackWanted::Why::unknown_epoch);
  }
}

TEST_CASE("a closed port (ICMP) brings the fallback at once (DIRECT_SESSIONS 8)") {
  Couple pair;
  Offer offer = pair.alice.offer_to(pair.bob);
  const Address second = parse_address("192.0.2.11:40000").value();
  offer.candidates.push_back({Candidate::Type::host, 0, second});
  pair.network.lose = [](const Flight&) { return true; };
  REQUIRE(pair.bob.endpoint->call(offer, pair.network.now).has_value());
  pair.bob.endpoint->on_unreachable(pair.alice.address, pair.network.now);
  CHECK(pair.bob.events_of<FallbackWanted>().empty());
  pair.bob.endpoint->on_unreachable(second, pair.network.now);
  CHECK(pair.bob.last<FallbackWanted>().why == FallbackWanted::Why::unreachable);
}

TEST_CASE(
    "a HELLO goes out seven times within 1260 ms, and phase 0 media stops after 500 ms (DIRECT_SESSIONS 5)") {
  Couple pair;
  pair.network.lose = [](const Flight&) { return true; };
  const CallId call = pair.dial();
  while (pair.network.elapsed() < 2s) {
    pair.bob.say(call, "is anybody there?");
    pair.network.run(pair.network.elapsed() + 20ms);
  }
  std::vector<Duration> hellos;
  Duration last_media{};
  for (const auto& [when, flight] : pair.network.flown) {
    if (is_hello(flight)) hellos.push_back(when - Network::start);
    if (is_rtp(flight)) last_media = when - Network::start;
  }
  CHECK(hellos == std::vector<Duration>{0ms, 20ms, 60ms, 140ms, 300ms, 620ms, 1260ms});
  CHECK(last_media == 480ms);
  CHECK(pair.bob.last<Ended>().reason == Reason::path_lost);
}

TEST_CASE("before the first response audio stays within 64 kbit/s (DIRECT_SESSIONS 5)") {
  Couple pair;
  pair.network.lose = [](const Flight&) { return true; };
  const CallId call = pair.dial();
  std::size_t octets = 0;
  const std::string loud(400, 'x');  // 160 kbit/s
  while (pair.network.elapsed() < 500ms) {
    if (pair.bob.say(call, loud)) octets += loud.size();
    pair.network.run(pair.network.elapsed() + 20ms);
  }
  CHECK(octets <= 64'000 / 8 * 6 / 10);  // half a second and a burst of 100 ms
  CHECK(octets >= 64'000 / 8 * 4 / 10);
}
