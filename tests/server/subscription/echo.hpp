#pragma once

#include <array>
#include <map>

#include "server/subscription/subscriptions.hpp"

/// A toy event package: this file, and the line that adds it.
namespace beckon::server::test {

/// Event package "echo": the state of a resource is a counter.
class Echo final : public subscription::Package {
 public:
  std::string_view name() const override { return "echo"; }
  std::span<const std::string_view> body_types() const override { return types; }
  bool has_entities() const override { return true; }
  subscription::Permission admit(Entry&, const std::string&, Now) override {
    ++asked;
    return permission;
  }
  subscription::Content compose(subscription::Subscription& subscription, event::Notifier::Body,
                                Now) override {
    if (subscription.permission() != subscription::Permission::active) return {};
    return {types.front(), share(std::to_string(counters[subscription.resource().aor()]))};
  }

  bool has_news(const subscription::Subscription&) const override { return concerns_anybody; }

  void count(Entry& resource, Now now) {
    ++counters[resource.aor()];
    subscriptions().changed(*this, resource, now);
  }
  /// Gives all subscriptions to `resource` another permission.
  void decide(Entry& resource, subscription::Permission now_is, Now now) {
    permission = now_is;
    std::vector<subscription::SubscriptionPtr> all;
    subscriptions().each(*this, resource, [&](subscription::Subscription& each) { all.emplace_back(&each); });
    for (const auto& each : all) subscriptions().decide(*each, permission, now);
    subscriptions().rules_changed(*this, resource, now);
  }

  subscription::Permission permission = subscription::Permission::active;
  bool concerns_anybody = true;  ///< Each change.
  std::map<std::string, unsigned> counters;
  std::size_t asked = 0;  ///< Calls of `admit`.

 private:
  static constexpr std::array<std::string_view, 1> types{"text/plain"};
};

}  // namespace beckon::server::test
