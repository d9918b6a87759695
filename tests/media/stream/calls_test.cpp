#include "media/stream/calls.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <boost/json.hpp>
#include <fstream>
#include <iterator>

#include "media/device/wav.hpp"
#include "tests/media/device/tone.hpp"
#include "tests/media/stream/people.hpp"

using namespace beckon;
using namespace beckon::stream;
using namespace beckon::stream::test;

namespace {

const Address alice_at = *parse_address("127.0.0.1:40001");
const Address bob_at = *parse_address("127.0.0.1:40002");

/// Alice and Bob on a virtual network with `delay` one way and `loss`, on a virtual clock.
class World {
 public:
  /// One end of the network.
  class End final : public Network {
   public:
    End(World& world, const Address& own) : world_(world), own_(own) {}
    void send(const Address& to, ByteView datagram) override { world_.carry(own_, to, datagram); }

   private:
    World& world_;
    Address own_;
  };

  World() {
    alice.publish(alice_calls, bob.identity.aor, now);
    bob.publish(bob_calls, alice.identity.aor, now);
  }

  void run(Duration time) {
    const Time until = now + time;
    while (timers.next() && *timers.next() <= until) {
      now = std::max(now, *timers.next());
      timers.advance(now);
    }
    now = until;
  }

  Result<direct::CallId> bob_calls_alice(const Files& files = {}) {
    return bob_calls.call(alice.offer(bob.identity.aor, alice_at, random), opus(), files, now);
  }

  Duration delay = 50ms;
  double loss = 0;
  SeededRandom random{1};
  Time now = Time{} + 1000s;
  TimerQueue timers;
  Person alice{"sip:alice@example.org", random};
  Person bob{"sip:bob@example.org", random};
  End alice_end{*this, alice_at};
  End bob_end{*this, bob_at};
  Calls alice_calls{alice.identity, random, timers, alice.trust, alice_end, alice.watching};
  Calls bob_calls{bob.identity, random, timers, bob.trust, bob_end, bob.watching};

