#include "server/subscription/watchers.hpp"

#include <algorithm>

#include "protocol/base/log.hpp"

namespace beckon::server::subscription {

using documents::WatcherEvent;
using documents::WatcherStatus;

namespace {

WatcherEvent event_of(std::string_view reason) {
  for (const auto event : {WatcherEvent::deactivated, WatcherEvent::probation, WatcherEvent::rejected,
                           WatcherEvent::giveup, WatcherEvent::noresource})
    if (reason == documents::to_string(event)) return event;
  return WatcherEvent::timeout;
}

std::uint64_t seconds(Duration duration) {
  return static_cast<std::uint64_t>(
      std::max<std::int64_t>(0, std::chrono::round<std::chrono::seconds>(duration).count()));
}

WatcherStatus status_of(const Subscription& subscription) {
  return subscription.permission() == Permission::pending ? WatcherStatus::pending : WatcherStatus::active;
}

WatcherEvent event_of(const Subscription& subscription) {
  return subscription.is_approved() ? WatcherEvent::approved : WatcherEvent::subscribe;
}

WatcherEntry entry_of(const Subscription& subscription) {
  WatcherEntry entry;
  entry.id = subscription.id();
  entry.aor = subscription.watcher();
  entry.display_name = subscription.display_name();
  entry.status = status_of(subscription);
  entry.event = event_of(subscription);
  entry.since = subscription.since();
  entry.expires = subscription.expires();
  return entry;
}

documents::WatcherView view_of(const Subscription& subscription, Now now) {
  return {.id = subscription.id(),
          .uri = subscription.watcher(),
          .status = status_of(subscription),
          .event = event_of(subscription),
          .display_name = subscription.display_name(),
          .expiration_seconds = subscription.is_follower()
                                    ? std::nullopt
                                    : std::optional(seconds(subscription.expires() - now.mono)),
          .subscribed_seconds = seconds(now.mono - subscription.since())};
}

/// A fetch leaves no trace, except one that nobody has decided about: the resource's owner is notified of it.
bool is_shown(const Subscription& subscription) {
  return !subscription.is_fetch() || subscription.permission() == Permission::pending;
}

/// For the operator: who is let in, and who is not.
void note(const Subscription& subscription, std::string_view what) {
  log::info("subscription", "{} watches {} ({}): {}", subscription.watcher(), subscription.resource().aor(),
            subscription.package().key(), what);
}

std::string_view word_of(Permission permission) {
  return permission == Permission::active ? "active" : "pending";
}

}  // namespace

documents::WatcherView WatcherEntry::view(Now now) const {
  documents::WatcherView watcher{.id = id,
                                 .uri = aor,
                                 .status = status,
                                 .event = event,
                                 .display_name = display_name,
                                 .expiration_seconds = {},
                                 .subscribed_seconds = {}};
  if (status == WatcherStatus::terminated) return watcher;
  if (expires != Time::max()) watcher.expiration_seconds = seconds(expires - now.mono);
  watcher.subscribed_seconds = seconds(now.mono - since);
  return watcher;
}

Watchers::Watchers(Subscriptions& subscriptions, Package& package, Listener& listener)
    : subscriptions_(subscriptions),
      package_(package),
      listener_(listener),
      slot_(subscriptions.environment().directory().take_slot<WaitingPart>()),
      rounds_(
          subscriptions.environment().timers(), subscriptions.environment().clock(),
          [this](const EntryPtr& resource, Slice& slice, Now now) { return decide(*resource, slice, now); }),
      timer_(subscriptions.environment().timers()) {
  subscriptions.observe(package, *this);
}

Watchers::~Watchers() {
  for (Waiting& each : waiting_) {
    OfResource& all = each.resource->find(slot_)->all;
    all.erase(all.iterator_to(each));
  }
}

void Watchers::on_begun(Subscription& subscription, Now now) {
  if (!is_shown(subscription)) return;
  Entry& resource = subscription.resource();
  // The new subscription takes the place of what waited.
  if (WaitingPart* part = resource.find(slot_)) {
    std::vector<Waiting*> superseded;
    for (Waiting& each : part->all)
      if (each.watcher.aor == subscription.watcher()) superseded.push_back(&each);
    for (Waiting* each : superseded) end(*each, WatcherEvent::giveup, now);
  }
  note(subscription, word_of(subscription.permission()));
  listener_.on_watcher(resource, entry_of(subscription), now);
}

/// RFC 3858 has no event for a permission taken back: the watcher is pending as if it had just asked.
void Watchers::on_decided(Subscription& subscription, Now now) {
  if (!is_shown(subscription)) return;
  note(subscription, word_of(subscription.permission()));
  listener_.on_watcher(subscription.resource(), entry_of(subscription), now);
}

void Watchers::on_ended(Subscription& subscription, Now now) {
  if (!is_shown(subscription)) return;
  WatcherEntry watcher = entry_of(subscription);
  note(subscription, subscription.reason().empty() ? "ended" : subscription.reason());
  watcher.event = event_of(subscription.reason());
  if (watcher.status == WatcherStatus::pending && watcher.event == WatcherEvent::timeout)
    return wait(subscription.resource(), std::move(watcher), now);
  watcher.status = WatcherStatus::terminated;
  listener_.on_watcher(subscription.resource(), watcher, now);
}

void Watchers::wait(Entry& resource, WatcherEntry watcher, Now now) {
  watcher.status = WatcherStatus::waiting;
  watcher.expires = now.mono + waiting_time;
  const auto added = waiting_.insert(waiting_.end(), Waiting{&resource, watcher});
  added->self = added;
  WaitingPart& part = resource.get(slot_);
  part.all.push_back(*added);
  arm();
  listener_.on_watcher(resource, watcher, now);
  if (part.all.size() > subscriptions_.environment().settings().pending_per_presentity)
    end(part.all.front(), WatcherEvent::giveup, now);
}

void Watchers::on_rules_changed(Entry& resource, Now) {
  WaitingPart* part = resource.find(slot_);
  if (!part) return;
  part->undecided = part->all.begin();
  rounds_.start(resource.ptr());
}

/// Asks what the rules say now about those that wait.
bool Watchers::decide(Entry& resource, Slice& slice, Now now) {
  bool is_left = false;
  // The end of the last one ends the part.
  while (WaitingPart* part = resource.find(slot_)) {
    if (part->undecided == part->all.end()) break;
    is_left = !slice.take();
    if (is_left) break;
    Waiting& waiting = *part->undecided++;
    const Permission permission = package_.admit(resource, waiting.watcher.aor, now);
    if (permission != Permission::pending)
      end(waiting, permission == Permission::active ? WatcherEvent::approved : WatcherEvent::rejected, now);
  }
  listener_.on_settled(resource, now);
  return is_left;
}

void Watchers::end(Waiting& waiting, WatcherEvent event, Now now) {
  const EntryPtr resource = waiting.resource;
  WatcherEntry last = std::move(waiting.watcher);
  WaitingPart& part = *resource->find(slot_);
  const auto place = part.all.iterator_to(waiting);
  if (part.undecided == place) ++part.undecided;
  part.all.erase(place);
  if (part.all.empty()) resource->drop(slot_);
  waiting_.erase(waiting.self);
  arm();
  last.status = WatcherStatus::terminated;
  last.event = event;
  listener_.on_watcher(*resource, last, now);
}

void Watchers::give_up(Now now) {
  Slice slice(subscriptions_.environment().clock());
  while (!waiting_.empty() && waiting_.front().watcher.expires <= now.mono && slice.take()) {
    const EntryPtr resource = waiting_.front().resource;
    end(waiting_.front(), WatcherEvent::giveup, now);
    listener_.on_settled(*resource, now);
  }
}

void Watchers::arm() {
  if (waiting_.empty()) return timer_.cancel();
  timer_.set(waiting_.front().watcher.expires, [this](Time) {
    give_up(subscriptions_.environment().clock().now());
    arm();
  });
}

void Watchers::each(const Entry& resource, Now now, const Visit& visit) const {
  subscriptions_.each(package_, resource, [&](const Subscription& each) {
    if (is_shown(each)) visit(view_of(each, now));
  });
  if (const WaitingPart* part = resource.find(slot_))
    for (const Waiting& each : part->all) visit(each.watcher.view(now));
}

void Watchers::each(const Entry& resource, std::string_view watcher, Now now, const Visit& visit) const {
  subscriptions_.each_of(package_, resource, watcher, [&](const Subscription& each) {
    if (is_shown(each)) visit(view_of(each, now));
  });
  if (const WaitingPart* part = resource.find(slot_))
    for (const Waiting& each : part->all)
      if (each.watcher.aor == watcher) visit(each.watcher.view(now));
}

Table Watchers::table(Now now) const {
  Table table{.name = "WT", .rows = {}};
  const auto add = [&](const Entry& resource, const WatcherEntry& watcher) {
    table.rows.push_back({{"package", std::string(package_.name())},
                          {"presentity", resource.aor()},
                          {"watcher", watcher.aor},
                          {"id", watcher.id},
                          {"status", documents::to_string(watcher.status)},
                          {"event", documents::to_string(watcher.event)},
                          {"display-name", watcher.display_name},
                          {"expire", std::to_string(seconds(watcher.expires - now.mono))}});
  };
  subscriptions_.each(package_, [&](const Subscription& each) {
    if (is_shown(each)) add(each.resource(), entry_of(each));
  });
  for (const Waiting& each : waiting_) add(*each.resource, each.watcher);
  return table;
}

}  // namespace beckon::server::subscription
