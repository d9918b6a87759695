#include "server/packages/agent.hpp"

#include <algorithm>

namespace beckon::server::packages {

using documents::WatcherEvent;
using documents::WatcherStatus;
using event::Permission;
using presence::SubscriptionEntry;

namespace {

WatcherStatus status_for(Permission permission) {
  return permission == Permission::confirm ? WatcherStatus::pending : WatcherStatus::active;
}

bool is_live(const SubscriptionEntry& entry) {
  return entry.notifier.state() != event::Notifier::State::terminated &&
         entry.permission != Permission::block;
}

}  // namespace

Agent::Agent(Services& services, registrar::Registrar& registrar, const xcap::Documents& documents)
    : services_(services),
      information_(services, registrar, [this](const std::string& aor, Now now) { pst_.changed(aor, now); }),
      watchers_(services.timers(), services.clock(),
                [this](const std::string& presentity, const presence::WatcherEntry& watcher, Now now) {
                  note_watcher(presentity, watcher, now);
                }),
      presence_(services, information_, documents,
                [this](std::string_view resource, std::string_view watcher) {
                  return permit_is_due(resource, watcher);
                }),
      winfo_(services, watchers_,
             [this](std::string_view resource) { return permits_of(resource, services_.clock().now()); }),
      pst_("PST", store::Kind::subscription, services, presence_, presence_observer_),
      wst_("WST", store::Kind::winfo_subscription, services, winfo_, winfo_observer_) {
  registrar.observe(*this);
  services.bus().subscribe(store::Kind::document, [this](const std::string& aor, store::Version) {
    on_rules_changed(aor, services_.clock().now());
  });
}

Serves Agent::serves() const {
  return {.methods = {sip::Method::subscribe, sip::Method::publish},
          .events = {"presence", "presence.winfo"},
          .accepts = {"application/pidf+xml"},
          .options = {"beckon-direct"}};
}

bool Agent::takes(const Request& request) const {
  if (request.message.method() != sip::Method::publish) return true;
  const auto event = sip::parse_event(request.message.header(sip::HeaderId::event));
  return event && event->package == presence_.name();
}

void Agent::on_request(const RequestPtr& request) {
  if (request->message.method() == sip::Method::publish) return information_.on_publish(request);
  const auto event = sip::parse_event(request->message.header(sip::HeaderId::event));
  if (!event) return services_.respond(*request, 400);
  (event->package == winfo_.name() ? wst_ : pst_).on_request(request);
}

void Agent::on_flow_closed(transaction::FlowId flow, Now now) {
  wst_.on_flow_closed(flow, now);
  pst_.on_flow_closed(flow, now);
  information_.on_flow_closed(flow, now);
}

void Agent::on_bindings_changed(server::Entry& entry, registrar::BindingEvent event,
                                const registrar::Binding&, const std::vector<registrar::Binding>& all,
                                Now now) {
  information_.on_bindings_changed(entry.aor(), event, all, now);
}

void Agent::on_subscribed(SubscriptionEntry& entry, Now now) {
  const auto& subscription = entry.subscription;
  const bool outermost = !std::exchange(noting_, true);
  note_permit(subscription.resource, subscription.watcher, now);
  presence::WatcherEntry watcher;
  watcher.id = entry.watcher_id;
  watcher.aor = subscription.watcher;
  watcher.display_name = entry.display_name;
  watcher.status = status_for(entry.permission);
  watcher.since = entry.since;
  watcher.expires = entry.notifier.expires();
  watchers_.subscribed(subscription.resource, std::move(watcher), now);
  if (!outermost) return;
  noting_ = false;
  tell_winfo(subscription.resource, now);
}

void Agent::on_refreshed(SubscriptionEntry& entry, Now) {
  watchers_.refreshed(entry.subscription.resource, entry.watcher_id, entry.notifier.expires());
}

void Agent::on_terminated(SubscriptionEntry& entry, Now now) {
  const std::string& resource = entry.subscription.resource;
  const bool outermost = !std::exchange(noting_, true);
  note_permit(resource, entry.subscription.watcher, now);
  watchers_.ended(resource, entry.watcher_id, entry.notifier.reason(), now);
  if (!outermost) return;
  noting_ = false;
  tell_winfo(resource, now);
}

void Agent::on_rules_changed(const std::string& resource, Now now) {
  struct Judged {
    std::uint64_t id;
    Permission before;
  };
  std::vector<Judged> all;
  noting_ = true;
  for (SubscriptionEntry* entry : pst_.of(resource)) {
    all.push_back({entry->subscription.id, entry->permission});
    entry->permission = presence_.permission(resource, entry->subscription.watcher, now);
  }
  for (const Judged& judged : all) {
    const SubscriptionEntry& entry = *pst_.find(judged.id);
    note_permit(resource, entry.subscription.watcher, now);
    if (entry.permission == Permission::block)
      watchers_.ended(resource, entry.watcher_id, "rejected", now);
    else
      watchers_.decided(resource, entry.watcher_id, status_for(entry.permission), now);
  }
  judge_waiting(resource, now);
  noting_ = false;
  // The presentity hears first what he permits, then his watchers get it (DIRECT_SESSIONS 3.7).
  tell_winfo(resource, now);
  for (const Judged& judged : all) {
    SubscriptionEntry* entry = pst_.find(judged.id);
    if (!entry) continue;
    const bool outdated =
        entry->permission == Permission::allow && presence_.is_outdated(entry->subscription, now);
    if (entry->permission != judged.before || outdated) pst_.permission_changed(*entry, judged.before, now);
  }
}

void Agent::judge_waiting(const std::string& resource, Now now) {
  std::set<std::string> waiting;
  for (const presence::WatcherEntry* watcher : watchers_.of(resource))
    if (watcher->status == WatcherStatus::waiting) waiting.insert(watcher->aor);
  for (const std::string& aor : waiting) {
    const Permission permission = presence_.permission(resource, aor, now);
    if (permission != Permission::confirm)
      watchers_.settled(resource, aor, permission != Permission::block, now);
  }
}

ds1::Mode Agent::permit_of(const std::string& resource, const std::string& watcher, Now now) {
  const auto entries = pst_.of(resource);
  const bool watches = std::any_of(entries.begin(), entries.end(), [&](const SubscriptionEntry* entry) {
    return entry->subscription.watcher == watcher && is_live(*entry);
  });
  return watches ? presence_.view(resource, watcher, now).direct() : ds1::Mode::off;
}

Winfo::Permits Agent::permits_of(std::string_view resource, Now now) {
  Winfo::Permits permits;
  const std::string key(resource);
  const auto add = [&](const std::string& aor) {
    if (!permits.count(aor)) permits.emplace(aor, permit_of(key, aor, now));
  };
  for (const SubscriptionEntry* entry : pst_.of(resource))
    if (is_live(*entry)) add(entry->subscription.watcher);
  information_.each_grant_holder(resource, add);
  return permits;
}

bool Agent::permit_is_due(std::string_view resource, std::string_view watcher) {
  const auto entries = wst_.of(resource);
  return std::any_of(entries.begin(), entries.end(), [&](const SubscriptionEntry* entry) {
    return entry->reachable && is_live(*entry) && Winfo::has_permit_due(entry->subscription, watcher);
  });
}

void Agent::note_permit(const std::string& resource, const std::string& watcher, Now now) {
  const ds1::Mode mode = permit_of(resource, watcher, now);
  const auto known = told_.find(resource);
  const auto before = known == told_.end() ? Winfo::Permits::const_iterator() : known->second.find(watcher);
  const bool was_told = known != told_.end() && before != known->second.end();
  if (mode == (was_told ? before->second : ds1::Mode::off)) return;
  if (mode != ds1::Mode::off)
    told_[resource][watcher] = mode;
  else if (known->second.erase(watcher) && known->second.empty())
    told_.erase(known);
  // Whoever is out of reach gets everything when he is back.
  for (SubscriptionEntry* entry : wst_.of(resource))
    if (entry->reachable) Winfo::note_permit(entry->subscription, watcher);
}

void Agent::note_watcher(const std::string& resource, const presence::WatcherEntry& watcher, Now now) {
  for (SubscriptionEntry* entry : wst_.of(resource))
    if (entry->reachable) Winfo::note_watcher(entry->subscription, watcher);
  if (!noting_) tell_winfo(resource, now);
}

void Agent::tell_winfo(const std::string& resource, Now now) {
  std::vector<std::uint64_t> ids;
  for (const SubscriptionEntry* entry : wst_.of(resource)) ids.push_back(entry->subscription.id);
  for (const std::uint64_t id : ids) {
    SubscriptionEntry* entry = wst_.find(id);
    if (!entry || !Winfo::has_news(entry->subscription)) continue;
    if (Winfo::has_permit_due(entry->subscription))
      wst_.changed_urgently(*entry, now);
    else
      wst_.changed(*entry, now);
  }
}

void Agent::release_grants(const std::string& resource, Now now) {
  for (SubscriptionEntry* entry : pst_.of(resource)) {
    if (!Presence::is_withheld(entry->subscription)) continue;
    if (!permit_is_due(resource, entry->subscription.watcher)) pst_.changed(*entry, now);
  }
}

void Agent::restore(const store::Record& record, Now now) {
  information_.restore(record, now);
  pst_.restore(record, now);
  wst_.restore(record, now);
}

void Agent::restored(Now now) {
  information_.restored(now);
  // Everybody gets full state anyway, spread over time: nothing is told on top of it.
  noting_ = true;
  wst_.restored(now);
  pst_.restored(now);
  noting_ = false;
}

std::vector<Table> Agent::tables(Now now) const {
  return {information_.table(), pst_.table(now), watchers_.table(now), wst_.table(now)};
}

}  // namespace beckon::server::packages
