#include "protocol/base/timers.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "protocol/base/random.hpp"

using namespace beckon;

namespace {

constexpr Time t0{};

/// The contract of TimerQueue in its plainest form: a map from time and order of setting to a number.
class Reference {
 public:
  void set(std::size_t timer, Time when) {
    cancel(timer);
    const auto key = std::pair(when, ++last_);
    pending_.emplace(key, timer);
    keys_[timer] = key;
  }
  void cancel(std::size_t timer) {
    if (const auto known = keys_.find(timer); known != keys_.end()) {
      pending_.erase(known->second);
      keys_.erase(known);
    }
  }
  std::optional<std::size_t> take(Time now) {
    if (pending_.empty() || pending_.begin()->first.first > now) return std::nullopt;
    const auto timer = pending_.begin()->second;
    cancel(timer);
    return timer;
  }
  std::optional<Time> next() const {
    return pending_.empty() ? std::nullopt : std::optional(pending_.begin()->first.first);
  }
  std::size_t size() const { return pending_.size(); }

 private:
  std::map<std::pair<Time, std::uint64_t>, std::size_t> pending_;
  std::map<std::size_t, std::pair<Time, std::uint64_t>> keys_;
  std::uint64_t last_ = 0;
};

/// A time from now: within a slot, within a level, hours and days away, or past.
Duration any_distance(Random& random) {
  switch (random.below(8)) {
    case 0:
      return Duration(static_cast<Duration::rep>(random.below(3)));
    case 1:
      return Duration(static_cast<Duration::rep>(random.below(2000)));
    case 2:
      return 500ms;
    case 3:
      return Duration(static_cast<Duration::rep>(random.below(100'000)));
    case 4:
      return std::chrono::milliseconds(random.below(10'000));
    case 5:
      return std::chrono::seconds(random.below(86'400));
    case 6:
      return std::chrono::hours(random.below(2000));
    default:
      return -Duration(static_cast<Duration::rep>(random.below(5000)));
  }
}

/// Timers that are set, set again, cancelled and run as in `Reference`, from outside and from callbacks.
struct Comparison {
  static constexpr std::size_t count = 300;

  explicit Comparison(std::uint64_t seed) : random(seed) {
    for (std::size_t i = 0; i < count; ++i) timers.push_back(std::make_unique<Timer>(queue));
  }
  void act() {
    const auto timer = random.below(count);
    if (random.below(4) == 0) {
      timers[timer]->cancel();
      reference.cancel(timer);
    } else if (random.below(50) == 0) {
      timers[timer] = std::make_unique<Timer>(queue);
      reference.cancel(timer);
    } else {
      const Time when = now + any_distance(random);
      timers[timer]->set(when, [this, timer, when](Time at) { on_timer(timer, when, at); });
      reference.set(timer, when);
    }
  }
  void on_timer(std::size_t timer, Time when, Time at) {
    ++ran;
    wrong += at != now || when > at;
    wrong += reference.take(now) != timer;
    if (random.below(2) == 0) act();
  }
  void advance(Time to) {
    now = to;
    queue.advance(now);
    wrong += reference.take(now).has_value();
    wrong += queue.size() != reference.size();
  }
  /// Leaves off in the middle of what is due.
  void step(Time to) {
    now = to;
    for (auto steps = random.below(4); steps > 0 && queue.step(now); --steps) {
    }
    wrong += queue.size() != reference.size();
  }

  SeededRandom random;
  TimerQueue queue;
  Reference reference;
  std::vector<std::unique_ptr<Timer>> timers;
  Time now{};
  std::size_t ran = 0;
  std::size_t wrong = 0;
};

}  // namespace

TEST_CASE("timers run in order of their time, and a callback may set and cancel others") {
  TimerQueue timers;
  std::string ran;
  timers.set(t0 + 20ms, [&](Time) { ran += 'b'; });
  Timer dropped(timers);
  dropped.set(t0 + 30ms, [&](Time) { ran += 'x'; });
  timers.set(t0 + 10ms, [&](Time now) {
    ran += 'a';
    dropped.cancel();
    timers.set(now, [&](Time) { ran += '+'; });
  });
  CHECK(timers.next() == t0 + 10ms);
  timers.advance(t0 + 40ms);
  CHECK(ran == "ab+");
  CHECK(timers.size() == 0);
}

TEST_CASE("equal times run in order of setting, whatever was set between them") {
  TimerQueue timers;
  std::string ran;
  const auto set = [&](Time when, char name) { timers.set(when, [&ran, name](Time) { ran += name; }); };
  set(t0 + 1h, 'a');
  set(t0 + 1h + 1us, 'e');
  set(t0 + 1h, 'b');
  timers.advance(t0 + 1h - 1us);
  CHECK(ran.empty());
  set(t0 + 1h, 'c');
  set(t0 + 1s, '0');  // past
  set(t0 + 1h, 'd');
  timers.advance(t0 + 2h);
  CHECK(ran == "0abcde");
}

TEST_CASE("no timer runs before its time, to the microsecond") {
  TimerQueue timers;
  int ran = 0;
  timers.set(t0 + 1500us, [&](Time) { ++ran; });
  timers.advance(t0 + 1499us);
  CHECK(ran == 0);
  CHECK(timers.next() == t0 + 1500us);
  timers.advance(t0 + 1500us);
  CHECK(ran == 1);
}

TEST_CASE("far deadlines are exact, up to the end of time") {
  for (const Duration wait :
       {Duration(1h), Duration(36h), Duration(24h * 400), Duration(24h * 365 * 50), Duration::max()}) {
    CAPTURE(wait.count());
    TimerQueue timers;
    bool ran = false;
    timers.set(Time(wait), [&](Time) { ran = true; });
    CHECK(timers.next() == Time(wait));
    timers.advance(Time(wait) - 1us);
    CHECK_FALSE(ran);
    CHECK(timers.next() == Time(wait));
    timers.advance(Time(wait));
    CHECK(ran);
  }
}

TEST_CASE("next is never later than the first timer, and exact once advance was called") {
  TimerQueue timers;
  Timer first(timers), second(timers);
  first.set(t0 + 5s, [](Time) {});
  second.set(t0 + 5s + 3ms, [](Time) {});
  first.cancel();
  REQUIRE(timers.next().has_value());
  CHECK(*timers.next() <= t0 + 5s + 3ms);
  for (int steps = 0; timers.next() != t0 + 5s + 3ms; ++steps) {
    REQUIRE(steps < 10);
    timers.advance(*timers.next());
  }
  second.cancel();
  CHECK_FALSE(timers.next());
}

TEST_CASE("a step is short, however many timers share a slot: each moves a level at a time, in parts") {
  constexpr std::size_t count = 1'000'000;
  constexpr std::size_t parts = count / TimerQueue::moves_per_step;
  for (const bool is_one_instant : {true, false}) {
    CAPTURE(is_one_instant);
    TimerQueue timers;
    std::size_t ran = 0, steps = 0, longest = 0, wrong = 0;
    Time last{};
    // One instant: a million lifetimes that begin at a restart. Else all within one slot of 268 s.
    for (std::size_t i = 0; i < count; ++i) {
      const Time when = t0 + 3600s + (is_one_instant ? 0us : Duration(7919 * i % 1'000'003));
      timers.set(when, [&, when](Time) {
        ++ran;
        wrong += when < last ? 1U : 0U;
        last = when;
      });
    }
    CHECK(timers.next() == t0 + 3600s);
    std::size_t before_the_first = 0;
    const Time end = t0 + 3602s;
    for (bool is_more = true; is_more; ++steps) {
      const auto before = ran;
      is_more = timers.step(end);
      longest = std::max(longest, ran - before);
      if (ran == 0) ++before_the_first;
    }
    CHECK(ran == count);
    CHECK(wrong == 0);
    CHECK(longest == 1);                     // callbacks in a step
    CHECK(before_the_first >= parts);        // not in one go
    CHECK(steps <= 2 * count + 12 * parts);  // a callback and a slot for each, and the moves
  }
}

TEST_CASE("between two steps timers can be set and cancelled, and keep their order") {
  constexpr int count = 3 * TimerQueue::moves_per_step;
  TimerQueue timers;
  std::vector<int> ran;
  std::vector<std::unique_ptr<Timer>> all;
  const auto set = [&](Time when, int number) {
    all.push_back(std::make_unique<Timer>(timers));
    all.back()->set(when, [&ran, number](Time) { ran.push_back(number); });
  };
  const Time when = t0 + 1h;
  for (int i = 0; i < count; ++i) set(when, i);
  REQUIRE(timers.step(when));
  CHECK(ran.empty());
  set(when, count);      // after those of its time that have still to move
  set(when - 1min, -1);  // past
  set(when + 1us, count + 1);
  for (int i = 0; i < count; ++i)
    if (i % 2 == 0) all[static_cast<std::size_t>(i)]->cancel();
  REQUIRE(timers.next().has_value());
  CHECK(*timers.next() <= when - 1min);
  timers.advance(when);
  REQUIRE(ran.size() == count / 2 + 2);
  CHECK(ran.front() == -1);
  CHECK(ran.back() == count);
  CHECK(std::is_sorted(ran.begin(), ran.end()));
  CHECK(timers.next() == when + 1us);
}

TEST_CASE("a Timer is cancelled with its owner and can be set again") {
  TimerQueue timers;
  int ran = 0;
  {
    Timer timer(timers);
    timer.set(t0 + 1s, [&](Time) { ++ran; });
    timer.set(t0 + 2s, [&](Time) { ran += 10; });
    CHECK(timers.size() == 1);
    timers.advance(t0 + 2s);
    CHECK(ran == 10);
    CHECK_FALSE(timer.is_set());
    timer.set(t0 + 3s, [&](Time) { ran += 100; });
  }
  timers.advance(t0 + 4s);
  CHECK(ran == 10);
}

TEST_CASE("a callback may destroy its timer, others, and what it holds itself") {
  TimerQueue timers;
  auto first = std::make_unique<Timer>(timers);
  auto second = std::make_unique<Timer>(timers);
  int ran = 0;
  first->set(t0 + 1ms, [&, kept = std::make_shared<int>(7)](Time) {
    first.reset();
    second.reset();
    ran += *kept;
  });
  second->set(t0 + 1ms, [&](Time) { ran += 100; });
  timers.advance(t0 + 1s);
  CHECK(ran == 7);
  CHECK(timers.size() == 0);
}

TEST_CASE("what a callback holds goes when its timer is cancelled, also when that is the timer's owner") {
  TimerQueue timers;
  struct Owner {
    explicit Owner(TimerQueue& queue) : timer(queue) {}
    Timer timer;
  };
  auto owner = std::make_shared<Owner>(timers);
  const std::weak_ptr<Owner> watch = owner;
  Timer* timer = &owner->timer;
  timer->set(t0 + 1s, [owner](Time) {});
  owner.reset();
  SUBCASE("by cancel") { timer->cancel(); }
  SUBCASE("by clear") { timers.clear(); }
  SUBCASE("by another callback") {
    timer->set(t0 + 2s, [](Time) {});
  }
  CHECK(watch.expired());
  CHECK(timers.size() == 0);
}

TEST_CASE("a Timer may outlive its queue") {
  auto timers = std::make_unique<TimerQueue>();
  Timer timer(*timers);
  timer.set(t0 + 1s, [](Time) {});
  timers.reset();
  CHECK_FALSE(timer.is_set());
}

TEST_CASE("a timer is small: tables hold one per entry") { CHECK(sizeof(Timer) <= 64); }

TEST_CASE("a queue does what a sorted list does, over millions of operations") {
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    CAPTURE(seed);
    Comparison both(seed);
    for (int step = 0; step < 400'000; ++step) {
      both.act();
      if (both.random.below(3) != 0) continue;
      switch (both.random.below(8)) {
        case 0:
          both.advance(both.now + std::chrono::milliseconds(both.random.below(100'000)));
          break;
        case 1:
          if (const auto next = both.queue.next()) {
            both.wrong += both.reference.next() < next;
            both.advance(std::max(both.now, *next));
          }
          break;
        case 2:
        case 3:
          both.step(both.now + Duration(static_cast<Duration::rep>(both.random.below(3000))));
          break;
        default:
          both.advance(both.now + Duration(static_cast<Duration::rep>(both.random.below(3000))));
      }
    }
    for (int steps = 0; both.queue.next() && steps < 10'000'000; ++steps)
      both.advance(std::max(both.now, *both.queue.next()));
    CHECK(both.queue.size() == 0);
    CHECK(both.wrong == 0);
    CHECK(both.ran > 100'000);
  }
}
