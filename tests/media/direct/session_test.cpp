#include <doctest/doctest.h>

#include <algorithm>

#include "media/direct/hello.hpp"
#include "media/rtcp/packet.hpp"
#include "media/srtp/session.hpp"
#include "protocol/stun/message.hpp"
#include "tests/media/direct/world.hpp"

using namespace world;

namespace {

constexpr Duration d = Network::delay;
Time at(Duration after_start) { return Network::start + after_start; }

std::vector<Duration> times(const Network& network, const Address& from, bool (*which)(const Flight&)) {
  std::vector<Duration> out;
  for (const auto& [when, flight] : network.flown) {
    if (flight.from == from && which(flight)) out.push_back(when - Network::start);
  }
  return out;
}

/// A peer whose programs the test writes: it has the keys of a HELLO and sends what it likes.
struct Forger {
  Forger(const SrtpKey& key, Tag tag) {
    Bytes mki(tag.begin(), tag.end());
    append_u8(mki, 0);
    out.emplace(srtp::Keying{srtp::Profile::aead_aes128_gcm, key, mki});
  }
  Bytes report(std::uint32_t ssrc) {
    Bytes packet = rtcp::print({rtcp::Report{.ssrc = ssrc, .sender = {}, .blocks = {}}});
    REQUIRE(out->protect_rtcp(packet).has_value());
    return packet;
  }
  Bytes bye(std::uint32_t ssrc) {
    Bytes packet = rtcp::print(
        {rtcp::Report{.ssrc = ssrc, .sender = {}, .blocks = {}}, rtcp::Bye{.ssrcs = {ssrc}, .reason = "10"}});
    REQUIRE(out->protect_rtcp(packet).has_value());
    return packet;
  }
  std::optional<srtp::Protector> out;
};

/// Bob calls and alice's user is to be asked.
struct RingingCouple : Couple {
  RingingCouple() { alice.endpoint->set_permit(bob.aor, ds1::Mode::ask, network.now); }
};

}  // namespace

// --- ask ---

// bob                       alice
//  |==HELLO==================>|  no media
//  |<=response "ringing"======|
//  |<=RINGING=================|  ... alice's user accepts ...
//  |<=ANSWER==================|
//  |==ACK, SRTP phase 1======>|
TEST_CASE("ask: the callee rings, no media flows until it is accepted (DIRECT_SESSIONS 7)") {
  RingingCouple pair;
  const CallId call = pair.dial();
  CHECK(pair.bob.say(call, "too early"));  // expected auto, so the first packets go out
  pair.network.run(1s);
  CHECK(pair.alice.last<Incoming>().mode == ds1::Mode::ask);
  CHECK(pair.alice.heard.empty());
  CHECK(pair.bob.events_of<Ringing>().at(0).second == at(2 * d));
  CHECK_FALSE(pair.bob.say(call, "the microphone is closed"));
  CHECK_FALSE(pair.alice.say(pair.alices_call(), "not yet"));

  pair.network.run(10s);
  REQUIRE(pair.alice.endpoint->accept(pair.alices_call(), pair.network.now).has_value());
  CHECK_FALSE(pair.alice.say(pair.alices_call(), "not in phase 0"));
  pair.network.run(10s + d);
  CHECK(pair.bob.events_of<Active>().at(0).second == at(10s + d));
  REQUIRE(pair.bob.say(call, "now"));
  pair.network.run(10s + 2 * d);
  REQUIRE(pair.alice.heard.size() == 1);
  CHECK(pair.alice.heard[0].payload == "now");
  CHECK(pair.alice.events_of<Active>().size() == 1);
  CHECK(pair.alice.say(pair.alices_call(), "hello"));
  CHECK(pair.bob.events_of<FallbackWanted>().empty());
}

