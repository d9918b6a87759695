#include "media/stream/leg.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>

#include "media/device/wav.hpp"
#include "tests/media/device/tone.hpp"
#include "tests/media/stream/people.hpp"

using namespace beckon;
using namespace beckon::stream;
using namespace beckon::stream::test;

namespace {

const Address alice_at = *parse_address("127.0.0.1:40001");
const Address bob_at = *parse_address("127.0.0.1:40002");

LegPlan plan(const Address& remote, const std::string& codec = "opus") {
  LegPlan out;
  out.codec = {.payload_type = 96, .name = codec, .clock_rate = codec == "opus" ? 48000u : 8000u};
  out.received_type = 96;
  out.events = LegPlan::Events{.payload_type = 101, .clock_rate = 8000};
  out.received_events = 101;
  out.remote = remote;
  out.remote_rtcp = remote;
  return out;
}

/// Two legs on a virtual network of 10 ms.
class World {
 public:
  struct End final : MediaPort {
    End(World& in, const Address& at) : world(in), own(at) {}
    Address local() const override { return own; }
    void send(const Address& to, ByteView datagram) override {
      ++sent;
      world.carry(own, to, datagram);
    }

    World& world;
    Address own;  ///< Datagrams come from there: a NAT may change it.
    int sent = 0;
    std::string digits;
    std::optional<Duration> first_sent, first_received;
    std::optional<Leg> leg;
  };

  World() {
    for (End* end : {&alice, &bob}) {
      end->leg.emplace(*end, random, timers,
                       Leg::Handlers{.on_first_media =
                                         [end](User::Direction direction, Duration after) {
                                           (direction == User::Direction::sent ? end->first_sent
                                                                               : end->first_received) = after;
                                         },
                                     .on_digit = [end](char digit) { end->digits += digit; }},
                       now);
    }
  }

  void run(Duration time) {
    const Time until = now + time;
    while (timers.next() && *timers.next() <= until) {
      now = std::max(now, *timers.next());
      timers.advance(now);
    }
    now = until;
  }
  void inject(const Address& from, End& to, ByteView datagram) { to.leg->on_datagram(from, datagram, now); }

  SeededRandom random{1};
  Time now = Time{} + 1000s;
  TimerQueue timers;
  End alice{*this, alice_at};
  End bob{*this, bob_at};
  Bytes last;  ///< The newest datagram.

 private:
  void carry(const Address& from, const Address& to, ByteView datagram) {
    last.assign(datagram.begin(), datagram.end());
    timers.set(now + 10ms, [this, from, to, octets = last](Time when) {
      for (End* end : {&alice, &bob}) {
        if (to == end->own) end->leg->on_datagram(from, octets, when);
      }
    });
  }
};

std::filesystem::path write_tone(const std::filesystem::path& path, double frequency) {
  device::test::ToneSource tone(frequency);
  const auto sink = device::open_wav_sink(path).value();
  codec::Frame frame;
  for (int i = 0; i < 500; ++i) {
    tone.pull(frame);
    sink->push(frame);
  }
  REQUIRE(sink->finish().has_value());
  return path;
}

/// Hz, over the recording's last second.
int frequency(const std::filesystem::path& path) {
  const auto sound = device::read_wav(path).value();
  REQUIRE(sound.samples.size() > codec::sample_rate);
  int count = 0;
  for (std::size_t i = sound.samples.size() - codec::sample_rate; i < sound.samples.size(); ++i)
    count += sound.samples[i - 1] < 0 && sound.samples[i] >= 0 ? 1 : 0;
  return count;
}

}  // namespace

TEST_CASE("each end records what the other plays, with each codec") {
  for (const std::string codec : {"opus", "PCMU", "PCMA"}) {
    CAPTURE(codec);
    const Folder folder("leg");
    World world;
    REQUIRE(world.alice.leg->apply(plan(bob_at, codec),
                                   {write_tone(folder / "a.wav", 300), folder / "ha.wav"}, world.now));
    REQUIRE(world.bob.leg->apply(plan(alice_at, codec),
                                 {write_tone(folder / "b.wav", 700), folder / "hb.wav"}, world.now));
    CHECK(world.alice.first_sent == Duration::zero());
    world.run(2s);
    CHECK(world.alice.first_received == 10ms);
    const auto figures = world.alice.leg->statistics();
    CHECK(figures->rtp.packets_received >= 98);
    CHECK(figures->rtp.packets_lost == 0);
    world.alice.leg->finish(world.now);
    world.bob.leg->finish(world.now);
    CHECK(std::abs(frequency(folder / "ha.wav") - 700) < 10);
    CHECK(std::abs(frequency(folder / "hb.wav") - 300) < 10);
    const int sent = world.alice.sent;
    world.run(1s);
    CHECK(world.alice.sent == sent);
  }
}

