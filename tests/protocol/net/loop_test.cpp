#include "protocol/net/loop.hpp"

#include <doctest/doctest.h>
#include <signal.h>

#include <algorithm>
#include <functional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tests/protocol/net/support.hpp"

using namespace beckon;
using namespace beckon::net;

TEST_CASE("the loop runs timers that are due, and a timer set from a handler is not missed") {
  Loop loop;
  int ran = 0;
  loop.timers().set(loop.now().mono, [&](Time now) {
    ++ran;
    loop.timers().set(now + 5ms, [&](Time) { ++ran; });
  });
  CHECK(loop.run_until([&] { return ran == 2; }, net::test::limit));
}

TEST_CASE("many timers that are due together let handlers have their turn between") {
  constexpr int count = 20, per_turn = 5;  // each works for a millisecond, a turn's timers for five
  Loop loop;
  int ran = 0;
  std::vector<int> turns;  // timers that had run when a handler ran
  const std::function<void()> handle = [&] {
    turns.push_back(ran);
    if (ran < count) loop.post([&] { handle(); });
  };
  for (int i = 0; i < count; ++i)
    loop.timers().set(loop.now().mono, [&](Time) {
      ++ran;
      const Time end = loop.clock().measure() + 1ms;
      while (loop.clock().measure() < end) {
      }
    });
  loop.post([&] { handle(); });
  CHECK(loop.run_until([&] { return !turns.empty() && turns.back() == count; }, net::test::limit));
  int before = 0, most = 0;
  for (const int each : turns) most = std::max(most, each - std::exchange(before, each));
  CHECK(most <= per_turn);
}

TEST_CASE("run_until returns at its time limit") {
  Loop loop;
  CHECK_FALSE(loop.run_until([] { return false; }, 10ms));
}

TEST_CASE("work may be posted from another thread, and stop ends a run from there") {
  Loop loop;
  std::vector<int> ran;
  std::thread other([&] {
    for (int i = 0; i < 100; ++i) loop.post([&ran, i] { ran.push_back(i); });
    loop.post([&loop] { loop.stop(); });
  });
  loop.run();
  other.join();
  REQUIRE(ran.size() == 100);
  CHECK(std::is_sorted(ran.begin(), ran.end()));
}

TEST_CASE("work for the end of a turn runs once, after the handlers that were ready") {
  Loop loop;
  std::string order;
  loop.post([&] {
    loop.at_turn_end([&] { order += 'e'; });
    order += 'a';
  });
  loop.post([&] { order += 'b'; });
  CHECK(loop.run_until([&] { return order.size() == 3; }, net::test::limit));
  CHECK(order == "abe");
}

TEST_CASE("a signal becomes a call on the loop") {
  Loop loop;
  int got = 0;
  loop.on_signal({SIGHUP, SIGTERM}, [&](int signal) { got = signal; });
  ::raise(SIGHUP);
  CHECK(loop.run_until([&] { return got == SIGHUP; }, net::test::limit));
  ::raise(SIGTERM);
  CHECK(loop.run_until([&] { return got == SIGTERM; }, net::test::limit));
}
