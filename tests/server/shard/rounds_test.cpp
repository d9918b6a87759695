#include "server/shard/rounds.hpp"

#include <doctest/doctest.h>

#include <string>

#include "server/shard/flow_index.hpp"
#include "server/store/memory.hpp"
#include "tests/support/virtual_clock.hpp"

namespace beckon::server {

namespace {

/// The clock of a loop: it stands still while an event is handled, and work takes its time all the same.
struct BusyClock final : Clock {
  Now now() override { return {at, WallTime{}}; }
  Time measure() override { return at + (worked += cost); }
  Time at{1000s};
  Duration worked{}, cost{};
};

struct Work {
  BusyClock clock;
  TimerQueue timers;
  std::string done;  ///< A letter for each visit; '|' ends a slice.
  unsigned left[2] = {0, 0};
  FlowRounds rounds{timers, clock, [this](transaction::FlowId flow, Slice& slice, Now) {
                      unsigned& of_flow = left[flow];
                      bool is_left = false;
                      while (of_flow != 0 && !(is_left = !slice.take())) {
                        --of_flow;
                        done += static_cast<char>('a' + flow);
                      }
                      done += '|';
                      return is_left;
                    }};

  void start(transaction::FlowId flow, unsigned visits) {
    left[flow] += visits;
    rounds.start(flow);
  }
  void turn() {
    clock.at += 1us;
    timers.advance(clock.at);
  }
};

std::string times(char what, unsigned count) { return std::string(count, what) + '|'; }

}  // namespace

TEST_CASE("a slice ends after its visits, or after its time where visits are long") {
  BusyClock clock;
  const auto visits = [&] {
    Slice slice(clock);
    unsigned count = 0;
    while (slice.take()) ++count;
    return count;
  };
  CHECK(visits() == Slice::visits_max);
  clock.cost = Slice::time_max / 4;
  CHECK(visits() == 4);
  clock.cost = Slice::time_max;
  CHECK(visits() == 1);  // it goes on in any case
}

TEST_CASE("short work is done at once, long work in turns of one slice, and subjects alternate") {
  constexpr unsigned most = Slice::visits_max;
  Work work;
  work.start(0, 3);
  CHECK(work.done == "aaa|");
  CHECK(work.rounds.is_idle());
  work.done.clear();
  work.start(0, 2 * most + 1);
  work.start(1, most + 1);
  CHECK(work.done == times('a', most) + times('b', most));
  CHECK_FALSE(work.rounds.is_idle());
  work.done.clear();
  work.start(0, 1);  // its turn comes
  CHECK(work.done.empty());
  work.turn();
  CHECK(work.done == times('a', most));
  work.turn();
  CHECK(work.done == times('a', most) + "b|");
  work.turn();
  CHECK(work.done == times('a', most) + "b|" + "aa|");
  CHECK(work.rounds.is_idle());
  CHECK(work.timers.size() == 0);
}

TEST_CASE("an index of flows names each entry of a flow once, and keeps it") {
  beckon::test::VirtualClock clock;
  TimerQueue timers;
  store::Memory memory;
  store::MemoryStore store{memory, timers, clock};
  store::MemoryUsers users{memory, timers, clock};
  store::LocalBus bus{timers, clock};
  Directory directory{{store, users, bus, timers, clock}};
  FlowIndex index;
  for (const char* aor : {"sip:a@example.org", "sip:b@example.org", "sip:a@example.org"})
    index.add(7, *directory.get(aor));
  index.add(8, *directory.get("sip:c@example.org"));
  CHECK(directory.size() == 3);
  CHECK(index.size() == 3);
  CHECK_FALSE(index.first(6));
  for (int left = 2; left > 0; --left) {
    const EntryPtr entry = index.first(7);
    REQUIRE(entry);
    index.remove(7, *entry);
    index.remove(7, *entry);
  }
  CHECK_FALSE(index.first(7));
  CHECK(index.first(8)->aor() == "sip:c@example.org");
  CHECK(directory.size() == 1);
}

}  // namespace beckon::server
