#include "server/subscription/package.hpp"

#include <algorithm>

#include "server/subscription/subscriptions.hpp"

namespace beckon::server::subscription {

event::Expiry Package::expiry() const {
  using std::chrono::seconds;
  const Lifetimes& lifetimes = subscriptions().environment().settings().subscription;
  return {seconds(lifetimes.minimum), seconds(lifetimes.standard), seconds(lifetimes.maximum)};
}

void Package::find(const Entry& resource, Found found) {
  if (subscriptions().environment().settings().authentication == Authentication::none) return found(200);
  subscriptions().find_user(resource, std::move(found));
}

Permission Package::begin(Subscription& subscription, Now now) {
  return admit(subscription.resource(), subscription.watcher(), now);
}

Package* Packages::find(std::string_view name) const {
  const auto found = std::ranges::find_if(all_, [&](const auto& package) { return package->name() == name; });
  return found == all_.end() ? nullptr : found->get();
}

}  // namespace beckon::server::subscription