TEST_CASE("a caller that asks to ring sends no media at all") {
  Couple pair;
  Offer offer = pair.alice.offer_to(pair.bob);
  SUBCASE("it wants so itself") { offer.want = ds1::Mode::ask; }
  SUBCASE("the callee's key is not verified") { offer.verified = false; }
  SUBCASE("the NOTIFY permits no more") { offer = pair.alice.offer_to(pair.bob, ds1::Mode::ask); }
  const CallId call = pair.bob.endpoint->call(offer, pair.network.now).value();
  CHECK_FALSE(pair.bob.say(call, "no"));
  pair.network.run(1s);
  CHECK(pair.alice.last<Incoming>().mode == ds1::Mode::ask);
  CHECK(pair.bob.events_of<Ringing>().size() == 1);
}

TEST_CASE("the user declines: REJECT 2 ends the call at the caller, without fallback (DIRECT_SESSIONS 10)") {
  RingingCouple pair;
  pair.dial();
  pair.network.run(1s);
  REQUIRE(pair.alice.endpoint->reject(pair.alices_call(), Reason::declined, pair.network.now).has_value());
  pair.network.run(1s + d);
  const auto ended = pair.bob.last<Ended>();
  CHECK(ended.reason == Reason::declined);
  CHECK(ended.by_peer);
  CHECK(pair.bob.events_of<FallbackWanted>().empty());
  CHECK(pair.alice.endpoint->accept(pair.alices_call(), pair.network.now).error() == Errc::unknown_call);
}

TEST_CASE("a lost REJECT is repeated") {
  RingingCouple pair;
  pair.dial();
  pair.network.run(1s);
  pair.network.lose = [&](const Flight&) { return pair.network.elapsed() < 1050ms; };
  REQUIRE(pair.alice.endpoint->reject(pair.alices_call(), Reason::declined, pair.network.now).has_value());
  pair.network.run(1100ms + d);
  CHECK(pair.bob.last<Ended>().reason == Reason::declined);
}

TEST_CASE("nobody answers: the callee gives up after 60 s (DIRECT_SESSIONS 8)") {
  RingingCouple pair;
  pair.dial();
  pair.network.run(70s);
  CHECK(pair.alice.events_of<Ended>().at(0).second == at(d + 60s));
  CHECK(pair.alice.last<Ended>().reason == Reason::no_answer);
  CHECK(pair.bob.last<Ended>().reason == Reason::no_answer);
  CHECK(pair.bob.last<Ended>().by_peer);
}

TEST_CASE("the caller cancels while it rings: BYE 10 (DIRECT_SESSIONS 8)") {
  RingingCouple pair;
  const CallId call = pair.dial();
  pair.network.run(1s);
  pair.bob.endpoint->hang_up(call, Reason::normal, pair.network.now);
  pair.network.run(1s + d);
  CHECK(pair.alice.last<Ended>().reason == Reason::normal);
  CHECK(pair.alice.last<Ended>().by_peer);
}

TEST_CASE(
    "a call cancelled before any response stops its HELLOs, and BYE goes where they went "
    "(DIRECT_SESSIONS 8)") {
  Couple pair;
  const CallId call = pair.dial();
  pair.network.run(30ms);
  pair.network.flown.clear();
  pair.bob.endpoint->hang_up(call, Reason::normal, pair.network.now);
  pair.network.run(3s);
  CHECK(times(pair.network, pair.bob.address, is_hello).empty());
  CHECK(times(pair.network, pair.bob.address, is_rtcp) == std::vector<Duration>{30ms, 130ms, 330ms});
  CHECK(pair.alice.last<Ended>().reason == Reason::normal);
  CHECK(pair.bob.events_of<FallbackWanted>().empty());
}

TEST_CASE("ringing ends when the caller has sent no CHECK for 15 s (DIRECT_SESSIONS 8)") {
  RingingCouple pair;
  pair.dial();
  pair.network.run(20s);
  CHECK(pair.alice.events_of<Ended>().empty());
  pair.network.lose = [&](const Flight& flight) { return flight.from == pair.bob.address; };
  pair.network.run(36s);
  CHECK(pair.alice.last<Ended>().reason == Reason::path_lost);
}

// --- the end of a session ---

