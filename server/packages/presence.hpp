#pragma once

#include <span>
#include <string>
#include <string_view>

#include "server/packages/partial.hpp"
#include "server/presence/watch.hpp"
#include "server/shard/services.hpp"
#include "server/subscription/package.hpp"

namespace beckon::server::packages {

/// Event package "presence" (RFC 3856): full documents, and partial ones for watchers that ask for them (RFC
/// 5263). Each subscription is the sink of a watch.
class Presence final : public subscription::Package,
                       private presence::Sink,
                       private presence::Watches::Observer {
 public:
  explicit Presence(presence::Watches& watches);

  std::string_view name() const override { return "presence"; }
  std::string_view table() const override { return "PST"; }
  std::span<const std::string_view> body_types() const override;

  std::string_view body_type_by_name() const override;
  bool has_entities() const override { return true; }

  /// What decides by itself who may watch it is there, too: a room.
  void find(const Entry& resource, Found found) override;
  subscription::Permission admit(Entry& resource, const std::string& watcher, Now now) override;
  subscription::Permission begin(subscription::Subscription& subscription, Now now) override;
  void begun(subscription::Subscription& subscription, Now now) override;
  void refreshed(subscription::Subscription& subscription, Now now) override;
  void ended(subscription::Subscription& subscription, Now now) override;
  void lost(subscription::Subscription& subscription, Now now) override;
  void notified(subscription::Subscription& subscription, Now now) override;
  void suppressed(subscription::Subscription& subscription) override;
  void confirmed(subscription::Subscription& subscription, Now now) override;
  subscription::Content compose(subscription::Subscription& subscription, event::Notifier::Body body,
                                Now now) override;

  const PartialNotification& partial() const { return partial_; }

 private:
  // presence::Sink
  void on_state(presence::Watch& watch, Now now) override;
  void on_view(presence::Watch& watch, const presence::View& before, Now now) override;
  // presence::Watches::Observer
  void on_rules_applied(Entry& presentity, Now now) override;

  subscription::Content compose_partial(subscription::Subscription& subscription, event::Notifier::Body body,
                                        presence::Drawing shown);
  void forget(subscription::Subscription& subscription);

  presence::Watches& watches_;
  PartialNotification partial_;
};

}  // namespace beckon::server::packages