 private:
  void carry(const Address& from, const Address& to, ByteView datagram) {
    if (random.unit() < loss) return;
    timers.set(now + delay, [this, from, to, octets = Bytes(datagram.begin(), datagram.end())](Time when) {
      if (to == alice_at) alice_calls.on_datagram(from, octets, when);
      if (to == bob_at) bob_calls.on_datagram(from, octets, when);
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

int crossings(const device::Sound& sound) {
  int count = 0;
  for (std::size_t i = 1; i < sound.samples.size(); ++i)
    count += sound.samples[i - 1] < 0 && sound.samples[i] >= 0 ? 1 : 0;
  return count;
}

}  // namespace

//   bob                         alice          one way takes 50 ms
//    |== HELLO, SRTP phase 0 ====>|            0 ms: bob's voice leaves
//    |<= response, ANSWER, SRTP ==|            50 ms: alice hears bob, her voice leaves
//    |== ACK, SRTP phase 1 ======>|            100 ms: bob hears alice
//    |== BYE ====================>|
TEST_CASE("the caller is heard after one way, the callee after two (DIRECT_SESSIONS 1)") {
  World world;
  const auto call = world.bob_calls_alice();
  REQUIRE(call.has_value());
  CHECK(world.bob.watching.first_sent == Duration::zero());
  world.run(2s);
  CHECK(world.bob.watching.active);
  CHECK(world.alice.watching.active);
  CHECK_FALSE(world.bob.watching.fallback.has_value());
  CHECK(world.alice.watching.first_received == Duration::zero());  // with the HELLO
  CHECK(world.alice.watching.first_sent.value() <= 1ms);
  CHECK(world.bob.watching.first_received.value() >= 100ms);
  CHECK(world.bob.watching.first_received.value() <= 102ms);
  const auto figures = world.bob_calls.statistics(*call);
  REQUIRE(figures.has_value());
  CHECK(figures->rtp.packets_sent >= 99);
  CHECK(figures->rtp.packets_sent <= 101);
  CHECK(figures->rtp.packets_received >= 90);
  CHECK(figures->rtp.packets_lost == 0);
  CHECK(figures->playout.concealed == 0);
}

TEST_CASE("each side records what the other plays; files and figures are ready when the call has ended") {
  const Folder folder("calls");
  World world;
  world.alice_calls.set_files({write_tone(folder / "alice.wav", 300), folder / "heard-by-alice.wav"});
  const auto call = world.bob_calls_alice({write_tone(folder / "bob.wav", 700), folder / "heard-by-bob.wav"});
  REQUIRE(call.has_value());
  world.run(3s);
  world.bob_calls.endpoint().hang_up(*call, direct::Reason::normal, world.now);
  world.run(1s);
  CHECK(world.bob.watching.ended == direct::Reason::normal);
  CHECK(world.alice.watching.ended == direct::Reason::normal);
  CHECK_FALSE(world.bob_calls.statistics(*call).has_value());

  for (Person* const person : {&world.alice, &world.bob}) {
    CAPTURE(person->identity.aor);
    REQUIRE(person->watching.statistics.has_value());
    const CallStatistics& figures = *person->watching.statistics;
    CHECK(figures.rtp.packets_sent >= 140);
    CHECK(figures.rtp.packets_received >= 140);
    CHECK(figures.rtp.packets_lost == 0);
    const auto heard = device::read_wav(figures.record).value();
    const double seconds = static_cast<double>(heard.samples.size()) / 48000;
    CHECK(seconds >= 2.7);
    CHECK(seconds <= 3.1);
    const double pitch = person == &world.alice ? 700 : 300;
    CHECK(crossings(heard) / seconds == doctest::Approx(pitch).epsilon(0.05));
    CHECK(std::filesystem::exists(figures.record.string() + ".json"));
  }
}

TEST_CASE("the callee's ear is 20 ms behind what arrives, wherever the ticks lie") {
  for (const Duration offset : {0us, 3700us, 11'100us, 19'900us}) {
    CAPTURE(offset.count());
    const Folder folder("ear");
    World world;
    world.delay += offset;
    world.alice_calls.set_files({{}, folder / "heard.wav"});
    const auto call = world.bob_calls_alice({write_tone(folder / "bob.wav", 700), {}});
    REQUIRE(call.has_value());
    world.run(2s);
    world.bob_calls.endpoint().hang_up(*call, direct::Reason::normal, world.now);
    world.run(1s);
    // Alice's call begins with the arrival of the HELLO and of the first sound.
    std::ifstream file(folder / "heard.wav.json");
    const auto log = boost::json::parse(std::string{std::istreambuf_iterator<char>(file), {}});
    CHECK(log.at("start_offset_ms").to_number<double>() <= 20.1);
    CHECK(log.at("concealed").as_array().size() <= 25);  // after the end
    const auto heard = device::read_wav(folder / "heard.wav").value();
    const auto loud =
        std::find_if(heard.samples.begin(), heard.samples.end(), [](auto s) { return s > 3000; });
    CHECK(loud - heard.samples.begin() <= 7 * 48);  // Opus looks 6.5 ms ahead
  }
}

TEST_CASE("a call that ends in the destructor leaves its recording whole") {
  const Folder folder("cut-off");
  {
    World world;
    REQUIRE(world.bob_calls_alice({{}, folder / "heard.wav"}).has_value());
    world.run(1s);
  }
  CHECK(device::read_wav(folder / "heard.wav").value().samples.size() >= 40 * 960);
  CHECK(std::filesystem::exists(folder / "heard.wav.json"));
}

TEST_CASE("packets lost on the way are concealed and counted") {
  World world;
  world.loss = 0.1;
  const auto call = world.bob_calls_alice();
  REQUIRE(call.has_value());
  world.run(10s);
  REQUIRE(world.bob.watching.active);
  const auto figures = world.bob_calls.statistics(*call).value();
  CHECK(figures.rtp.packets_lost >= 25);
  CHECK(figures.rtp.packets_lost <= 75);
  CHECK(static_cast<std::int64_t>(figures.playout.concealed) + 5 >= figures.rtp.packets_lost);
}

TEST_CASE(
    "while packets are lost the sender repeats frames, as the reports ask for, and they are recovered") {
  for (const double loss : {0.0, 0.2}) {
    CAPTURE(loss);
    const Folder folder("recovered");
    World world;
    world.alice_calls.set_files({{}, folder / "heard.wav"});
    const auto call = world.bob_calls_alice({write_tone(folder / "bob.wav", 700), {}});
    REQUIRE(call.has_value());
    world.run(1s);
    REQUIRE(world.bob.watching.active);
    world.loss = loss;
    world.run(10s);
    const auto bobs = world.bob_calls.statistics(*call).value();
    CHECK(bobs.codec == "opus");
    CHECK(bobs.rtp.reports >= 1);
    CHECK(bobs.rtp.reported_loss == doctest::Approx(loss).epsilon(0.6));
    REQUIRE(bobs.rtp.round_trip.has_value());
    CHECK(*bobs.rtp.round_trip >= 99ms);
    CHECK(*bobs.rtp.round_trip <= 103ms);
    REQUIRE(bobs.mos.has_value());
    if (loss == 0) CHECK(*bobs.mos >= 4.2);
    if (loss > 0) CHECK(*bobs.mos <= 3.8);
    world.bob_calls.endpoint().hang_up(*call, direct::Reason::normal, world.now);
    world.run(2s);
    std::ifstream file(folder / "heard.wav.json");
    const auto log = boost::json::parse(std::string{std::istreambuf_iterator<char>(file), {}});
    CHECK((log.at("recovered").as_array().size() >= 20) == (loss > 0));
  }
}

TEST_CASE("a file or a codec that is not there stops the dialling before anything is sent") {
  World world;
  CHECK(world.bob_calls_alice({"/no/such/voice.wav", {}}).error() ==
        make_error_code(device::Errc::cannot_open));
  CHECK(world.bob_calls_alice({{}, "/no/such/folder/x.wav"}).error() ==
        make_error_code(device::Errc::cannot_open));
  AudioCodec unknown = opus();
  unknown.name = "iLBC";
  const auto offer = world.alice.offer(world.bob.identity.aor, alice_at, world.random);
  CHECK(world.bob_calls.call(offer, unknown, {}, world.now).error() == make_error_code(Errc::no_codec));
  world.run(1s);
  CHECK(world.alice.watching.call == 0);
}

TEST_CASE("a call that is refused leaves the recording of an earlier one as it is") {
  const Folder folder("refused");
  World world;
  const auto call = world.bob_calls_alice({{}, folder / "heard.wav"});
  REQUIRE(call.has_value());
  world.run(1s);
  world.bob_calls.endpoint().hang_up(*call, direct::Reason::normal, world.now);
  const auto before = device::read_wav(folder / "heard.wav").value().samples.size();
  REQUIRE(before >= 40 * 960);
  CHECK(world.bob_calls_alice({{}, folder / "heard.wav"}).error() == make_error_code(direct::Errc::too_soon));
  CHECK(device::read_wav(folder / "heard.wav").value().samples.size() == before);
}

TEST_CASE("an incoming call is answered although its files cannot be opened") {
  World world;
  world.alice_calls.set_files({"/no/such/voice.wav", "/no/such/folder/x.wav"});
  REQUIRE(world.bob_calls_alice().has_value());
  world.run(2s);
  CHECK(world.alice.watching.active);
  CHECK(world.bob.watching.first_received.has_value());
}

TEST_CASE(
    "of two who call each other, each plays and records in the one call what it chose (DIRECT_SESSIONS 9)") {
  const Folder folder("glare");
  World world;
  const Files hers{write_tone(folder / "alice.wav", 300), folder / "heard-by-alice.wav"};
  const Files his{write_tone(folder / "bob.wav", 700), folder / "heard-by-bob.wav"};
  REQUIRE(world.bob_calls_alice(his).has_value());
  const auto offer = world.bob.offer(world.alice.identity.aor, bob_at, world.random);
  REQUIRE(world.alice_calls.call(offer, opus(), hers, world.now).has_value());
  world.run(3s);
  for (Calls* const calls : {&world.alice_calls, &world.bob_calls}) {
    for (direct::CallId call = 1; call <= 2; ++call) {
      calls->endpoint().hang_up(call, direct::Reason::normal, world.now);
    }
  }
  world.run(1s);
  for (Person* const person : {&world.alice, &world.bob}) {
    CAPTURE(person->identity.aor);
    CHECK(person->watching.active);
    const Files& chosen = person == &world.alice ? hers : his;
    REQUIRE(person->watching.statistics.has_value());
    CHECK(person->watching.statistics->record == chosen.record);
    const auto heard = device::read_wav(chosen.record).value();
    const double seconds = static_cast<double>(heard.samples.size()) / 48000;
    CHECK(seconds >= 2.5);
    CHECK(crossings(heard) / seconds == doctest::Approx(person == &world.alice ? 700 : 300).epsilon(0.05));
  }
}

TEST_CASE("a second call that comes in is recorded in a file of its own") {
  const Folder folder("robot");
  World world;
  auto policy = Person::policy();
  policy.automatic_sessions = 2;
  world.alice_calls.endpoint().set_policy(policy);
  world.alice_calls.set_files({{}, folder / "heard.wav"});
  REQUIRE(world.bob_calls_alice().has_value());
  world.run(2s);
  REQUIRE(world.bob_calls_alice().has_value());
  world.run(2s);
  world.alice_calls.endpoint().hang_up(world.alice.watching.call, direct::Reason::normal, world.now);
  world.run(1s);
  CHECK(world.alice.watching.statistics->record == folder / "heard-2.wav");
  CHECK(device::read_wav(folder / "heard-2.wav").value().samples.size() >= 48000);
  CHECK(world.alice_calls.statistics(1).has_value());
}

TEST_CASE("a process that was held up catches up a short while and skips a long one") {
  World world;
  const auto call = world.bob_calls_alice();
  REQUIRE(call.has_value());
  world.run(1s);
  const auto before = world.bob_calls.statistics(*call).value().rtp.packets_sent;
  world.now += 200ms;
  world.timers.advance(world.now);
  const auto after = world.bob_calls.statistics(*call).value().rtp.packets_sent;
  CHECK(after - before >= 9);
  CHECK(after - before <= 11);
  world.now += 5s;
  world.timers.advance(world.now);
  CHECK(world.bob_calls.statistics(*call).value().rtp.packets_sent - after <= 2);
}
