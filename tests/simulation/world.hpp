#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "protocol/base/random.hpp"
#include "protocol/base/time.hpp"
#include "protocol/base/timers.hpp"
#include "tests/simulation/heap.hpp"

namespace beckon::simulation {

/// One history: a virtual clock and the processes that live on it. Everything random comes from the seed, so
/// the same seed gives the same history. One thread.
class World final : public Clock {
 public:
  explicit World(std::uint64_t seed) : random_(seed) {}

  Now now() override { return now_; }
  Random& random() { return random_; }

  /// Notes that something happened now. Called for each message that moves and each event that a user sees.
  void note(std::string_view what, std::string_view detail = {});
  /// Two histories in which the same things happened at the same times, in the same order, have the same.
  std::uint64_t digest() const { return digest_; }
  /// How many things were noted.
  std::uint64_t noted() const { return noted_; }

  /// Timers of one process; what runs on them allocates for `owner`. They go with the returned handle: a
  /// process that crashes leaves none behind.
  std::shared_ptr<TimerQueue> make_timers(heap::Owner owner);
  /// What belongs to no process: the network, the experiment itself.
  TimerQueue& timers() { return *own_; }

  /// Lets time pass until `done()` holds (true) or `limit` of virtual time is over or nothing is left to
  /// happen (false).
  bool run_until(const std::function<bool()>& done, Duration limit);
  void run_for(Duration duration);

 private:
  /// When something happens next; Time::max() for never. Forgets processes that are gone.
  Time next();
  void advance(Time to);

  static constexpr Time begin_mono = Time{} + 1h;
  static constexpr WallTime begin_wall{std::chrono::milliseconds(1'795'000'000'000)};

  struct Queue {
    std::weak_ptr<TimerQueue> timers;
    heap::Owner owner = heap::Owner::nobody;
  };

  SeededRandom random_;
  std::uint64_t digest_ = 0;
  std::uint64_t noted_ = 0;
  Now now_{begin_mono, begin_wall};
  std::shared_ptr<TimerQueue> own_ = std::make_shared<TimerQueue>();
  std::vector<Queue> queues_{Queue{own_, heap::Owner::nobody}};
};

}  // namespace beckon::simulation
