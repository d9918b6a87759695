#pragma once

#include "protocol/base/time.hpp"
#include "protocol/documents/pidf.hpp"

/// What time alone changes in a presence document.
namespace beckon::server::presence {

/// Leaves in `presence` what counts at `now`, and says when that changes next (WallTime::max(): never):
/// - RPID elements are shown from their `from` on, until their `until` (RFC 4480 3.1);
/// - a <timed-status> to come stays as it is. While its time is now it is the status of its tuple, as RFC
/// 4481
///   3 permits; of several that overlap the one that began last has the last word. Afterwards it is gone.
WallTime apply_clock(documents::Presence& presence, WallTime now);

}  // namespace beckon::server::presence
