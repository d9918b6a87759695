#include "protocol/event/rate_control.hpp"

#include <algorithm>

namespace beckon::event {
namespace {

using Milliseconds = std::chrono::milliseconds;

/// Longer than any subscription.
constexpr Milliseconds interval_max = std::chrono::hours(24 * 365);

/// Between two NOTIFYs at that rate, rounded up.
Milliseconds interval_of(std::uint64_t rate) {
  constexpr std::uint64_t one = sip::Rates::per_second * 1000;
  return std::min(Milliseconds((one + rate - 1) / rate), interval_max);
}

/// The highest rate whose interval is not shorter than that.
std::uint64_t rate_of(Duration interval) {
  const auto milliseconds = std::max<std::int64_t>(1, std::chrono::ceil<Milliseconds>(interval).count());
  return sip::Rates::per_second * 1000 / static_cast<std::uint64_t>(milliseconds);
}

}  // namespace

void RateControl::grant(sip::Rates asked, std::chrono::seconds lifetime, Time now) {
  const auto seconds = static_cast<std::uint64_t>(std::max<std::int64_t>(1, lifetime.count()));
  if (asked.max != 0) asked.max = std::max(asked.max, (sip::Rates::per_second + seconds - 1) / seconds);
  const std::uint64_t ceiling =
      asked.max != 0 ? std::min(asked.max, rate_of(repeat_min_)) : rate_of(repeat_min_);
  asked.min = std::min(asked.min, ceiling);
  asked.adaptive_min = std::min(asked.adaptive_min, ceiling);
  if (asked.adaptive_min != 0 && asked.min >= asked.adaptive_min) asked.min = 0;
  const bool is_other = asked.adaptive_min != granted_.adaptive_min;
  granted_ = asked;
  if (last_ == Time{}) last_ = now;
  if (!is_other) return;
  history_.clear();
  if (asked.adaptive_min == 0) return;
  // As if the rate had been kept so far (7.2 step 1).
  timeout_ = interval_of(asked.adaptive_min);
  for (std::size_t i = period_intervals; i-- > 0;)
    history_.push_back(now - timeout_ * static_cast<Duration::rep>(i));
}

Notifier::Pause RateControl::spacing() const {
  return granted_.max == 0 ? Notifier::Pause{}
                           : std::chrono::duration_cast<Notifier::Pause>(interval_of(granted_.max));
}

void RateControl::on_sent(Time now) {
  last_ = now;
  if (granted_.adaptive_min == 0) return;
  const Duration interval = interval_of(granted_.adaptive_min);
  const Time begin = now - interval * static_cast<Duration::rep>(period_intervals);
  std::erase_if(history_, [begin](Time each) { return each <= begin; });
  if (history_.size() == count_max) history_.erase(history_.begin());
  history_.push_back(now);
  // count / (rate^2 * period), with the period in intervals of the rate (7.4).
  timeout_ =
      interval * static_cast<Duration::rep>(history_.size()) / static_cast<Duration::rep>(period_intervals);
}

std::optional<Time> RateControl::due() const {
  if (granted_.min == 0 && granted_.adaptive_min == 0) return std::nullopt;
  Duration silence = interval_max;
  if (granted_.min != 0) silence = interval_of(granted_.min);
  if (granted_.adaptive_min != 0) silence = std::min(silence, timeout_);
  return last_ + std::max<Duration>({silence, spacing(), repeat_min_});
}

}  // namespace beckon::event