TEST_CASE("hang-up: BYE at 0, 100 and 300 ms, one in answer, silence then (DIRECT_SESSIONS 7)") {
  Couple pair;
  const CallId call = pair.talk();
  pair.network.flown.clear();
  pair.bob.endpoint->hang_up(call, Reason::normal, pair.network.now);
  CHECK(pair.bob.last<Ended>().reason == Reason::normal);
  CHECK_FALSE(pair.bob.last<Ended>().by_peer);
  CHECK_FALSE(pair.bob.say(call, "gone"));
  pair.network.run(20s);
  CHECK(times(pair.network, pair.bob.address, is_rtcp) == std::vector<Duration>{300ms, 400ms, 600ms});
  CHECK(times(pair.network, pair.alice.address, is_rtcp) == std::vector<Duration>{300ms + d});
  CHECK(pair.network.flown.size() == 4);
  CHECK(pair.alice.last<Ended>().reason == Reason::normal);
  CHECK(pair.alice.last<Ended>().by_peer);
  CHECK_FALSE(pair.bob.endpoint->statistics(call));
  CHECK(pair.network.timers.size() <= 1);  // the old epoch's
}

TEST_CASE("one BYE of three is enough, whichever it is") {
  for (int arrives = 0; arrives < 3; ++arrives) {
    CAPTURE(arrives);
    Couple pair;
    const CallId call = pair.talk();
    int byes = 0;
    pair.network.lose = [&](const Flight& flight) { return is_rtcp(flight) && byes++ != arrives; };
    pair.bob.endpoint->hang_up(call, Reason::normal, pair.network.now);
    pair.network.run(2s);
    CHECK(pair.alice.last<Ended>().reason == Reason::normal);
  }
}

TEST_CASE("a caller that gave up sends BYE 7 to a callee that answers late (DIRECT_SESSIONS 8, DEAD)") {
  RingingCouple pair;
  pair.network.lose = [&](const Flight& flight) { return flight.from == pair.alice.address; };
  pair.dial();
  pair.network.run(2500ms);
  REQUIRE(pair.bob.last<Ended>().reason == Reason::path_lost);
  pair.network.lose = nullptr;
  REQUIRE(pair.alice.endpoint->accept(pair.alices_call(), pair.network.now).has_value());
  pair.network.run(2500ms + 2 * d);
  CHECK(pair.alice.last<Ended>().reason == Reason::answered_elsewhere);
  CHECK(pair.alice.last<Ended>().by_peer);
}

TEST_CASE("a block or a permit turned off ends a running session with reason 12 (DIRECT_SESSIONS 8)") {
  Couple pair;
  pair.talk();
  SUBCASE("block") { pair.alice.endpoint->set_blocked(pair.bob.aor, true, pair.network.now); }
  SUBCASE("permit") { pair.alice.endpoint->set_permit(pair.bob.aor, ds1::Mode::off, pair.network.now); }
  pair.network.run(1s);
  CHECK(pair.bob.last<Ended>().reason == Reason::revoked);
  CHECK(pair.alice.last<Ended>().reason == Reason::revoked);
}

TEST_CASE("an answered call whose phase 1 never comes ends after 3 s (DIRECT_SESSIONS 8)") {
  Couple pair;
  pair.network.lose = [&](const Flight& flight) { return is_rtcp(flight); };
  pair.dial();
  pair.network.run(5s);
  CHECK(pair.alice.events_of<Ended>().at(0).second == at(d + 3s));
  CHECK(pair.bob.events_of<Ended>().at(0).second == at(2 * d + 3s));
  CHECK(pair.bob.last<FallbackWanted>().why == FallbackWanted::Why::lost);
}

// --- permissions ---

