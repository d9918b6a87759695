#include "server/shard/rounds.hpp"

#include <utility>

namespace beckon::server {

void Rounds::start(Entry& resource) {
  if (!waiting_.contains(&resource)) work(resource.ptr());
}

void Rounds::work(EntryPtr resource) {
  Slice slice(clock_);
  // What it starts anew while it works is part of this turn, or of the next.
  waiting_.insert(resource.get());
  const bool is_left = work_(*resource, slice, clock_.now());
  if (!is_left) {
    waiting_.erase(resource.get());
    return;
  }
  turns_.push_back(std::move(resource));
  arm();
}

/// Later than now, so that what came in meanwhile is served first.
void Rounds::arm() {
  if (timer_.is_set()) return;
  timer_.set(clock_.now().mono + std::chrono::microseconds(1), [this](Time) {
    if (turns_.empty()) return;
    EntryPtr next = std::move(turns_.front());
    turns_.pop_front();
    work(std::move(next));
    if (!turns_.empty()) arm();
  });
}

}  // namespace beckon::server
