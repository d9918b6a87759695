// Modelled networks in virtual time: how much is concealed, how long packets wait, how soon it recovers.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "media/jitter/buffer.hpp"
#include "protocol/base/random.hpp"

using namespace beckon;
using namespace beckon::jitter;

namespace {

struct Packet {
  int n;
  Time arrival;
};

/// What a listener made of a trace, tick by tick.
struct Heard {
  struct Tick {
    Time at{};
    bool concealed = false;  ///< Something in these 20 ms.
    Duration delay{};        ///< Of the fastest packets.
  };
  std::vector<Tick> ticks;
  Counters counters;

  double concealed_share() const {
    return static_cast<double>(counters.concealed) /
           static_cast<double>(counters.played + counters.concealed);
  }
  Duration mean_wait() const { return counters.waited / static_cast<Duration::rep>(counters.played); }
  double milliseconds(Duration time) const { return std::chrono::duration<double, std::milli>(time).count(); }
  /// From `when` to the beginning of the first half second without a disturbance.
  Duration recovery(Time when) const {
    Duration clean{};
    for (const Tick& tick : ticks) {
      if (tick.at < when) continue;
      clean = tick.concealed ? Duration(0) : clean + 20ms;
      if (clean >= 500ms) return tick.at + 20ms - clean - when;
    }
    return Duration::max();
  }
  Duration delay_at(Time when) const {
    Duration delay{};
    for (const Tick& tick : ticks) {
      if (tick.at <= when) delay = tick.delay;
    }
    return delay;
  }
};

/// Plays a trace. Speech is modelled as having a period of 8 ms in every frame; one in `stubborn` is none
/// that can be stretched with care.
Heard listen(std::vector<Packet> packets, Duration length, unsigned stubborn = 3) {
  std::sort(packets.begin(), packets.end(), [](const Packet& a, const Packet& b) {
    return std::pair(a.arrival, a.n) < std::pair(b.arrival, b.n);
  });
  Buffer buffer;
  Heard heard;
  Duration queued{};
  unsigned frames = 0;
  bool concealed_queued = false;
  auto next = packets.begin();
  const auto put = [&](Time until) {
    for (; next != packets.end() && next->arrival <= until; ++next) {
      const Bytes payload{static_cast<std::uint8_t>(next->n)};
      buffer.put(static_cast<std::uint32_t>(next->n) * 960, payload, next->arrival);
    }
  };
  put(packets.front().arrival);
  for (Time now = *buffer.begins(); now < packets.front().arrival + length; now += 20ms) {
    put(now);
    Heard::Tick tick{.at = now, .concealed = concealed_queued && queued > Duration(0), .delay = {}};
    while (queued < 20ms) {
      const Playout playout = buffer.get(now, queued);
      if (playout.kind == Playout::Kind::nothing) queued = 20ms;
      if (playout.kind == Playout::Kind::nothing) break;
      queued += 20ms;
      concealed_queued = playout.kind == Playout::Kind::lost;
      tick.concealed |= concealed_queued;
      if (playout.pace == Playout::Pace::even || (++frames % stubborn == 0 && !playout.urgent)) continue;
      const Duration change = playout.pace == Playout::Pace::faster ? -8ms : 8ms;
      queued += change;
      buffer.on_stretched(change);
    }
    queued -= 20ms;
    tick.delay = buffer.delay();
    heard.ticks.push_back(tick);
  }
  heard.counters = buffer.counters();
  return heard;
}

using Way = std::function<std::optional<Duration>(int n, SeededRandom& random)>;

/// `period`: from one packet to the next by the receiver's clock. `way`: how long each is on its way; empty:
/// lost.
std::vector<Packet> trace(int count, std::uint64_t seed, const Way& way, double period_us = 20'000) {
  SeededRandom random(seed);
  std::vector<Packet> packets;
  for (int n = 0; n < count; ++n) {
    const Time sent = Time{} + 1000s + Duration(std::llround(n * period_us));
    if (const auto delay = way(n, random)) packets.push_back({n, sent + *delay});
  }
  return packets;
}

Way uniform(std::int64_t most_ms) {
  return [most_ms](int, SeededRandom& random) {
    return std::optional(50ms + Duration(static_cast<Duration::rep>(
                                    random.below(static_cast<std::uint64_t>(most_ms * 1000 + 1)))));
  };
}

}  // namespace

