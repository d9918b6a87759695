#include "protocol/event/expiry.hpp"

#include <algorithm>

namespace beckon::event {

std::optional<std::chrono::seconds> Expiry::grant(std::optional<std::uint32_t> requested) const {
  if (!requested) return standard;
  const std::chrono::seconds asked(*requested);
  // "If and only if the duration is greater than zero AND smaller than one hour AND less than a
  // notifier-configured minimum" may it be refused (RFC 6665 4.2.1.1).
  if (asked > 0s && asked < min && asked < 1h) return std::nullopt;
  return std::min(asked, max);
}

Time refresh_time(Time now, std::chrono::seconds granted) {
  const Duration lifetime = granted;
  const Duration margin = std::max<Duration>(lifetime / 10, 32s);
  return now + lifetime - std::min(margin, lifetime / 2);
}

Duration Backoff::next() {
  constexpr int max_doublings = 20;  // keeps the shift in range; `max_` is reached long before
  const Duration pause = first_ * (1LL << std::min(failures_, max_doublings));
  ++failures_;
  return std::min(pause, max_);
}

bool may_retry(int status) {
  switch (status) {
    case 408:
    case 429:
    case 430:
    case 480:
    case 481:
    case 482:
    case 486:
    case 487:
    case 491:
      return true;
    case 501:
    case 505:
    case 513:
      return false;
    default:
      return status >= 500 && status < 600;
  }
}

}  // namespace beckon::event