TEST_CASE(
    "several legs of one attempt share CALL; the first ANSWER wins, the others get BYE 7 (DIRECT_SESSIONS "
    "9)") {
  Couple pair;
  Agent desk(pair.network, pair.alice.aor, "192.0.2.11:40000", 5);
  desk.publish();
  const CallId first =
      pair.bob.endpoint->call(pair.alice.offer_to(pair.bob, ds1::Mode::ask), pair.network.now).value();
  pair.network.run(100ms);
  Offer second = desk.offer_to(pair.bob, ds1::Mode::ask);
  second.attempt = pair.alice.last<Incoming>().attempt;
  const CallId other = pair.bob.endpoint->call(second, pair.network.now).value();
  pair.network.run(1s);
  CHECK(desk.last<Incoming>().attempt == pair.alice.last<Incoming>().attempt);
  REQUIRE(desk.endpoint->accept(desk.last<Incoming>().call, pair.network.now).has_value());
  pair.network.run(2s);
  CHECK(pair.bob.last<Active>().call == other);
  CHECK(pair.bob.last<Ended>().call == first);
  CHECK(pair.alice.last<Ended>().reason == Reason::answered_elsewhere);
}

TEST_CASE("attempts to one AOR start at least 2 s apart (DIRECT_SESSIONS 5)") {
  Couple pair;
  const CallId call = pair.talk();
  pair.bob.endpoint->hang_up(call, Reason::normal, pair.network.now);
  CHECK(pair.bob.endpoint->call(pair.alice.offer_to(pair.bob), pair.network.now).error() == Errc::too_soon);
  pair.network.run(2s);
  CHECK(pair.bob.endpoint->call(pair.alice.offer_to(pair.bob), pair.network.now).has_value());
}

TEST_CASE("an offer that cannot be called says why") {
  Couple pair;
  Offer offer = pair.alice.offer_to(pair.bob);
  const auto why = [&] { return pair.bob.endpoint->call(offer, pair.network.now).error(); };
  SUBCASE("candidates that may not be sent to") {
    offer.candidates = {{Candidate::Type::host, 1, parse_address("127.0.0.1:40000").value()}};
    CHECK(why() == Errc::no_candidate);
  }
  SUBCASE("no media") {
    offer.media.clear();
    CHECK(why() == Errc::no_media);
  }
  SUBCASE("mode off") {
    offer.mode = ds1::Mode::off;
    CHECK(why() == Errc::no_permission);
  }
  SUBCASE("no ticket") {
    offer.grant.ticket.clear();
    CHECK(why() == Errc::no_permission);
  }
  SUBCASE("a device key of low order") {
    offer.device_key = {};
    CHECK(why() == Errc::no_permission);
  }
}

TEST_CASE("a caller nobody has verified rings, by whatever name it calls (DIRECT_SESSIONS 9)") {
  Couple pair;
  pair.alice.verified.clear();
  SUBCASE("no pin") {
    pair.dial();
    pair.network.run(1s);
    CHECK_FALSE(pair.alice.last<Incoming>().verified);
    CHECK(pair.alice.last<Incoming>().mode == ds1::Mode::ask);
  }
  SUBCASE("the identity in its HELLO is pinned") {
    pair.alice.pinned.insert({pair.bob.aor, pair.bob.identity.pub});
    pair.dial();
    pair.network.run(1s);
    CHECK(pair.alice.last<Incoming>().verified);
    CHECK(pair.alice.last<Incoming>().mode == ds1::Mode::automatic);
  }
  SUBCASE("that identity is pinned for another AOR") {
    pair.alice.pinned.insert({"sip:carol@example.org", pair.bob.identity.pub});
    pair.dial();
    pair.network.run(1s);
    CHECK_FALSE(pair.alice.last<Incoming>().verified);
  }
}

// --- paths (DIRECT_SESSIONS 6) ---

TEST_CASE("until a path is validated the callee sends at most three times what it received") {
  // The thief has bob's datagrams only: the HELLO's source address is a victim's, which sends nothing else.
  Couple pair;
  const Address victim = parse_address("198.51.100.99:5000").value();
  pair.dial();
  const Flight hello = pair.network.flown.front().second;
  pair.network.timers.clear();  // the network loses bob's datagrams; only the forged copy arrives
  pair.network.flown.clear();
  pair.alice.endpoint->on_datagram(victim, hello.datagram, pair.network.now);
  for (int i = 0; i < 200; ++i) {
    pair.alice.say(pair.alices_call(), std::string(160, 'x'));
    pair.network.run(pair.network.elapsed() + 20ms);
  }
  std::size_t octets = 0;
  for (const auto& [when, flight] : pair.network.flown) {
    if (flight.to == victim) octets += flight.datagram.size();
  }
  CHECK(octets <= 3 * hello.datagram.size());
  CHECK(octets > 0);
}

