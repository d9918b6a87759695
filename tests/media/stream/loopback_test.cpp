#include <doctest/doctest.h>

#include <boost/asio/io_context.hpp>
#include <functional>

#include "media/device/wav.hpp"
#include "media/stream/calls.hpp"
#include "media/stream/interfaces.hpp"
#include "media/stream/udp_port.hpp"
#include "protocol/crypto/crypto.hpp"
#include "tests/media/stream/people.hpp"
#include "tests/support/virtual_clock.hpp"
#include "tools/audio/similarity.hpp"
#include "tools/audio/speech.hpp"

using namespace beckon;
using namespace beckon::stream;
using namespace beckon::stream::test;

namespace {

/// An io_context, and the timers of all that lives on it. The sockets are real, the time is not: it passes
/// when every datagram that was sent has been taken, so that no machine is too slow.
struct Thread {
  bool run_until(const std::function<bool()>& done, Duration limit = 20s) {
    const Time end = clock.at.mono + limit;
    while (!done() && clock.at.mono < end) {
      context.restart();
      if (context.poll() > 0) continue;
      const Time next = timers.next().value_or(end);
      clock.advance(std::max(next - clock.at.mono, Duration(0)), timers);
    }
    return done();
  }

  boost::asio::io_context context;
  beckon::test::VirtualClock clock;
  TimerQueue timers;
  crypto::SystemRandom random;
};

/// A person's calls on a real socket.
struct Phone final : private Network {
  Phone(Thread& own_thread, const char* aor)
      : thread(own_thread),
        person(aor, thread.random),
        port(thread.context),
        calls(person.identity, thread.random, thread.timers, person.trust, static_cast<Network&>(*this),
              person.watching) {
    const auto opened =
        port.open(*parse_address("127.0.0.1:0"),
                  {.on_datagram = [this](const Address& from,
                                         ByteView datagram) { calls.on_datagram(from, datagram, now()); },
                   .on_unreachable = [this](const Address& to) { calls.on_unreachable(to, now()); }});
    REQUIRE(opened.has_value());
  }
  Time now() const { return thread.clock.now().mono; }

  Thread& thread;
  Person person;
  UdpPort port;
  Calls calls;

 private:
  void send(const Address& to, ByteView datagram) override { port.send(to, datagram); }
};

}  // namespace

//   bob 127.0.0.1:x  == HELLO, SRTP ==>  alice 127.0.0.1:y
//                    <== ANSWER, SRTP ==
//   both voices for three seconds, then bob hangs up
TEST_CASE("two phones on loopback: each receives the other's speech unchanged") {
  const Folder folder("loopback");
  for (const auto& [name, seed] : {std::pair("alice.wav", 1), std::pair("bob.wav", 0)}) {
    REQUIRE(device::write_wav(folder / name, audio_tool::make_speech(5, static_cast<std::uint64_t>(seed)))
                .has_value());
  }
  Thread thread;
  Phone alice(thread, "sip:alice@example.org");
  Phone bob(thread, "sip:bob@example.org");
  alice.person.publish(alice.calls, bob.person.identity.aor, alice.now());
  bob.person.publish(bob.calls, alice.person.identity.aor, bob.now());
  alice.calls.set_files({folder / "alice.wav", folder / "heard-by-alice.wav"});

  const auto candidates = host_candidates(alice.port.local(), read_interfaces(), /*loopback=*/true);
  REQUIRE(candidates.size() == 1);
  const auto offer = alice.person.offer(bob.person.identity.aor, candidates[0].address, thread.random);
  const auto call =
      bob.calls.call(offer, opus(), {folder / "bob.wav", folder / "heard-by-bob.wav"}, bob.now());
  REQUIRE(call.has_value());
  REQUIRE(thread.run_until([&] { return alice.person.watching.active && bob.person.watching.active; }));
  REQUIRE(thread.run_until([&] {
    const auto figures = bob.calls.statistics(*call);
    return figures && figures->rtp.packets_sent >= 160;
  }));
  bob.calls.endpoint().hang_up(*call, direct::Reason::normal, bob.now());
  REQUIRE(
      thread.run_until([&] { return alice.person.watching.statistics && bob.person.watching.statistics; }));

  const struct {
    Phone& phone;
    const char* sent;
  } rows[] = {{alice, "bob.wav"}, {bob, "alice.wav"}};
  for (const auto& row : rows) {
    CAPTURE(row.sent);
    const CallStatistics& figures = *row.phone.person.watching.statistics;
    CHECK(figures.rtp.packets_received >= 130);
    const auto sent = device::read_wav(folder / row.sent).value();
    const auto heard = device::read_wav(figures.record).value();
    const auto skip = audio_tool::read_skip(figures.record.string() + ".json").value();
    const auto similarity = audio_tool::compare(sent, heard, skip, 1).value();
    CHECK(similarity.values.size() >= 2);
    CHECK(similarity.median() >= 0.9);
  }
}

TEST_CASE("a call to a closed port falls back at once (DIRECT_SESSIONS 8, 11)") {
  Thread thread;
  Phone bob(thread, "sip:bob@example.org");
  bob.person.publish(bob.calls, "sip:alice@example.org", bob.now());
  Person alice("sip:alice@example.org", thread.random);
  Address closed;
  {
    Phone gone(thread, "sip:alice@example.org");
    closed = gone.port.local();
  }
  const Time dialled = bob.now();
  const auto offer = alice.offer(bob.person.identity.aor, closed, thread.random);
  REQUIRE(bob.calls.call(offer, opus(), {}, dialled).has_value());
  CHECK(thread.run_until([&] { return bob.person.watching.fallback.has_value(); }));
  CHECK(bob.person.watching.fallback == direct::FallbackWanted::Why::unreachable);
  CHECK_FALSE(bob.person.watching.answered);
}
