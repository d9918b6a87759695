#pragma once

#include <list>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "server/shard/keyed_set.hpp"
#include "server/subscription/subscription.hpp"

namespace beckon::server::subscription {

/// The subscriptions of one shard, found by what requests and events name: local tag, resource, resource and
/// watcher, flow. Each in constant time.
class Index {
  template <Subscription::Hook Subscription::* hook>
  using List = boost::intrusive::list<Subscription,
                                      boost::intrusive::member_hook<Subscription, Subscription::Hook, hook>,
                                      boost::intrusive::constant_time_size<false>>;

 public:
  /// Those of one package to one resource.
  struct Group {
    explicit Group(const Package& its_package) : package(&its_package) {}
    std::uint32_t size() const { return active + pending + refused; }

    const Package* package;
    List<&Subscription::of_resource_> all;  ///< Oldest first; turned by `next`.
    std::uint32_t active = 0, pending = 0;
    std::uint32_t refused = 0;  ///< Followers that wait for other rules; they count for no limit.
    std::uint32_t left = 0;     ///< At most so many, at the front, have something to hear.
    std::uint32_t change = 0;   ///< Number of the newest change.

    /// Moves the front to the back and gives it, so that a visit may end any of them.
    Subscription& next() {
      Subscription& front = all.front();
      all.splice(all.end(), all, all.begin());
      return front;
    }
  };

  /// How many one package has, of all resources.
  struct Count {
    const Package* package = nullptr;
    std::size_t active = 0, pending = 0, refused = 0;
  };

  /// `tally` outlives it.
  Index(Directory& directory, Tally& tally) : tally_(tally), slot_(directory.take_slot<OfResource>()) {}
  ~Index();
  Index(const Index&) = delete;
  Index& operator=(const Index&) = delete;

  /// The one AOR's object, made when there is none.
  WatcherPtr watcher(std::string_view aor);
  std::size_t watchers() const { return watchers_.size(); }
  std::uint32_t shards() const { return tally_.shards(); }

  void add(Subscription& subscription);
  /// It may be destroyed here.
  void remove(Subscription& subscription);
  void set_hop(Subscription& subscription, const transaction::Hop& hop);
  /// Its flow is gone.
  void leave_flow(Subscription& subscription);
  void set_head(Subscription& subscription, Head head);
  void set_permission(Subscription& subscription, Permission permission);

  std::size_t size() const { return by_tag_.size(); }
  /// Of the packages that had any.
  const std::vector<Count>& counts() const { return counts_; }
  /// Null: none.
  Subscription* find(std::string_view local_tag) const;
  Group* group(const Entry& resource, const Package& package) const;
  /// All groups of a resource; null: it has none.
  std::list<Group>* groups(const Entry& resource) const;
  /// The first of one watcher to one resource, of any package; the others follow by `next_of_pair`.
  Subscription* first_of(const Entry& resource, std::string_view watcher) const;
  static Subscription* next_of_pair(const Subscription& subscription) { return subscription.next_of_pair_; }
  /// Those of one watcher; `visit` adds and removes none.
  template <class Visit>
  void each_by(std::string_view watcher, const Visit& visit) const {
    if (Watcher* known = watchers_.find(watcher))
      for (OfWatcher& each : known->all) visit(static_cast<Subscription&>(each));
  }
  template <class Visit>
  void each_watcher(const Visit& visit) const {
    for (const Watcher* watcher : watchers_.set) visit(*watcher);
  }
  /// One of those on a flow; null: none.
  Subscription* first_on(transaction::FlowId flow);

  template <class Visit>
  void each(const Visit& visit) const {
    for (Subscription* subscription : by_tag_.set) visit(*subscription);
  }

 private:
  struct OfResource final : Part {
    std::list<Group> groups;
  };
  using Pair = std::pair<const Entry*, std::string_view>;
  static std::string_view tag_of(const Subscription& subscription) { return subscription.head_.local_tag(); }
  static Pair pair_of(const Subscription& subscription) {
    return {subscription.resource_.get(), subscription.watcher_->aor};
  }
  static std::string_view aor_of(const Watcher& watcher) { return watcher.aor; }

  void link_flow(Subscription& subscription);
  std::size_t& count_of(const Subscription& subscription);

  Tally& tally_;
  Slot<OfResource> slot_;
  KeyedSet<Subscription, tag_of> by_tag_;    ///< Owned.
  KeyedSet<Subscription, pair_of> by_pair_;  ///< The first of each pair.
  KeyedSet<Watcher, aor_of> watchers_;
  std::unordered_map<transaction::FlowId, List<&Subscription::of_flow_>> by_flow_;
  std::vector<Count> counts_;
};

}  // namespace beckon::server::subscription
