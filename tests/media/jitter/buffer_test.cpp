#include "media/jitter/buffer.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "protocol/base/random.hpp"

using namespace beckon;
using namespace beckon::jitter;

namespace {

constexpr std::uint32_t first_timestamp = 0xfffff000U;  // wraps soon

/// Packet `n` of a stream, whose payload is its number.
void put(Buffer& buffer, int n, Time arrival) {
  const Bytes payload{static_cast<std::uint8_t>(n >> 8), static_cast<std::uint8_t>(n)};
  buffer.put(first_timestamp + static_cast<std::uint32_t>(n) * 960, payload, arrival);
}

int number(ByteView payload) { return payload[0] << 8 | payload[1]; }

/// "." nothing, "?" concealed, else the number.
std::string show(const Playout& playout) {
  if (playout.kind == Playout::Kind::nothing) return ".";
  if (playout.kind == Playout::Kind::lost) return "?";
  return std::to_string(number(playout.payload));
}

struct Arrival {
  int n;
  int ms;
};

/// Plays `ticks` frames from time 0 on, one each 20 ms; packets are put in when their time has come.
std::string run(Buffer& buffer, std::vector<Arrival> arrivals, int ticks) {
  std::sort(arrivals.begin(), arrivals.end(),
            [](const Arrival& a, const Arrival& b) { return std::pair(a.ms, a.n) < std::pair(b.ms, b.n); });
  std::string out;
  auto next = arrivals.begin();
  for (int tick = 0; tick < ticks; ++tick) {
    const Time now = Time{} + tick * 20ms;
    for (; next != arrivals.end() && Time{} + next->ms * 1ms <= now; ++next)
      put(buffer, next->n, Time{} + next->ms * 1ms);
    out += (tick == 0 ? "" : " ") + show(buffer.get(now));
  }
  return out;
}

}  // namespace

TEST_CASE("packets are played in order, 40 ms after the first one came") {
  struct Row {
    const char* what;
    std::vector<Arrival> arrivals;
    const char* played;
    Counters counters;
  };
  const Row rows[] = {
      {"an even stream", {{0, 0}, {1, 20}, {2, 40}, {3, 60}}, ". . 0 1 2 3", {.played = 4}},
      {"one lost", {{0, 0}, {2, 40}, {3, 60}}, ". . 0 ? 2 3", {.played = 3, .concealed = 1}},
      {"two swapped", {{0, 0}, {2, 20}, {1, 40}, {3, 60}}, ". . 0 1 2 3", {.played = 4}},
      {"the first two swapped", {{1, 0}, {0, 5}, {2, 40}}, ". . 0 1 2", {.played = 3}},
      {"one doubled before its turn", {{0, 0}, {1, 20}, {1, 21}}, ". . 0 1", {.duplicate = 1, .played = 2}},
      {"one doubled after its turn", {{0, 0}, {1, 20}, {0, 50}}, ". . 0 1", {.duplicate = 1, .played = 2}},
      {"one too late", {{0, 0}, {1, 70}, {2, 40}}, ". . 0 ? 2", {.late = 1, .played = 2, .concealed = 1}},
      {"one too late, twice",
       {{0, 0}, {1, 70}, {1, 75}, {2, 40}},
       ". . 0 ? 2",
       {.late = 1, .duplicate = 1, .played = 2, .concealed = 1}},
      {"nothing at all", {}, ". . .", {}},
  };
  for (const Row& row : rows) {
    CAPTURE(row.what);
    Buffer buffer;
    const auto ticks =
        static_cast<int>(std::count(row.played, row.played + std::string(row.played).size(), ' ')) + 1;
    CHECK(run(buffer, row.arrivals, ticks) == row.played);
    const Counters& got = buffer.counters();
    CHECK(got.late == row.counters.late);
    CHECK(got.duplicate == row.counters.duplicate);
    CHECK(got.played == row.counters.played);
    CHECK(got.concealed == row.counters.concealed);
  }
}

TEST_CASE(
    "for a missing frame the payload after it is offered, so that its redundancy can be used (RFC 7587 "
    "3.3)") {
  Buffer buffer;
  put(buffer, 0, Time{});
  put(buffer, 2, Time{} + 40ms);
  CHECK(show(buffer.get(Time{} + 40ms)) == "0");
  const Playout lost = buffer.get(Time{} + 60ms);
  REQUIRE(lost.kind == Playout::Kind::lost);
  REQUIRE(lost.next.size() == 2);
  CHECK(number(lost.next) == 2);
}

TEST_CASE("a sender that pauses is played again 40 ms after it resumes") {
  Buffer buffer;
  std::vector<Arrival> arrivals{{0, 0}, {1, 20}};
  // 100 frames later in time: silence was left out.
  const std::string played = run(buffer, arrivals, 60);
  CHECK(played.starts_with(". . 0 1 ?"));
  CHECK(played.ends_with(". . ."));
  buffer.put(first_timestamp + 100 * 960, Bytes{0, 100}, Time{} + 2000ms);
  CHECK(show(buffer.get(Time{} + 2020ms)) == ".");
  CHECK(show(buffer.get(Time{} + 2040ms)) == "100");
}

