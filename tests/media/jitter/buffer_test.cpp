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

TEST_CASE("packets are played in order, 20 ms after the first one came") {
  struct Row {
    const char* what;
    std::vector<Arrival> arrivals;
    const char* played;
    Counters counters;
  };
  const Row rows[] = {
      {"an even stream", {{0, 0}, {1, 20}, {2, 40}, {3, 60}}, ". 0 1 2 3", {.played = 4}},
      {"one lost", {{0, 0}, {2, 40}, {3, 60}}, ". 0 ? 2 3", {.played = 3, .concealed = 1}},
      {"two swapped", {{0, 0}, {2, 20}, {1, 40}, {3, 60}}, ". 0 1 2 3", {.played = 4}},
      {"the first two swapped", {{1, 0}, {0, 5}, {2, 40}}, ". 0 1 2", {.played = 3}},
      {"one doubled before its turn", {{0, 0}, {1, 20}, {1, 21}}, ". 0 1", {.duplicate = 1, .played = 2}},
      {"one doubled after its turn", {{0, 0}, {1, 20}, {0, 30}}, ". 0 1", {.duplicate = 1, .played = 2}},
      {"one after its successor's turn",
       {{0, 0}, {1, 50}, {2, 40}},
       ". 0 ? 2",
       {.late = 1, .played = 2, .concealed = 1}},
      {"one after its successor's turn, twice",
       {{0, 0}, {1, 50}, {1, 55}, {2, 40}},
       ". 0 ? 2",
       {.late = 1, .duplicate = 1, .played = 2, .concealed = 1}},
      {"one late, none before it: it is waited for",
       {{0, 0}, {1, 70}, {2, 75}, {3, 80}},
       ". 0 ? ? 1 2 3",
       {.played = 4, .concealed = 2}},
      {"one lost, and the next late: time is made good",
       {{0, 0}, {2, 70}, {3, 75}, {4, 80}},
       ". 0 ? ? 2 3 4",
       {.played = 4, .concealed = 2}},
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
  put(buffer, 2, Time{} + 30ms);
  CHECK(show(buffer.get(Time{} + 20ms)) == "0");
  const Playout lost = buffer.get(Time{} + 40ms);
  REQUIRE(lost.kind == Playout::Kind::lost);
  REQUIRE(lost.next.size() == 2);
  CHECK(number(lost.next) == 2);
}

TEST_CASE("a sender that pauses is played again 20 ms after it resumes") {
  Buffer buffer;
  std::vector<Arrival> arrivals{{0, 0}, {1, 20}};
  // 100 frames later in time: silence was left out.
  const std::string played = run(buffer, arrivals, 60);
  CHECK(played.starts_with(". 0 1 ?"));
  CHECK(played.ends_with(". . ."));
  buffer.put(first_timestamp + 100 * 960, Bytes{0, 100}, Time{} + 2000ms);
  CHECK(show(buffer.get(Time{} + 2010ms)) == ".");
  CHECK(show(buffer.get(Time{} + 2020ms)) == "100");
}

TEST_CASE("one wild timestamp is dropped, a sender whose clock jumped is followed") {
  Buffer buffer;
  put(buffer, 0, Time{});
  CHECK(show(buffer.get(Time{} + 20ms)) == "0");
  buffer.put(first_timestamp + 5'000'000, Bytes{9, 9}, Time{} + 41ms);
  CHECK(buffer.counters().stray == 1);
  put(buffer, 1, Time{} + 42ms);
  CHECK(show(buffer.get(Time{} + 43ms)) == "1");

  for (int n = 0; n < 5; ++n) put(buffer, 20000 + n, Time{} + 80ms + n * 20ms);
  CHECK(buffer.counters().stray == 6);
  CHECK(show(buffer.get(Time{} + 170ms)) == ".");
  CHECK(show(buffer.get(Time{} + 180ms)) == "20004");
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
    // What came and was not played was late, or is waiting still.
    CHECK(got.played + got.late + 16 >= sent.size());
    // Nobody plays slower here, so the delay grows only by waiting.
    CHECK(got.late <= sent.size() / 5);
  }
}
