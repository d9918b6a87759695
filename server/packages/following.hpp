#pragma once

#include "server/presence/watch.hpp"
#include "server/subscription/package.hpp"
#include "server/subscription/subscription.hpp"

namespace beckon::server::packages {

/// What a package keeps of a subscription that the presence rules decide about: it is a watch.
struct Following : subscription::PackageData, presence::Watch {
  Following(presence::Watches& watches, subscription::Subscription& its_subscription, presence::Sink& sink)
      : Watch(watches, its_subscription.resource(), its_subscription.watcher(), sink),
        subscription(its_subscription) {}
  subscription::Subscription& subscription;
};

inline subscription::Subscription& subscription_of(presence::Watch& watch) {
  return static_cast<Following&>(watch).subscription;
}

/// Of a subscription to what such a view shows.
inline subscription::Permission permission_of(const presence::View& view) {
  switch (view.permission) {
    case presence::Permission::block:
      return subscription::Permission::refused;
    case presence::Permission::confirm:
      return subscription::Permission::pending;
    case presence::Permission::polite_block:
    case presence::Permission::allow:
      return subscription::Permission::active;
  }
  return subscription::Permission::refused;
}

}  // namespace beckon::server::packages