TEST_CASE("with keys of SDP nothing is readable, and forgeries are dropped (RFC 4568)") {
  World world;
  const LegPlan::Key a{srtp::Profile::aes128_cm_sha1_80, Bytes(30, 1), {}};
  const LegPlan::Key b{srtp::Profile::aes128_cm_sha1_80, Bytes(30, 2), Bytes{7}};
  auto for_alice = plan(bob_at, "PCMU"), for_bob = plan(alice_at, "PCMU");
  for_alice.local_key = for_bob.remote_key = a;
  for_alice.remote_key = for_bob.local_key = b;
  REQUIRE(world.alice.leg->apply(for_alice, {}, world.now));
  REQUIRE(world.bob.leg->apply(for_bob, {}, world.now));
  world.run(1s);
  CHECK(world.bob.leg->statistics()->rtp.packets_received >= 48);
  CHECK(world.alice.leg->statistics()->rtp.packets_received >= 48);
  const auto before = world.bob.leg->statistics()->rtp.packets_received;
  auto forged = world.last;
  forged.back() ^= 1;
  world.inject(alice_at, world.bob, forged);
  world.inject(alice_at, world.bob, Bytes(172, 0x80));
  CHECK(world.bob.leg->statistics()->rtp.packets_received == before);

  SUBCASE("the same keys go on when the session changes: the counters of SRTP do not begin anew") {
    for_alice.receives = false;
    REQUIRE(world.alice.leg->apply(for_alice, {}, world.now));
    world.run(200ms);
    CHECK(world.bob.leg->statistics()->rtp.packets_received >= before + 8);
    CHECK(world.bob.leg->statistics()->rtp.packets_lost == 0);
  }
}

TEST_CASE("digits reach the other end once each, and the voice continues after them (RFC 4733)") {
  World world;
  REQUIRE(world.alice.leg->apply(plan(bob_at), {}, world.now));
  REQUIRE(world.bob.leg->apply(plan(alice_at), {}, world.now));
  world.run(200ms);
  CHECK(world.alice.leg->send_digits("12"));
  CHECK(world.alice.leg->send_digits("#"));
  CHECK_FALSE(world.alice.leg->send_digits("x"));
  world.run(2s);
  CHECK(world.bob.digits == "12#");
  CHECK(world.bob.leg->statistics()->rtp.packets_lost == 0);
  CHECK(world.bob.leg->statistics()->rtp.packets_received >= 90);
  SUBCASE("a peer that takes none is sent none") {
    auto other = plan(bob_at);
    other.events.reset();
    REQUIRE(world.alice.leg->apply(other, {}, world.now));
    CHECK_FALSE(world.alice.leg->send_digits("1"));
  }
}

TEST_CASE("a call on hold is silent, and goes on when it is resumed") {
  World world;
  REQUIRE(world.alice.leg->apply(plan(bob_at), {}, world.now));
  REQUIRE(world.bob.leg->apply(plan(alice_at), {}, world.now));
  world.run(500ms);
  auto held = plan(alice_at);
  held.sends = false;
  REQUIRE(world.bob.leg->apply(held, {}, world.now));
  world.run(100ms);
  const auto before = world.alice.leg->statistics()->rtp.packets_received;
  world.run(1s);
  CHECK(world.alice.leg->statistics()->rtp.packets_received == before);
  REQUIRE(world.bob.leg->apply(plan(alice_at), {}, world.now));
  world.run(1s);
  CHECK(world.alice.leg->statistics()->rtp.packets_received >= before + 45);
  CHECK(world.alice.leg->statistics()->rtp.packets_lost == 0);
}

TEST_CASE("the codec may change in the call") {
  const Folder folder("leg-codec");
  World world;
  REQUIRE(world.alice.leg->apply(plan(bob_at, "PCMU"), {}, world.now));
  REQUIRE(world.bob.leg->apply(plan(alice_at, "PCMU"), {write_tone(folder / "b.wav", 700), {}}, world.now));
  world.run(500ms);
  REQUIRE(world.alice.leg->apply(plan(bob_at, "opus"), {}, world.now));
  REQUIRE(world.bob.leg->apply(plan(alice_at, "opus"), {}, world.now));
  world.run(1s);
  CHECK(world.alice.leg->statistics()->playout.played >= 40);
  CHECK(world.alice.leg->apply(plan(bob_at, "iLBC"), {}, world.now).error() ==
        make_error_code(Errc::no_codec));
}

TEST_CASE("a peer behind a NAT is answered where it sends from (RFC 4961)") {
  World world;
  world.bob.own = *parse_address("127.0.0.1:50002");  // not what bob's description says
  REQUIRE(world.alice.leg->apply(plan(bob_at), {}, world.now));
  REQUIRE(world.bob.leg->apply(plan(alice_at), {}, world.now));
  world.run(500ms);
  CHECK(world.bob.leg->statistics()->rtp.packets_received >= 20);

  SUBCASE("without keys a second source is dropped, until the described address sends") {
    const auto before = world.alice.leg->statistics()->rtp.packets_received;
    world.inject(*parse_address("192.0.2.66:6666"), world.alice, world.last);
    CHECK(world.alice.leg->statistics()->rtp.packets_received == before);
  }
}

TEST_CASE("a peer whose source changes is heard on: an announcement came first") {
  World world;
  REQUIRE(world.alice.leg->apply(plan(bob_at), {}, world.now));
  REQUIRE(world.bob.leg->apply(plan(alice_at), {}, world.now));
  world.run(500ms);
  world.bob.leg.emplace(world.bob, world.random, world.timers,
                        Leg::Handlers{[](User::Direction, Duration) {}, [](char) {}}, world.now);
  REQUIRE(world.bob.leg->apply(plan(alice_at), {}, world.now));
  const auto before = world.alice.leg->statistics()->rtp.packets_received;
  world.run(500ms);
  CHECK(world.alice.leg->statistics()->rtp.packets_received >= before + 20);
  CHECK(world.alice.leg->statistics()->rtp.packets_lost == 0);
}
