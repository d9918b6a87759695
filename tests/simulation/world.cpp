#include "tests/simulation/world.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

namespace beckon::simulation {
namespace {

/// Eight octets at a time, as it is told of every message: no adversary is about.
std::uint64_t mix(std::uint64_t digest, std::string_view text) {
  const auto take = [&digest](std::uint64_t word) {
    digest = std::rotl((digest ^ word) * 0x9e3779b97f4a7c15U, 29);
  };
  take(text.size());
  for (; !text.empty(); text.remove_prefix(std::min(text.size(), sizeof(std::uint64_t)))) {
    std::uint64_t word = 0;
    std::memcpy(&word, text.data(), std::min(text.size(), sizeof word));
    take(word);
  }
  return digest;
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
