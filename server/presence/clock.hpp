#pragma once

#include "protocol/base/time.hpp"
#include "protocol/documents/pidf.hpp"

/// What time alone changes in a presence document.
namespace beckon::server::presence {

/// Leaves in `presence` what counts at `now`:
/// - RPID elements are shown from their `from` on, until their `until` (RFC 4480 3.1);
/// - a <timed-status> to come stays as it is. While its time is now it is the status of its tuple, as RFC
///   4481 3 permits; of several that overlap the one that began last has the last word. Afterwards it is
///   gone.
/// Gives when that changes next, in whole seconds: one document must not have its watchers notified a
/// thousand times a second. WallTime::max(): never.
WallTime apply_clock(documents::Presence& presence, WallTime now);

}  // namespace beckon::server::presence
