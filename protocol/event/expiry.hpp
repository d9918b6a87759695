#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "protocol/base/time.hpp"

namespace beckon::event {

/// Which lifetimes a server grants for one kind of subscription or publication.
struct Expiry {
  std::chrono::seconds min{60};         ///< Below it (and above 0): 423 with Min-Expires (RFC 6665 4.2.1.1).
  std::chrono::seconds standard{3600};  ///< For a request that names none.
  std::chrono::seconds max{7200};       ///< More is cut to this.

  /// What to grant for the Expires header's value; 0 stays 0 (fetch, unsubscribe, remove). Nothing: answer
  /// 423 with Min-Expires `min`.
  std::optional<std::chrono::seconds> grant(std::optional<std::uint32_t> requested) const;
};

/// When a client renews what was granted at `now` for `granted`: a tenth before the end, but at least one
/// transaction timeout (32 s), and never before the half.
Time refresh_time(Time now, std::chrono::seconds granted);

/// Pauses that double after each failure in a row.
class Backoff {
 public:
  Backoff(Duration first, Duration max) : first_(first), max_(max) {}
  int failures() const { return failures_; }
  void reset() { failures_ = 0; }
  /// Counts a failure; how long to wait now.
  Duration next();

 private:
  Duration first_;
  Duration max_;
  int failures_ = 0;
};

/// May the same request succeed later, unchanged? (408, 480, 503...; not 403, 404, 489...)
bool may_retry(int status);

}  // namespace beckon::event
