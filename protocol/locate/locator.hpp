#pragma once

#include <functional>
#include <vector>

#include "protocol/base/time.hpp"
#include "protocol/locate/query.hpp"

namespace beckon::locate {

/// Finds where to send (RFC 3263): `Finder`, or a table of a test. One thread.
class Locator {
 public:
  using Hops = Result<std::vector<transaction::Hop>>;
  using Done = std::function<void(const Hops&)>;
  virtual ~Locator() = default;

  /// `done` is called later, exactly once and never from inside the call: the hops to try in this order, at
  /// least one, or why there is none (locate::Errc). Not called after the end of the Locator.
  virtual void locate(const Query& query, Done done) = 0;
  /// A hop that did not answer, refused, or sent a 503 (RFC 3263 4.3): for `pause` it comes last.
  virtual void on_failed(const transaction::Hop& hop, Duration pause) = 0;
  /// What can be dialled from here.
  virtual const Abilities& abilities() const = 0;
};

/// For how long a hop that failed comes last when it gave no Retry-After.
inline constexpr Duration failed_pause = 30s;

}  // namespace beckon::locate
