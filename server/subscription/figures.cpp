#include "server/subscription/figures.hpp"

#include <cassert>

namespace beckon::server::subscription {

NotifyCounters& NotifyCounters::operator+=(const NotifyCounters& other) {
  sent += other.sent;
  for (std::size_t i = 0; i < answers.size(); ++i) answers[i] += other.answers[i];
  unanswered += other.unanswered;
  unsent += other.unsent;
  return *this;
}

std::uint32_t Ages::second_of(Time now) const {
  return static_cast<std::uint32_t>(std::chrono::floor<std::chrono::seconds>(now - *origin_).count()) + 1;
}

std::uint32_t Ages::begin(Time now) {
  if (!origin_) origin_ = now;
  const std::uint32_t second = second_of(now);
  if (counts_.empty()) first_ = second;
  while (first_ + counts_.size() <= second) counts_.push_back(0);
  ++counts_[second - first_];
  return second;
}

void Ages::end(std::uint32_t mark) {
  assert(mark >= first_ && mark - first_ < counts_.size() && counts_[mark - first_] != 0);
  --counts_[mark - first_];
  while (!counts_.empty() && counts_.front() == 0) {
    counts_.pop_front();
    ++first_;
  }
}

Duration Ages::oldest(Time now) const {
  return counts_.empty() ? Duration::zero() : Duration(std::chrono::seconds(second_of(now) - first_));
}

}  // namespace beckon::server::subscription
