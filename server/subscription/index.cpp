#include "server/subscription/index.hpp"

#include <algorithm>

namespace beckon::server::subscription {

namespace {

/// Of those with that permission, in a group or of a package.
template <class Numbers>
auto& number_of(Numbers& numbers, Permission permission) {
  switch (permission) {
    case Permission::active:
      return numbers.active;
    case Permission::pending:
      return numbers.pending;
    case Permission::refused:
      break;
  }
  return numbers.refused;
}

}  // namespace

std::string_view Subscription::id() const {
  // The bucket and the first half of the tag stay ours: an id is shown to others.
  constexpr std::size_t octets = 12;
  const auto tag = head_.local_tag();
  return tag.substr(tag.size() - std::min(octets, tag.size()));
}

Index::~Index() {
  while (!by_tag_.empty()) remove(**by_tag_.set.begin());
}

WatcherPtr Index::watcher(std::string_view aor) {
  Watcher* known = watchers_.find(aor);
  return known ? known : new Watcher(aor, tally_.of(aor));
}

void Index::add(Subscription& subscription) {
  intrusive_ptr_add_ref(&subscription);
  subscription.is_listed_ = true;
  by_tag_.insert(subscription);
  Watcher& watcher = *subscription.watcher_;
  if (watcher.subscriptions++ == 0) watchers_.insert(watcher);
  watcher.all.push_back(subscription);
  watcher.everywhere.fetch_add(1, std::memory_order_relaxed);
  auto& groups = subscription.resource_->get(slot_).groups;
  auto found = std::ranges::find(groups, &subscription.package_, &Group::package);
  if (found == groups.end()) found = groups.emplace(found, subscription.package_);
  found->all.push_back(subscription);
  subscription.counted_as_ = subscription.permission_;
  ++number_of(*found, subscription.counted_as_);
  ++count_of(subscription);
  Subscription* last = by_pair_.find(pair_of(subscription));
  if (!last) by_pair_.insert(subscription);
  while (last && last->next_of_pair_) last = last->next_of_pair_;
  if (last) last->next_of_pair_ = &subscription;
  link_flow(subscription);
}

void Index::remove(Subscription& subscription) {
  if (!std::exchange(subscription.is_listed_, false)) return;
  const SubscriptionPtr adopted(&subscription, /*add_ref=*/false);
  by_tag_.erase(subscription);
  leave_flow(subscription);
  const EntryPtr resource = subscription.resource_;
  Watcher& watcher = *subscription.watcher_;
  Subscription* first = by_pair_.find(pair_of(subscription));
  Subscription* next = std::exchange(subscription.next_of_pair_, nullptr);
  if (first == &subscription) {
    by_pair_.erase(subscription);
    if (next) by_pair_.insert(*next);
  } else {
    while (first->next_of_pair_ != &subscription) first = first->next_of_pair_;
    first->next_of_pair_ = next;
  }
  watcher.all.erase(watcher.all.iterator_to(subscription));
  watcher.everywhere.fetch_sub(1, std::memory_order_relaxed);
  if (--watcher.subscriptions == 0) watchers_.erase(watcher);
  auto& groups = resource->find(slot_)->groups;
  const auto group = std::ranges::find(groups, &subscription.package_, &Group::package);
  subscription.of_resource_.unlink();
  --number_of(*group, subscription.counted_as_);
  --count_of(subscription);
  if (group->all.empty()) groups.erase(group);
  if (groups.empty()) resource->drop(slot_);
}

void Index::set_permission(Subscription& subscription, Permission permission) {
  subscription.permission_ = permission;
  if (!subscription.is_listed_ || subscription.counted_as_ == permission) return;
  Group& group = *this->group(*subscription.resource_, subscription.package_);
  --number_of(group, subscription.counted_as_);
  --count_of(subscription);
  subscription.counted_as_ = permission;
  ++number_of(group, permission);
  ++count_of(subscription);
}

/// There are few packages.
std::size_t& Index::count_of(const Subscription& subscription) {
  auto found = std::ranges::find(counts_, &subscription.package_, &Count::package);
  if (found == counts_.end()) found = counts_.insert(found, Count{.package = &subscription.package_});
  return number_of(*found, subscription.counted_as_);
}

void Index::set_head(Subscription& subscription, Head head) {
  // The key lies in the text of the head.
  by_tag_.erase(subscription);
  subscription.head_ = std::move(head);
  by_tag_.insert(subscription);
}

void Index::set_hop(Subscription& subscription, const transaction::Hop& hop) {
  leave_flow(subscription);
  subscription.peer_ = Subscription::peer_of(hop);
  link_flow(subscription);
}

void Index::link_flow(Subscription& subscription) {
  if (subscription.is_listed_ && subscription.peer_.flow != 0)
    by_flow_[subscription.peer_.flow].push_back(subscription);
}

void Index::leave_flow(Subscription& subscription) {
  if (!subscription.of_flow_.is_linked()) return;
  subscription.of_flow_.unlink();
  const auto flow = by_flow_.find(subscription.peer_.flow);
  if (flow->second.empty()) by_flow_.erase(flow);
}

Subscription* Index::find(std::string_view local_tag) const { return by_tag_.find(local_tag); }

std::list<Index::Group>* Index::groups(const Entry& resource) const {
  OfResource* part = resource.find(slot_);
  return part ? &part->groups : nullptr;
}

Index::Group* Index::group(const Entry& resource, const Package& package) const {
  auto* all = groups(resource);
  if (!all) return nullptr;
  const auto found = std::ranges::find(*all, &package, &Group::package);
  return found == all->end() ? nullptr : &*found;
}

Subscription* Index::first_of(const Entry& resource, std::string_view watcher) const {
  return by_pair_.find({&resource, watcher});
}

Subscription* Index::first_on(transaction::FlowId flow) {
  const auto found = by_flow_.find(flow);
  return found == by_flow_.end() ? nullptr : &found->second.front();
}

}  // namespace beckon::server::subscription
