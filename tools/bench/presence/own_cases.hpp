#pragma once

#include "tools/bench/load/cases.hpp"

namespace beckon::bench {

/// A million subscriptions to a hundred thousand presentities with `--durability process`: resident memory,
/// CPU at rest, and how long a restart takes.
void run_million(const Options& options);

/// One PUBLISH and one PUT of rules for a presentity with 100, 1 000 and 10 000 watchers: what they cost, and
/// how long other users wait meanwhile.
void run_slices(const Options& options);

/// 10 000 watchers of one presentity that want whole documents, nothing that they have, or what changed: CPU
/// and octets of a PUBLISH and of a refresh by all of them.
void run_forms(const Options& options);

/// From PUBLISH to the last of 1 000 NOTIFYs while other users are served: p50 and p99.
void run_last_notify(const Options& options);

/// Ten lists of 100 and of 1 000 presentities, beside Kamailio's `rls`: what a subscription to one costs
/// until all states have come, and what the NOTIFY costs that says what one member has published.
void run_lists(const Options& options);

}  // namespace beckon::bench
