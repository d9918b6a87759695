#pragma once

#include <span>
#include <string>
#include <string_view>

#include "server/presence/watch.hpp"
#include "server/shard/services.hpp"
#include "server/subscription/package.hpp"

namespace beckon::server::packages {

/// Event package "presence" (RFC 3856): always full documents. Each subscription is the sink of a watch.
class Presence final : public subscription::Package,
                       private presence::Sink,
                       private presence::Watches::Observer {
 public:
  explicit Presence(presence::Watches& watches);

  std::string_view name() const override { return "presence"; }
  std::string_view table() const override { return "PST"; }
  std::span<const std::string_view> body_types() const override;

  bool has_entities() const override { return true; }

  subscription::Permission admit(Entry& resource, const std::string& watcher, Now now) override;
  subscription::Permission begin(subscription::Subscription& subscription, Now now) override;
  void begun(subscription::Subscription& subscription, Now now) override;
  void refreshed(subscription::Subscription& subscription, Now now) override;
  void ended(subscription::Subscription& subscription, Now now) override;
  void notified(subscription::Subscription& subscription, Now now) override;
  subscription::Content compose(subscription::Subscription& subscription, event::Notifier::Body body,
                                Now now) override;

 private:
  // presence::Sink
  void on_state(presence::Watch& watch, Now now) override;
  void on_view(presence::Watch& watch, const presence::View& before, Now now) override;
  // presence::Watches::Observer
  void on_rules_applied(Entry& presentity, Now now) override;

  presence::Watches& watches_;
};

}  // namespace beckon::server::packages
