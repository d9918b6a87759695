#include "server/packages/presence.hpp"

#include <array>

#include "protocol/documents/pidf.hpp"
#include "server/packages/following.hpp"
#include "server/subscription/subscriptions.hpp"

namespace beckon::server::packages {

using subscription::Permission;
using subscription::Subscription;

namespace {

constexpr std::array<std::string_view, 2> pidf_types{documents::pidf_type, documents::cpim_pidf_type};

Following& following(Subscription& subscription) { return static_cast<Following&>(*subscription.data); }

}  // namespace

Presence::Presence(presence::Watches& watches) : watches_(watches) { watches.observe(*this); }

std::span<const std::string_view> Presence::body_types() const { return pidf_types; }

Permission Presence::admit(Entry& resource, const std::string& watcher, Now now) {
  return permission_of(watches_.decide(resource, watcher, now));
}

Permission Presence::begin(Subscription& subscription, Now now) {
  presence::Sink& sink = *this;
  auto made = std::make_unique<Following>(watches_, subscription, sink);
  watches_.begin(*made, now);
  const Permission permission = permission_of(made->view());
  subscription.data = std::move(made);
  return permission;
}

void Presence::begun(Subscription& subscription, Now now) {
  if (!subscription.is_fetch()) watches_.follow(following(subscription), now);
}

void Presence::refreshed(Subscription& subscription, Now now) {
  watches_.look_at_rules(subscription.resource(), now);
}

void Presence::ended(Subscription& subscription, Now now) { watches_.end(following(subscription), now); }

void Presence::notified(Subscription& subscription, Now now) {
  const bool is_fetch = subscription.is_fetch();
  if (subscription.counts() || is_fetch) watches_.sent(following(subscription), now);
  if (is_fetch) watches_.end(following(subscription), now);
}

subscription::Content Presence::compose(Subscription& subscription, event::Notifier::Body, Now now) {
  auto body = watches_.render(following(subscription), subscription.is_secure(), now);
  if (!body) return {};
  return {subscription.body_type(), std::move(body)};
}

void Presence::on_state(presence::Watch& watch, Now now) {
  subscriptions().changed(subscription_of(watch), now);
}

void Presence::on_view(presence::Watch& watch, const presence::View&, Now now) {
  subscriptions().decide(subscription_of(watch), permission_of(watch.view()), now);
}

void Presence::on_rules_applied(Entry& presentity, Now now) {
  subscriptions().rules_changed(*this, presentity, now);
}

}  // namespace beckon::server::packages
