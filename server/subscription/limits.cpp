#include "server/subscription/limits.hpp"

#include <algorithm>

namespace beckon::server::subscription {

/// Below its share of a shard no watcher is refused for what others of its group have. So a watcher that
/// fills its number at one shard gets its shares at the others as well: less than twice its number, however
/// many shards.
bool has_too_many(const Settings& settings, const Index& index, const Watcher& watcher) {
  const std::uint32_t most = settings.subscriptions_per_watcher;
  const auto share = std::max(most / index.shards(), 1U);
  return watcher.subscriptions >= share && watcher.everywhere.load(std::memory_order_relaxed) >= most;
}

std::string_view find_limit(const Settings& settings, const Index& index, const Entry& resource,
                            const Package& package, const Watcher& watcher, Permission permission) {
  if (has_too_many(settings, index, watcher)) return "too many subscriptions";
  // Those whose connection is gone give way to a new one, and do not count. Nor do those of other packages:
  // each device of a user has one of each to the user's own address.
  std::uint32_t twins = 0;
  for (const Subscription* each = index.first_of(resource, watcher.aor); each;
       each = Index::next_of_pair(*each))
    if (&each->package() == &package && each->is_reachable()) ++twins;
  if (twins >= settings.subscriptions_per_watcher_and_presentity)
    return "too many subscriptions to one resource";
  const Index::Group* group = index.group(resource, package);
  if (!group) return {};
  const std::uint32_t all_max = settings.watchers_per_presentity;
  const bool is_full = permission == Permission::pending
                           ? group->pending >= std::min(settings.pending_per_presentity, all_max)
                           : group->active >= all_max;
  return is_full ? "too many watchers" : "";
}

}  // namespace beckon::server::subscription