TEST_CASE("both sides CHECK every 5 s +-20 %, the callee first at once (DIRECT_SESSIONS 6)") {
  Couple pair;
  pair.talk();
  pair.network.run(60s);
  const auto is_check = [](const Flight& flight) {
    return flight.datagram[0] == 0 && flight.datagram[1] == 1 && !is_hello(flight);
  };
  CHECK(times(pair.network, pair.alice.address, is_check).at(0) == d);
  for (const auto& agent : {&pair.alice, &pair.bob}) {
    const auto checks = times(pair.network, agent->address, is_check);
    CHECK(checks.size() >= 10);
    CHECK(checks.size() <= 18);
    for (std::size_t i = 3; i < checks.size(); ++i) {
      CHECK(checks[i] - checks[i - 1] >= 4s);
      CHECK(checks[i] - checks[i - 1] <= 6s);
    }
  }
  CHECK(pair.alice.events_of<Ended>().empty());
}

TEST_CASE("30 s without an answer to a CHECK end the session with reason 11 (DIRECT_SESSIONS 6)") {
  Couple pair;
  pair.talk();
  pair.network.run(20s);
  pair.network.lose = [](const Flight&) { return true; };
  pair.network.run(60s);
  for (const auto& agent : {&pair.alice, &pair.bob}) {
    CHECK(agent->last<Ended>().reason == Reason::path_lost);
    CHECK(agent->events_of<Ended>().at(0).second <= at(50s + d));
    CHECK(agent->events_of<Ended>().at(0).second >= at(43s));
  }
}

TEST_CASE("a peer whose NAT gives it a new address is CHECKed there and followed (DIRECT_SESSIONS 6)") {
  Couple pair;
  const CallId call = pair.talk();
  pair.network.run(1s);
  const Address old = pair.bob.address;
  pair.network.move(pair.bob, parse_address("203.0.113.5:7777").value());
  pair.bob.say(call, "from elsewhere");
  pair.network.run(1s + d);
  pair.alice.say(pair.alices_call(), "still to the old place");
  CHECK(pair.network.flown.back().second.to == old);
  pair.network.run(1s + 3 * d);
  pair.alice.say(pair.alices_call(), "to the new place");
  CHECK(pair.network.flown.back().second.to == pair.bob.address);
  pair.network.run(60s);
  CHECK(pair.alice.events_of<Ended>().empty());
  CHECK(pair.bob.events_of<Ended>().empty());
}

TEST_CASE("packets copied from elsewhere by an onlooker move no media") {
  Couple pair;
  const CallId call = pair.talk();
  pair.network.run(1s);
  const Address onlooker = parse_address("198.51.100.66:6666").value();
  pair.bob.say(call, "x");
  Flight copy = pair.network.flown.back().second;
  copy.from = onlooker;
  pair.network.deliver(copy, 1ms);  // overtakes the original
  pair.network.run(2s);
  pair.alice.say(pair.alices_call(), "for bob");
  CHECK(pair.network.flown.back().second.to == pair.bob.address);
}

TEST_CASE("a CHECK reflected to its sender proves nothing (DIRECT_SESSIONS 6)") {
  Couple pair;
  pair.talk();
  pair.network.run(10s);
  const auto check = std::find_if(pair.network.flown.begin(), pair.network.flown.end(), [&](const auto& one) {
    return one.second.from == pair.bob.address && one.second.datagram[1] == 1 &&
           one.second.datagram[0] == 0 && !is_hello(one.second);
  });
  REQUIRE(check != pair.network.flown.end());
  const Bytes datagram = check->second.datagram;
  pair.network.flown.clear();
  pair.bob.endpoint->on_datagram(pair.alice.address, datagram, pair.network.now);
  CHECK(pair.network.flown.empty());
}

