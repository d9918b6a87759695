#include "server/subscription/package.hpp"

#include <algorithm>

#include "protocol/event/body_type.hpp"
#include "server/subscription/subscriptions.hpp"

namespace beckon::server::subscription {

event::Expiry Package::expiry() const {
  using std::chrono::seconds;
  const Lifetimes& lifetimes = subscriptions().environment().settings().subscription;
  return {seconds(lifetimes.minimum), seconds(lifetimes.standard), seconds(lifetimes.maximum)};
}

std::optional<std::uint8_t> Package::choose_body_type(const sip::Message& subscribe) const {
  const auto types = body_types();
  const auto chosen = event::choose_body_type(subscribe, types, body_type_by_name());
  if (chosen.empty()) return std::nullopt;
  return static_cast<std::uint8_t>(std::ranges::find(types, chosen) - types.begin());
}

void Package::find(const Entry& resource, Found found) {
  if (subscriptions().environment().settings().authentication == Authentication::none) return found(200);
  subscriptions().find_user(resource, std::move(found));
}

void Package::reported(Subscription&, Report, Now) {}

Permission Package::begin(Subscription& subscription, Now now) {
  return admit(subscription.resource(), subscription.watcher(), now);
}

Package* Packages::find(std::string_view key) const {
  const auto found = std::ranges::find_if(all_, [&](const auto& package) { return package->key() == key; });
  return found == all_.end() ? nullptr : found->get();
}

}  // namespace beckon::server::subscription
