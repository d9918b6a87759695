#pragma once

#include <string_view>

#include "server/shard/services.hpp"
#include "server/subscription/index.hpp"

namespace beckon::server::subscription {

/// Has the watcher all the subscriptions that it may have?
bool has_too_many(const Settings& settings, const Index& index, const Watcher& watcher);

/// What `watcher` or `resource` has too many of for one more subscription (DESIGN 7); empty: nothing.
std::string_view find_limit(const Settings& settings, const Index& index, const Entry& resource,
                            const Package& package, const Watcher& watcher, Permission permission);

}  // namespace beckon::server::subscription