TEST_CASE(
    "phase 0 packets are refused 5 s after the first of phase 1: their keys are gone (DIRECT_SESSIONS 7)") {
  Couple pair;
  const CallId call = pair.dial();
  Flight kept;
  pair.network.lose = [&](const Flight& flight) {
    if (!is_rtp(flight)) return false;
    kept = flight;
    return true;
  };
  pair.bob.say(call, "kept back");
  pair.network.lose = nullptr;
  REQUIRE(phase_of(kept) == 0);
  pair.network.run(300ms);
  SUBCASE("4 s later it is still good") {
    pair.network.deliver(kept, 3500ms);
    pair.network.run(10s);
    CHECK(pair.alice.heard.size() == 1);
  }
  SUBCASE("6 s later it is not") {
    pair.network.deliver(kept, 6s);
    pair.network.run(10s);
    CHECK(pair.alice.heard.empty());
  }
}

// --- sources ---

TEST_CASE("a caller cannot make the callee keep state for more sources than its HELLO names") {
  Couple pair;
  const auto offer = pair.alice.offer_to(pair.bob);
  HelloBody body;
  body.tag = {1, 2, 3};
  body.media = {{MediaKind::audio, Direction::sendrecv, 111, 7000},
                {MediaKind::video, Direction::sendrecv, 96, 7001}};  // alice has no video: it is left out
  body.ephemeral = crypto::make_x25519(pair.bob.random).pub;
  const auto hello = seal_hello({offer.device_key, offer.epoch, offer.grant}, pair.bob.device,
                                crypto::make_x25519(pair.bob.random), body);
  REQUIRE(hello.has_value());
  const auto request = stun::Writer(stun::Class::request, stun::binding, stun::TransactionId{})
                           .add(stun::attribute::direct_hello, hello->attribute)
                           .add_fingerprint();
  const auto deliver = [&](const Bytes& datagram) {
    pair.alice.endpoint->on_datagram(pair.bob.address, datagram, pair.network.now);
  };
  deliver(request.bytes());
  REQUIRE(pair.alice.events_of<Answered>().size() == 1);
  Forger bob(hello->keys.phase0.c2s, body.tag);
  for (std::uint32_t ssrc = 1; ssrc <= 1000; ++ssrc) deliver(bob.report(ssrc));
  deliver(bob.bye(1001));
  CHECK(pair.alice.events_of<Ended>().empty());
  SUBCASE("the SSRC of its audio is heard") { deliver(bob.bye(7000)); }
  SUBCASE("that of a line that was left out, too") { deliver(bob.bye(7001)); }
  CHECK(pair.alice.events_of<Ended>().size() == 1);
}

TEST_CASE("a callee cannot make the caller keep state for more sources than there are lines") {
  Couple pair;
  pair.network.lose = [](const Flight&) { return true; };  // the test answers in alice's place
  const auto offer = pair.alice.offer_to(pair.bob);
  REQUIRE(pair.bob.endpoint->call(offer, pair.network.now).has_value());
  const auto message = stun::parse_message(pair.network.flown.front().second.datagram).value();
  const auto attribute = message.find(stun::attribute::direct_hello).value();
  const auto view = parse_hello(attribute.value);
  REQUIRE(view.has_value());
  const auto hello = open_hello(*view, offer.grant.psk, pair.alice.device);
  REQUIRE(hello.has_value());
  Forger alice(hello->keys.phase0.s2c, hello->body.tag);
  const auto deliver = [&](const Bytes& datagram) {
    pair.bob.endpoint->on_datagram(pair.alice.address, datagram, pair.network.now);
  };
  for (std::uint32_t ssrc = 1; ssrc <= 1000; ++ssrc) deliver(alice.report(ssrc));
  deliver(alice.bye(1001));
  CHECK(pair.bob.events_of<Ended>().empty());
  deliver(alice.bye(1));
  CHECK(pair.bob.events_of<Ended>().size() == 1);
}
