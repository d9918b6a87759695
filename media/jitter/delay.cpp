#include "media/jitter/delay.hpp"

#include <algorithm>

namespace beckon::jitter {
namespace {

constexpr float too_slow = 0.05F;          // share of the groups whose slowest packet may come too late
constexpr Duration reordered_cost = 20ms;  // what one per cent of late packets is worth
constexpr Duration margin = 10ms;          // timers of both sides, and the rounding of ticks

}  // namespace

void Histogram::add(Duration delay) {
  ++count_;
  const float keep = std::min(keep_, 1.0F - 1.0F / static_cast<float>(count_));
  for (float& share : shares_) share *= keep;
  const auto bucket = static_cast<std::size_t>(std::max(delay, Duration(0)) / Duration(step));
  shares_[std::min(bucket, size - 1)] += 1.0F - keep;
}

Duration Histogram::quantile(float rest) const {
  float above = 1.0F;
  std::size_t bucket = 0;
  while (bucket < size - 1 && (above -= shares_[bucket]) > rest) ++bucket;
  return Duration(step) * static_cast<Duration::rep>(bucket + 1);
}

Duration Histogram::cheapest(Duration cost) const {
  float above = 1.0F;
  float best = static_cast<float>(cost.count());
  Duration cheapest{};
  for (std::size_t bucket = 0; bucket < size; ++bucket) {
    above = std::max(above - shares_[bucket], 0.0F);
    const Duration delay = Duration(step) * static_cast<Duration::rep>(bucket);
    const float total = static_cast<float>(delay.count()) + above * static_cast<float>(cost.count());
    if (total < best) best = total, cheapest = delay;
  }
  return cheapest;
}

void DelayEstimate::restart() {
  count_ = 0;
  grouped_ = 0;
  slowest_ = {};
}

Duration DelayEstimate::least(std::size_t newest, std::size_t oldest) const {
  Duration least = back(newest).time;
  for (std::size_t age = newest + 1; age <= oldest; ++age) least = std::min(least, back(age).time);
  return least;
}

void DelayEstimate::on_packet(Duration transit, bool reordered) {
  transits_[count_ % transits_.size()] = {transit, reordered};
  ++count_;
  fastest_ = least(0, std::min(count_ - 1, 2 * reach));
  if (count_ > reach) judge();
}

/// The packet that came `reach` packets ago. A path that has become longer shows in all that came after it.
void DelayEstimate::judge() {
  const Duration before = least(reach, std::min(count_ - 1, 2 * reach));
  const Duration after = least(0, reach);
  const Transit& judged = back(reach);
  const Duration late = judged.time - std::max(before, after);
  reordered_.add(judged.reordered ? late : Duration(0));
  if (!judged.reordered) slowest_ = std::max(slowest_, late);
  if (++grouped_ < group) return;
  slow_.add(slowest_);
  grouped_ = 0;
  slowest_ = {};
  known_ = true;
  const Duration needed =
      std::max(slow_.quantile(too_slow), reordered_.cheapest(100 * Duration(reordered_cost)));
  target_ = std::clamp(needed + margin, limits_.least, limits_.most);
}

}  // namespace beckon::jitter