TEST_CASE("an even network: nothing is concealed or stretched, and packets wait one frame") {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    CAPTURE(seed);
    const Heard heard = listen(trace(3000, seed, uniform(3)), 60s);
    CHECK(heard.counters.concealed == 0);
    CHECK(heard.counters.shortened + heard.counters.lengthened <= 16ms);
    CHECK(heard.mean_wait() <= 22ms);
  }
}

TEST_CASE("jitter is covered: few frames are concealed, and packets wait little longer than it is") {
  const struct {
    int jitter_ms;
    double concealed;
    Duration wait;
  } rows[] = {{10, 0.001, 25ms}, {20, 0.01, 35ms}, {40, 0.015, 50ms}, {60, 0.015, 65ms}};
  for (const auto& row : rows) {
    for (std::uint64_t seed = 1; seed <= 10; ++seed) {
      CAPTURE(row.jitter_ms);
      CAPTURE(seed);
      const Heard heard = listen(trace(3000, seed, uniform(row.jitter_ms)), 60s);
      CHECK(heard.concealed_share() <= row.concealed);
      CHECK(heard.mean_wait() <= row.wait);
    }
  }
}

TEST_CASE("loss alone lengthens nothing: what is lost is concealed and no more") {
  for (const double loss : {0.01, 0.1, 0.2}) {
    for (std::uint64_t seed = 1; seed <= 10; ++seed) {
      CAPTURE(loss);
      CAPTURE(seed);
      int lost = 0;
      const auto way = [&](int n, SeededRandom& random) -> std::optional<Duration> {
        if (n > 0 && random.unit() < loss) return ++lost, std::nullopt;
        return 50ms + Duration(static_cast<Duration::rep>(random.below(3000)));
      };
      const Heard heard = listen(trace(3000, seed, way), 60s);
      CHECK(heard.counters.concealed <= static_cast<std::uint64_t>(lost) + 3);
      CHECK(heard.counters.late == 0);
      CHECK(heard.mean_wait() <= 25ms);
    }
  }
}

TEST_CASE("bursts of three lost packets are concealed, and the delay stays") {
  const auto way = [](int n, SeededRandom&) -> std::optional<Duration> {
    if (n % 50 >= 20 && n % 50 < 23) return std::nullopt;
    return 50ms;
  };
  const Heard heard = listen(trace(3000, 1, way), 60s);
  CHECK(heard.counters.concealed == 180);
  CHECK(heard.mean_wait() <= 25ms);
}

TEST_CASE("one packet that comes very late does not raise the delay for those after it") {
  const auto way = [](int n, SeededRandom&) -> std::optional<Duration> { return n == 500 ? 350ms : 50ms; };
  const Heard heard = listen(trace(1500, 1, way), 30s);
  CHECK(heard.counters.concealed == 1);
  CHECK(heard.counters.late == 1);
  CHECK(heard.mean_wait() <= 21ms);
}

TEST_CASE("a spike, a standstill of 150 ms whose packets come at once, is concealed and forgotten") {
  const Time spike = Time{} + 1000s + 500 * 20ms;
  const auto way = [](int n, SeededRandom&) -> std::optional<Duration> {
    return n >= 500 && n < 508 ? 50ms + (508 - n) * 20ms : 50ms;
  };
  const Heard heard = listen(trace(1500, 1, way), 30s);
  CHECK(heard.counters.concealed <= 9);
  CHECK(heard.counters.late == 0);
  CHECK(heard.recovery(spike) <= 300ms);
  CHECK(heard.delay_at(spike + 3s) <= 45ms);
}

