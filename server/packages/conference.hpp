#pragma once

#include <span>
#include <string>
#include <string_view>

#include "protocol/documents/conference.hpp"
#include "server/groups/groups.hpp"
#include "server/subscription/package.hpp"

namespace beckon::server::packages {

/// Event package "conference" (RFC 4575): a room, its topic and its members, for the members. The first
/// document is full, later ones carry what changed. An endpoint of a member stands for all the member's
/// devices, and is connected while one is registered.
class Conference final : public subscription::Package {
 public:
  /// `groups` outlives it.
  explicit Conference(groups::Groups& groups);

  std::string_view name() const override { return "conference"; }
  std::span<const std::string_view> body_types() const override;
  /// RFC 4575 3.9: not more than one document in five seconds.
  event::Notifier::Config pacing() const override { return {.min_interval = std::chrono::seconds(5)}; }

  /// Rooms alone have conferences: 404 for everything else.
  void find(const Entry& resource, Found found) override;
  subscription::Permission admit(Entry& resource, const std::string& watcher, Now now) override;
  subscription::Permission begin(subscription::Subscription& subscription, Now now) override;
  void lost(subscription::Subscription& subscription, Now now) override;
  subscription::Content compose(subscription::Subscription& subscription, event::Notifier::Body body,
                                Now now) override;

 private:
  struct News;
  void on_change(Entry& room, const groups::Groups::News& news, Now now);

  groups::Groups& groups_;
};

}  // namespace beckon::server::packages
