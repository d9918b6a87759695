#include "tests/simulation/world.hpp"

#include <algorithm>

namespace beckon::simulation {
namespace {

/// FNV-1a: no adversary is about, and it is the same on every machine.
std::uint64_t mix(std::uint64_t digest, std::string_view text) {
  for (const char each : text) digest = (digest ^ static_cast<unsigned char>(each)) * 0x100000001b3U;
  return (digest ^ 0xffU) * 0x100000001b3U;
}

}  // namespace

void World::note(std::string_view what, std::string_view detail) {
  ++noted_;
  digest_ ^= static_cast<std::uint64_t>(now_.mono.time_since_epoch().count());
  digest_ = mix(mix(digest_, what), detail);
}

std::shared_ptr<TimerQueue> World::make_timers(heap::Owner owner) {
  const heap::Scope scope(heap::Owner::nobody);
  auto timers = std::make_shared<TimerQueue>();
  queues_.push_back({timers, owner});
  return timers;
}

Time World::next() {
  std::erase_if(queues_, [](const auto& queue) { return queue.timers.expired(); });
  Time first = Time::max();
  for (const auto& queue : queues_) {
    if (const auto when = queue.timers.lock()->next()) first = std::min(first, *when);
  }
  return first;
}

void World::advance(Time to) {
  now_.mono = std::max(to, now_.mono);
  now_.wall = begin_wall + std::chrono::floor<std::chrono::milliseconds>(now_.mono - begin_mono);
  // By index: a callback may make further processes.
  for (std::size_t i = 0; i < queues_.size(); ++i) {
    const heap::Scope scope(queues_[i].owner);
    if (const auto timers = queues_[i].timers.lock()) timers->advance(now_.mono);
  }
}

bool World::run_until(const std::function<bool()>& done, Duration limit) {
  const Time deadline = now_.mono + limit;
  while (!done()) {
    const Time when = next();
    if (when > deadline) return false;
    advance(when);
  }
  return true;
}

void World::run_for(Duration duration) {
  const Time deadline = now_.mono + duration;
  run_until([] { return false; }, duration);
  advance(deadline);
}

}  // namespace beckon::simulation