TEST_CASE("a path that becomes 150 ms longer is absorbed within a second, and no delay is left over") {
  const Time step = Time{} + 1000s + 500 * 20ms;
  for (const std::int64_t jitter : {3, 20}) {
    for (std::uint64_t seed = 1; seed <= 10; ++seed) {
      CAPTURE(jitter);
      CAPTURE(seed);
      const auto way = [&](int n, SeededRandom& random) {
        return *uniform(jitter)(n, random) + (n >= 500 ? 150ms : 0ms);
      };
      const Heard heard = listen(
          trace(1500, seed, [&](int n, SeededRandom& r) { return std::optional<Duration>(way(n, r)); }), 30s);
      CHECK(heard.recovery(step) <= 1s);
      CHECK(heard.delay_at(step + 3s) <= 60ms);
      CHECK(heard.concealed_share() <= 0.02);
    }
  }
}

TEST_CASE("a path that becomes 150 ms shorter: the delay shrinks most of the way in a second") {
  const Time step = Time{} + 1000s + 500 * 20ms;
  const auto way = [](int n, SeededRandom&) -> std::optional<Duration> { return n >= 500 ? 50ms : 200ms; };
  const Heard heard = listen(trace(1500, 1, way), 29s);
  CHECK(heard.counters.concealed == 0);
  CHECK(heard.delay_at(step + 1s) <= 60ms);
  CHECK(heard.delay_at(step + 2s) <= 35ms);
}

TEST_CASE("a sender's clock that runs 200 ppm fast or slow is followed without a concealed frame") {
  for (const double ppm : {-200.0, 200.0}) {
    CAPTURE(ppm);
    const Heard heard = listen(trace(15'000, 1, uniform(3), 20'000 * (1 + ppm / 1e6)), 295s);
    CHECK(heard.counters.concealed == 0);
    CHECK(heard.counters.stray == 0);
    CHECK(heard.mean_wait() <= 35ms);
    CHECK(heard.counters.shortened + heard.counters.lengthened >= 40ms);
    CHECK(heard.counters.shortened + heard.counters.lengthened <= 100ms);
  }
}

TEST_CASE("reordering has its price: when it is frequent it is waited for, when it is rare it is not") {
  const auto swapped = [](int every) {
    return [every](int n, SeededRandom&) -> std::optional<Duration> { return n % every == 7 ? 85ms : 50ms; };
  };
  const Heard often = listen(trace(3000, 1, swapped(10)), 60s);
  CHECK(often.concealed_share() <= 0.01);
  CHECK(often.mean_wait() <= 55ms);
  const Heard rarely = listen(trace(3000, 1, swapped(200)), 60s);
  CHECK(rarely.concealed_share() <= 0.006);
  CHECK(rarely.mean_wait() <= 40ms);
}

TEST_CASE("duplicates are dropped and change nothing") {
  auto packets = trace(1000, 3, uniform(20));
  const Heard once = listen(packets, 20s);
  const auto size = packets.size();
  for (std::size_t i = 0; i < size; i += 2) packets.push_back({packets[i].n, packets[i].arrival + 15ms});
  const Heard twice = listen(packets, 20s);
  CHECK(twice.counters.played == once.counters.played);
  CHECK(twice.counters.concealed == once.counters.concealed);
  CHECK(twice.counters.duplicate == size / 2);
}

TEST_CASE("the target stays inside its bounds") {
  Buffer buffer({.max_delay = 60ms});
  SeededRandom random(3);
  for (int n = 0; n < 300; ++n) {
    buffer.put(static_cast<std::uint32_t>(n) * 960, Bytes{0},
               Time{} + n * 20ms + Duration(static_cast<Duration::rep>(random.below(19'000))) +
                   (n % 7 == 0 ? 300ms : 0ms));
  }
  CHECK(buffer.target() <= 60ms);
  CHECK(buffer.target() >= 20ms);
}
