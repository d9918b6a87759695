#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "server/lists/definition.hpp"
#include "server/subscription/package.hpp"
#include "server/subscription/subscription.hpp"

namespace beckon::server::lists {

class Lists;

/// An event package whose subscriptions are to lists of resources (RFC 4662): one object for each package
/// that offers that. A subscription follows each member as if its watcher had subscribed there, and tells
/// what comes of it.
class List final : public subscription::Package {
 public:
  /// Both outlive it.
  List(Environment& environment, subscription::Package& base, Lists& lists);

  std::string_view name() const override { return base_.name(); }
  std::string_view key() const override { return key_; }
  std::string_view table() const override { return key_; }
  std::string_view required() const override { return "eventlist"; }
  event::Expiry expiry() const override { return base_.expiry(); }
  /// Those of the members.
  std::span<const std::string_view> body_types() const override { return base_.body_types(); }
  std::optional<std::uint8_t> choose_body_type(const sip::Message& subscribe) const override;

  /// Lists are their owner's: `Lists::find` has found this one.
  void find(const Entry&, Found found) override { found(200); }
  subscription::Permission admit(Entry&, const std::string&, Now) override {
    return subscription::Permission::active;
  }
  subscription::Permission begin(subscription::Subscription& subscription, Now now) override;
  void begun(subscription::Subscription& subscription, Now now) override;
  void refreshed(subscription::Subscription& subscription, Now now) override;
  void ended(subscription::Subscription& subscription, Now now) override;
  void forgotten(subscription::Subscription& subscription) override;
  void notified(subscription::Subscription& subscription, Now now) override;
  void reported(subscription::Subscription& subscription, subscription::Report report, Now now) override;
  subscription::Content compose(subscription::Subscription& subscription, event::Notifier::Body body,
                                Now now) override;

  /// The list is defined, or anew.
  void define(subscription::Subscription& subscription, Definition definition, Now now);

 private:
  struct Following;
  friend class Lists;

  static Following& following(subscription::Subscription& subscription);
  void take(subscription::Subscription& subscription, Definition definition);
  void follow_all(subscription::Subscription& subscription, Now now);
  void work(subscription::Subscription& subscription, Now now);
  void leave(subscription::Subscription& subscription);
  void announce(subscription::Subscription& subscription, Now now);
  void ask_for_definition(subscription::Subscription& subscription);

  Environment& environment_;
  subscription::Package& base_;
  Lists& lists_;
  std::string key_;
};

}  // namespace beckon::server::lists