TEST_CASE("one wild timestamp is dropped, a sender whose clock jumped is followed") {
  Buffer buffer;
  put(buffer, 0, Time{});
  CHECK(show(buffer.get(Time{} + 40ms)) == "0");
  buffer.put(first_timestamp + 5'000'000, Bytes{9, 9}, Time{} + 41ms);
  CHECK(buffer.counters().stray == 1);
  put(buffer, 1, Time{} + 42ms);
  CHECK(show(buffer.get(Time{} + 60ms)) == "1");

  for (int n = 0; n < 5; ++n) put(buffer, 20000 + n, Time{} + 80ms + n * 20ms);
  CHECK(buffer.counters().stray == 6);
  CHECK(show(buffer.get(Time{} + 180ms)) == ".");
  CHECK(show(buffer.get(Time{} + 200ms)) == "20004");
}

TEST_CASE("the delay grows to what the network needs, and shrinks again when it calms") {
  Buffer buffer;
  SeededRandom random(7);
  std::vector<Arrival> arrivals;
  // 10 s with up to 100 ms of jitter, then 20 s without.
  for (int n = 0; n < 1500; ++n) {
    arrivals.push_back({n, n * 20 + (n < 500 ? static_cast<int>(random.below(100)) : 0)});
  }
  run(buffer, {arrivals.begin(), arrivals.begin() + 500}, 500);
  CHECK(buffer.target() >= 80ms);
  CHECK(buffer.target() <= 120ms);
  const Counters rough = buffer.counters();
  CHECK(rough.late <= 40);  // while it learned, and the slowest 3 of 100
  for (int n = 500; n < 1500; ++n) {
    put(buffer, n, Time{} + n * 20ms);
    buffer.get(Time{} + n * 20ms);
  }
  CHECK(buffer.target() == 20ms);
  CHECK(buffer.counters().late == rough.late);
  CHECK(buffer.counters().skipped >= 2);
}

TEST_CASE("on a good network no frame is ever skipped or concealed, however the ticks of both sides lie") {
  for (int offset = 0; offset < 20; ++offset) {
    CAPTURE(offset);
    Buffer buffer;
    SeededRandom random(static_cast<std::uint64_t>(offset));
    std::vector<Arrival> arrivals;
    for (int n = 0; n < 1000; ++n)
      arrivals.push_back({n, n * 20 + offset + static_cast<int>(random.below(4))});
    run(buffer, arrivals, 1000);
    CHECK(buffer.counters().skipped == 0);
    CHECK(buffer.counters().concealed == 0);
  }
}

TEST_CASE("the delay stays inside its bounds") {
  Buffer buffer({.max_delay = 60ms});
  SeededRandom random(3);
  std::vector<Arrival> arrivals;
  for (int n = 0; n < 300; ++n) arrivals.push_back({n, n * 20 + static_cast<int>(random.below(400))});
  run(buffer, arrivals, 300);
  CHECK(buffer.target() == 60ms);
}

TEST_CASE("a sender's clock that runs 1 in 1000 fast or slow is followed without a break") {
  for (const int period_us : {19980, 20020}) {
    CAPTURE(period_us);
    Buffer buffer;
    int sent = 0;
    for (int tick = 0; tick < 15000; ++tick) {  // 5 minutes: 300 ms of drift
      const Time now = Time{} + tick * 20ms;
      for (; Time{} + Duration(sent * period_us) <= now; ++sent)
        put(buffer, sent, Time{} + Duration(sent * period_us));
      buffer.get(now);
    }
    const Counters& got = buffer.counters();
    CHECK(got.stray == 0);
    CHECK(got.late <= 20);
    CHECK(got.skipped + got.concealed >= 10);
    CHECK(got.skipped + got.concealed <= 60);
  }
}

TEST_CASE(
    "random loss, delay, reordering and duplication: each packet is played at most once, in order, and "
    "counted") {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    CAPTURE(seed);
    SeededRandom random(seed);
    const std::uint64_t jitter = 1 + random.below(150);
    const double loss = random.unit() * 0.3;
    const double twice = random.unit() * 0.2;
    std::multimap<int, int> arrivals;  // ms -> n
    std::set<int> sent;
    std::uint64_t copies = 0;
    constexpr int packets = 1000;
    for (int n = 0; n < packets; ++n) {
      if (random.unit() < loss) continue;
      sent.insert(n);
      for (int copy = 0; copy < (random.unit() < twice ? 2 : 1); ++copy, ++copies) {
        arrivals.emplace(n * 20 + static_cast<int>(random.below(jitter)), n);
      }
    }
    Buffer buffer;
    int last = -1;
    std::uint64_t frames = 0;
    auto next = arrivals.begin();
    for (int tick = 0; tick < packets + 20; ++tick) {
      const Time now = Time{} + tick * 20ms;
      for (; next != arrivals.end() && next->first <= tick * 20; ++next)
        put(buffer, next->second, Time{} + next->first * 1ms);
      const Playout playout = buffer.get(now);
      if (playout.kind != Playout::Kind::frame) continue;
      ++frames;
      CHECK(number(playout.payload) > last);
      last = number(playout.payload);
      CHECK(sent.contains(last));
    }
    const Counters& got = buffer.counters();
    CHECK(got.played == frames);
    CHECK(sent.size() + got.duplicate == copies);
    // What came and was not played was late, left out on purpose, or is waiting still.
    CHECK(got.played + got.late + got.skipped + 16 >= sent.size());
    CHECK(got.late <= sent.size() / 8);
  }
}
