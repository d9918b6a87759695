#include "protocol/base/timers.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace beckon;

TEST_CASE("timers run in order of their time, and a callback may set and cancel others") {
  TimerQueue timers;
  std::string ran;
  const Time t0{};
  timers.set(t0 + 20ms, [&](Time) { ran += 'b'; });
  const TimerId dropped = timers.set(t0 + 30ms, [&](Time) { ran += 'x'; });
  timers.set(t0 + 10ms, [&](Time now) {
    ran += 'a';
    timers.cancel(dropped);
    timers.set(now, [&](Time) { ran += '+'; });
  });
  CHECK(timers.next() == t0 + 10ms);
  timers.advance(t0 + 40ms);
  CHECK(ran == "ab+");
  CHECK(timers.size() == 0);
}

TEST_CASE("a Timer is cancelled with its owner and can be set again") {
  TimerQueue timers;
  int ran = 0;
  {
    Timer timer(timers);
    timer.set(Time{} + 1s, [&](Time) { ++ran; });
    timer.set(Time{} + 2s, [&](Time) { ran += 10; });
    CHECK(timers.size() == 1);
    timers.advance(Time{} + 2s);
    CHECK(ran == 10);
    timer.set(Time{} + 3s, [&](Time) { ran += 100; });
  }
  timers.advance(Time{} + 4s);
  CHECK(ran == 10);
}
