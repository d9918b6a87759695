#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "server/shard/rounds.hpp"
#include "server/shard/services.hpp"
#include "server/store/store.hpp"
#include "server/subscription/follow.hpp"
#include "server/subscription/index.hpp"
#include "server/subscription/lifecycle.hpp"
#include "server/subscription/lists.hpp"
#include "server/subscription/package.hpp"
#include "server/subscription/records.hpp"
#include "server/subscription/subscription.hpp"

namespace beckon::server::subscription {

/// The subscriptions of one shard, of every event package: SUBSCRIBE in, NOTIFY out, records in between (RFC
/// 6665 4.2). PST is the table of the package "presence", WST that of "presence.winfo".
class Subscriptions final : public Room {
 public:
  /// `store` keeps its records; `users` says which resources exist. All referenced things outlive it. `tally`
  /// is that of all shards.
  Subscriptions(Services& services, Sender& sender, Peers& peers, store::StateStore& store,
                store::DurableStore& users, std::shared_ptr<Tally> tally, Packages packages);
  ~Subscriptions() override;

  /// Before the first request; it outlives the last one. Without it no URI stands for a list.
  void set_lists(Lists& lists) { lists_ = &lists; }
  /// The same. Without it resources of other domains are none.
  void set_outside(Outside& outside) { outside_ = &outside; }

  // Room
  Serves serves() const override;
  void on_request(const RequestPtr& request) override;
  void on_flow_closed(transaction::FlowId flow, Now now) override;
  /// Ends what the user watches ("rejected"), and where the user was removed also what others watch there
  /// ("noresource"), in slices.
  void on_user_gone(std::string_view aor, bool removed, Now now) override;
  void on_domains_gone(Now now) override;
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
  void observe(const Package& package, Observer& observer) { lifecycle_.observe(package, observer); }
  /// Those that count: begun and not ended. Oldest first; `visit` ends none.
  template <class Visit>
  void each(const Package& package, const Entry& resource, const Visit& visit) const {
    Index::Group* group = index_.group(resource, package);
    if (!group) return;
    for (Subscription& each : group->all)
      if (each.counts()) visit(each);
  }
  /// The same of all resources, in no order.
  template <class Visit>
  void each(const Package& package, const Visit& visit) const {
    index_.each([&](const Subscription& each) {
      if (&each.package() == &package && each.counts()) visit(each);
    });
  }
  /// The same of one watcher to one resource; `visit` may change and end them.
  template <class Visit>
  void each_of(const Package& package, const Entry& resource, std::string_view watcher, const Visit& visit) {
    std::vector<SubscriptionPtr> all;
    for (Subscription* each = index_.first_of(resource, watcher); each; each = Index::next_of_pair(*each))
      if (&each->package() == &package && each->counts()) all.emplace_back(each);
    for (const SubscriptionPtr& each : all)
      if (each->counts()) visit(*each);
  }

  // For packages whose subscriptions follow others

  /// False: the shard of the resource is overloaded, try again later. Else `Package::reported` is called
  /// until `unfollow` or a report of the end. A follower counts for the limits of its watcher and of the
  /// resource, and is reported as one that gave up past them. One that rules refuse is reported anew when
  /// they let it in.
  bool follow(Follow follow);
  /// Has the watcher of `subscription` subscriptions left? Those that are asked for are counted a little
  /// later.
  bool may_follow(const Subscription& subscription) const;
  void unfollow(FollowerId id, const std::string& resource);
  /// The first NOTIFY of `subscription` waits for `release`.
  void hold(Subscription& subscription) { lifecycle_.hold(subscription, Subscription::gathering); }
  void release(Subscription& subscription, Now now);
  /// Ends it with that reason, a literal.
  void end(Subscription& subscription, std::string_view reason, Now now);
  /// Null: none that counts.
  Subscription* find(std::string_view package_key, std::string_view tag) const;

  // Between shards
  void on(Follow follow, Bucket at, Now now);
  void on(Unfollow unfollow, Bucket at, Now now);
  void on(Report report, Bucket at, Now now);
  void on(Heard heard, Bucket at, Now now);

  Environment& environment() const { return services_; }
  /// Calls `found`, later, with 200 where `resource` is a user, else with 404 or 500.
  void find_user(const Entry& resource, Package::Found found);
  /// Subscriptions of `package`, those included that wait for the answer to their last NOTIFY.
  std::size_t size(const Package& package) const;
  std::size_t size() const;

  // For metrics, and those who explain
  /// Of each package that had any; in constant time.
  const std::vector<Index::Count>& counts() const { return index_.counts(); }
  const NotifyCounters& notify_counters() const { return lifecycle_.counters(); }
  Duration staleness(Time now) const { return lifecycle_.staleness(now); }
  const Package* find(std::string_view package) const { return packages_.find(package); }
  bool is_idle() const { return rounds_.is_idle() && closing_.is_idle() && leaving_.is_idle(); }

 private:
  void on_initial(const RequestPtr& request, Package& package);
  void begin(const RequestPtr& request, Package& package, const std::string& list = {});
  void refuse_or_ask(const RequestPtr& request, Package& package, int status);
  void admit(const RequestPtr& request, Package& package, const std::string& list, Permission permission,
             std::chrono::seconds expires);
  void on_refresh(const RequestPtr& request, Subscription& subscription);
  bool take_over(const Request& request, Subscription& subscription, Package::Interest interest);
  std::string answer_to(const Request& request, const Package& package, std::chrono::seconds expires,
                        int status = 200) const;
  void refuse_brief(const Request& request, std::chrono::seconds least);
  void refuse(const Request& request, ErrorCode why);

  void admit(Subscription& follower, Now now);
  void report_end(const FollowerId& id, Bucket from, std::string_view reason);
  bool lose_all(transaction::FlowId flow, Slice& slice, Now now);
  bool end_all(const std::string& aor, Slice& slice, Now now);
  bool work(Entry& resource, Slice& slice, Now now);
  Table table(const Package& package, Now now) const;

  Services& services_;
  Sender& sender_;
  Peers& peers_;
  store::DurableStore& users_;
  Lists* lists_ = nullptr;
  Outside* outside_ = nullptr;
  std::shared_ptr<Tally> tally_;
  Records records_;
  Index index_;
  Lifecycle lifecycle_;
  Packages packages_;
  std::string allow_events_;               ///< Their names.
  std::vector<SubscriptionPtr> restored_;  ///< While records come in.
  ResourceRounds rounds_;
  FlowRounds closing_;
  Rounds<std::string> leaving_;
  std::unordered_map<std::string, std::vector<SubscriptionPtr>> ending_;  ///< Of users who are gone.
};

}  // namespace beckon::server::subscription
