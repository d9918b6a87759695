#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "server/shard/rounds.hpp"
#include "server/shard/services.hpp"
#include "server/store/store.hpp"
#include "server/subscription/index.hpp"
#include "server/subscription/package.hpp"
#include "server/subscription/subscription.hpp"

namespace beckon::server::subscription {

/// The subscriptions of one shard, of every event package: SUBSCRIBE in, NOTIFY out, records in between (RFC
/// 6665 4.2). PST is the table of the package "presence", WST that of "presence.winfo".
class Subscriptions final : public Room {
 public:
  /// `store` keeps its records; `users` says which resources exist. All referenced things outlive it.
  Subscriptions(Services& services, Sender& sender, store::StateStore& store, store::DurableStore& users,
                Packages packages);
  ~Subscriptions() override;

  // Room
  Serves serves() const override;
  void on_request(const RequestPtr& request) override;
  void on_flow_closed(transaction::FlowId flow, Now now) override;
  void restore(const store::Record& record, Now now) override;
  void restored(Now now) override;
  std::vector<Table> tables(Now now) const override;

  // For packages

  /// The state of `resource` changed: every active subscription of `package` to it is notified, in slices.
  void changed(const Package& package, Entry& resource, Now now);
  void changed(Subscription& subscription, Now now);
  /// The same, exempt from the package's pacing.
  void changed_urgently(Subscription& subscription, Now now);
  /// What is permitted changed: the subscription becomes active, pending or ends. The watcher is notified by
  /// `deliver`, so that what concerns many subscriptions goes out together.
  void decide(Subscription& subscription, Permission permission, Now now);
  /// Ends a batch of `decide`: reports it as settled, then notifies the watchers, in slices. `by_rules`: what
  /// subscriptions to `resource` are decided by has changed.
  void deliver(const Package& package, Entry& resource, Now now);
  void rules_changed(const Package& package, Entry& resource, Now now);

  /// `observer` outlives it.
  void observe(const Package& package, Observer& observer) { observers_.emplace_back(&package, &observer); }
  /// Those that count: begun and not ended. Oldest first; `visit` ends none.
  template <class Visit>
  void each(const Package& package, const Entry& resource, const Visit& visit) const {
    Index::Group* group = index_.group(resource, package);
    if (!group) return;
    for (Subscription& each : group->all)
      if (counts(each)) visit(each);
  }
  /// The same of all resources, in no order.
  template <class Visit>
  void each(const Package& package, const Visit& visit) const {
    index_.each([&](const Subscription& each) {
      if (&each.package() == &package && counts(each)) visit(each);
    });
  }
  /// The same of one watcher to one resource; `visit` may change and end them.
  template <class Visit>
  void each_of(const Package& package, const Entry& resource, std::string_view watcher, const Visit& visit) {
    std::vector<SubscriptionPtr> all;
    for (Subscription* each = index_.first_of(resource, watcher); each; each = Index::next_of_pair(*each))
      if (&each->package() == &package && counts(*each)) all.emplace_back(each);
    for (const SubscriptionPtr& each : all)
      if (counts(*each)) visit(*each);
  }

  Environment& environment() const { return services_; }
  /// Calls `found`, later, with 200 where `resource` is a user, else with 404 or 500.
  void find_user(const Entry& resource, Package::Found found);
  /// Subscriptions of `package`, those included that wait for the answer to their last NOTIFY.
  std::size_t size(const Package& package) const;
  std::size_t size() const;
  bool is_idle() const { return rounds_.is_idle() && closing_.is_idle(); }

 private:
  using Notifier = event::Notifier;

  static bool counts(const Subscription& subscription) {
    return subscription.is_begun_ && !subscription.is_terminated();
  }

  void on_initial(const RequestPtr& request, Package& package);
  void admit(const RequestPtr& request, Package& package, Permission permission,
             std::chrono::seconds expires);
  std::string_view find_limit(const Entry& resource, const Package& package, const Watcher& watcher,
                              Permission permission) const;
  void begin(Subscription& subscription, Time expires, Now now);
  void drop_lost_twins(const Subscription& started, Now now);
  void on_refresh(const RequestPtr& request, Subscription& subscription);
  bool take_over(const Request& request, Subscription& subscription);
  void refreshed(Subscription& subscription, Time expires, Now now);
  std::string answer_to(const Request& request, std::chrono::seconds expires) const;
  std::string contact_of(const Subscription& subscription) const;
  void refuse_brief(const Request& request, std::chrono::seconds least);
  void refuse(const Request& request, ErrorCode why);

  /// Does what the notifier says.
  void perform(Subscription& subscription, const Notifier::Actions& actions, Now now);
  void end(Subscription& subscription, Now now);
  void notify(Subscription& subscription, const Notifier::Notify& notify, Now now);
  void on_outcome(Subscription& subscription, std::uint32_t sent, const transaction::Outcome& outcome,
                  Now now);
  void hold(Subscription& subscription, Subscription::Hold reason);
  void release(Subscription& subscription, Subscription::Hold reason, Now now);
  void move(Subscription& subscription, const transaction::Hop& hop, Now now);
  void lose(Subscription& subscription, Now now);
  void arm(Subscription& subscription);
  bool lose_all(transaction::FlowId flow, Slice& slice, Now now);
  bool work(Entry& resource, Slice& slice, Now now);
  void settle(const Package& package, Entry& resource, Now now);
  template <class Event>
  void report(const Package& package, Event event);

  void commit(store::Batch batch, store::RecordStore::Done done);
  /// `response` is sent again to a retransmission after a restart.
  void promise(store::Batch& batch, const Request& request, const std::string& response);
  std::uint32_t put(store::Batch& batch, const Subscription& subscription, Time expires) const;
  void erase(const Subscription& subscription);
  void reserve(Subscription& subscription);
  void on_reserved(Subscription& subscription, Now now);
  void reserve_later(Subscription& subscription, Now now);
  Table table(const Package& package, Now now) const;

  Services& services_;
  Sender& sender_;
  store::StateStore& store_;
  store::DurableStore& users_;
  Index index_;
  Packages packages_;
  std::vector<std::pair<const Package*, Observer*>> observers_;
  std::vector<SubscriptionPtr> restored_;  ///< While records come in.
  ResourceRounds rounds_;
  FlowRounds closing_;
};

}  // namespace beckon::server::subscription
