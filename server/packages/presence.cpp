#include "server/packages/presence.hpp"

#include <array>

#include "protocol/documents/pidf_diff.hpp"
#include "server/packages/following.hpp"
#include "server/subscription/subscriptions.hpp"

namespace beckon::server::packages {

using subscription::Permission;
using subscription::Subscription;

namespace {

constexpr std::array<std::string_view, 3> body_types_offered{documents::pidf_type, documents::cpim_pidf_type,
                                                             documents::pidf_diff_type};

/// What the package keeps of a subscription.
struct Seeing final : Following {
  using Following::Following;
  std::unique_ptr<PartialNotification::Watcher> partial;  ///< Once it was sent partial documents.
};

Seeing& seeing(Subscription& subscription) { return static_cast<Seeing&>(*subscription.data); }

bool is_partial(const Subscription& subscription) {
  return subscription.body_type() == documents::pidf_diff_type;
}

}  // namespace

Presence::Presence(presence::Watches& watches) : watches_(watches) { watches.observe(*this); }

std::span<const std::string_view> Presence::body_types() const { return body_types_offered; }

std::string_view Presence::body_type_by_name() const { return documents::pidf_diff_type; }

void Presence::find(const Entry& resource, Found found) {
  if (watches_.is_admitting(resource)) return found(200);
  Package::find(resource, std::move(found));
}

Permission Presence::admit(Entry& resource, const std::string& watcher, Now now) {
  return permission_of(watches_.decide(resource, watcher, now));
}

Permission Presence::begin(Subscription& subscription, Now now) {
  presence::Sink& sink = *this;
  auto made = std::make_unique<Seeing>(watches_, subscription, sink);
  watches_.begin(*made, now);
  const Permission permission = permission_of(made->view());
  subscription.data = std::move(made);
  return permission;
}

void Presence::begun(Subscription& subscription, Now now) {
  if (!subscription.is_fetch()) watches_.follow(seeing(subscription), now);
}

void Presence::refreshed(Subscription& subscription, Now now) {
  watches_.look_at_rules(subscription.resource(), now);
}

void Presence::ended(Subscription& subscription, Now now) {
  forget(subscription);
  watches_.end(seeing(subscription), now);
}

void Presence::lost(Subscription& subscription, Now) { forget(subscription); }

subscription::Content Presence::compose(Subscription& subscription, event::Notifier::Body body, Now now) {
  auto shown = watches_.render(seeing(subscription), subscription.is_secure(), now);
  if (is_partial(subscription)) return compose_partial(subscription, body, std::move(shown));
  if (!shown.text) return {};
  return {subscription.body_type(), std::move(shown.text)};
}

/// Versions begin with 1, and after a restart above all that were used, as each NOTIFY has taken a CSeq at
/// most (RFC 5263 4.4).
subscription::Content Presence::compose_partial(Subscription& subscription, event::Notifier::Body body,
                                                presence::Drawing shown) {
  Seeing& watcher = seeing(subscription);
  if (!watcher.partial)
    watcher.partial = std::make_unique<PartialNotification::Watcher>(subscription.number());
  if (!shown.text) {
    partial_.compose_nothing(*watcher.partial);
    return {};
  }
  if (subscription.is_terminated()) shown.shared = nullptr;  // of one that ends nothing is kept
  SharedText made = partial_.compose(*watcher.partial, subscription.resource(), shown,
                                     body != event::Notifier::Body::partial,
                                     subscriptions().environment().settings().document_octets_per_presentity);
  return {subscription.body_type(), std::move(made), std::move(shown.text)};
}

void Presence::notified(Subscription& subscription, Now now) {
  Seeing& watcher = seeing(subscription);
  if (watcher.partial) {
    if (is_partial(subscription))
      partial_.sent(*watcher.partial, subscription.resource());
    else
      partial_.forget(*watcher.partial, subscription.resource());
  }
  confirmed(subscription, now);
}

void Presence::confirmed(Subscription& subscription, Now now) {
  Seeing& watcher = seeing(subscription);
  const bool is_fetch = subscription.is_fetch();
  if (subscription.counts() || is_fetch) watches_.sent(watcher, now);
  if (is_fetch) watches_.end(watcher, now);
}

void Presence::suppressed(Subscription& subscription) { forget(subscription); }

void Presence::forget(Subscription& subscription) {
  if (const auto& partial = seeing(subscription).partial) partial_.forget(*partial, subscription.resource());
}

/// A politely blocked watcher is not notified: it sees a user who is offline, which does not change, and a
/// NOTIFY would reveal that there is something to hide (RFC 3856 6.6.2).
void Presence::on_state(presence::Watch& watch, Now now) {
  if (watch.view().permission == presence::Permission::polite_block) return;
  subscriptions().changed(subscription_of(watch), now);
}

void Presence::on_view(presence::Watch& watch, const presence::View&, Now now) {
  forget(subscription_of(watch));
  subscriptions().decide(subscription_of(watch), permission_of(watch.view()), now);
}

void Presence::on_rules_applied(Entry& presentity, Now now) {
  subscriptions().rules_changed(*this, presentity, now);
}

}  // namespace beckon::server::packages
