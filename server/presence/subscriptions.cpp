#include "server/presence/subscriptions.hpp"

#include <algorithm>
#include <boost/json.hpp>

#include "protocol/base/log.hpp"
#include "server/presence/policy.hpp"
#include "server/presence/record.hpp"
#include "server/shard/replay.hpp"
#include "server/shard/sips.hpp"

namespace beckon::server::presence {

namespace json = boost::json;
using event::Notifier;
using event::Permission;
using sip::HeaderId;

namespace {

/// After a restart NOTIFYs are spread over this, so that watchers and network are not hit all at once.
constexpr Duration resume_spread = 5s;

bool is_active(Permission permission) {
  return permission == Permission::allow || permission == Permission::polite_block;
}

Notifier::State state_for(Permission permission) {
  return is_active(permission) ? Notifier::State::active : Notifier::State::pending;
}

std::string display_name_of(const sip::Message& request) {
  const auto from = request.from();
  return from ? from->display_name : std::string();
}

/// A fetch leaves no trace, but for one nobody has decided about: the presentity shall hear of it.
bool is_told(const SubscriptionEntry& entry) {
  return entry.stored || entry.permission == Permission::confirm;
}

/// A connection ends with the process; an address stays.
json::object to_json(const transaction::Hop& hop) {
  return {{"protocol", static_cast<unsigned>(hop.protocol)},
          {"remote", beckon::print(hop.remote)},
          {"local", beckon::print(hop.local)},
          {"flow", hop.flow != 0}};
}

transaction::Hop read_hop(const json::object& object) {
  transaction::Hop hop;
  hop.protocol = static_cast<transaction::Protocol>(object.at("protocol").to_number<std::uint8_t>());
  hop.remote = parse_address(std::string_view(object.at("remote").as_string())).value();
  hop.local = parse_address(std::string_view(object.at("local").as_string())).value();
  return hop;
}

}  // namespace

Subscriptions::Subscriptions(std::string name, store::Kind kind, Services& services,
                             event::EventPackage& package, Observer& observer)
    : name_(std::move(name)), kind_(kind), services_(services), package_(package), observer_(observer) {}

Subscriptions::~Subscriptions() = default;

void Subscriptions::on_request(const RequestPtr& request) {
  if (request->message.to_tag().empty()) return on_initial(request);
  const auto known = by_dialog_.find(dialog::id_of_request(request->message));
  if (known == by_dialog_.end()) return services_.respond(*request, 481);
  on_refresh(request, *entries_.at(known->second));
}

void Subscriptions::refuse_brief(const Request& request, std::chrono::seconds least) {
  auto refusal = request.reply(423);
  refusal.add(HeaderId::min_expires, static_cast<std::uint32_t>(least.count()));
  services_.respond(request, std::move(refusal).finish());
}

void Subscriptions::on_initial(const RequestPtr& request) {
  const auto uri = request->message.request_uri();
  if (!uri || uri->host.empty()) return services_.respond(*request, 400);
  const std::string resource = sip::canonical_aor(*uri);
  if (!is_welcome(services_.settings(), request->identity.aor)) return services_.respond(*request, 403);
  const event::Expiry expiry = package_.expiry();
  const auto expires = expiry.grant(request->message.expires());
  if (!expires) return refuse_brief(*request, expiry.min);
  if (services_.settings().authentication == Authentication::none) return admit(request, resource, *expires);
  services_.users().find_user(resource, [this, request, resource, expires = *expires](auto found) {
    if (!found) return services_.respond(*request, 500);
    if (!*found) return services_.respond(*request, 404);
    admit(request, resource, expires);
  });
}

bool Subscriptions::is_full(std::string_view resource) const {
  const auto known = by_resource_.find(resource);
  return known != by_resource_.end() && known->second.size() >= services_.settings().watchers_per_presentity;
}

void Subscriptions::admit(const RequestPtr& request, const std::string& resource,
                          std::chrono::seconds expires) {
  const sip::Message& message = request->message;
  const Now now = services_.clock().now();
  const std::string_view body_type = event::choose_body_type(message, package_.body_types());
  if (body_type.empty()) return services_.respond(*request, 406);
  const Permission permission = package_.permission(resource, request->identity.aor, now);
  if (permission == Permission::block) return services_.respond(*request, 403);
  if (is_full(resource)) {
    auto refusal = request->reply(403);
    refusal.add(HeaderId::warning, "399 " + services_.settings().domains.front() + " \"too many watchers\"");
    return services_.respond(*request, std::move(refusal).finish());
  }
  auto made = dialog::make_uas_dialog(message, request->to_tag, is_to_sips(message));
  const auto event = sip::parse_event(message.header(HeaderId::event));
  if (!made || !event) return services_.respond(*request, 400);

  event::Subscription subscription;
  subscription.id = ++last_id_;
  subscription.resource = resource;
  subscription.watcher = request->identity.aor;
  subscription.event_id = event->id;
  subscription.body_type = std::string(body_type);
  const int status = package_.on_subscribe(subscription, message, now);
  if (status != 200) return services_.respond(*request, status);
  auto entry = std::make_unique<SubscriptionEntry>(
      std::move(subscription), std::move(*made),
      Notifier(package_.pacing(), state_for(permission), now.mono + expires), services_.timers());
  entry->permission = permission;
  entry->bucket = request->bucket;
  entry->watcher_id = services_.random().token(6);
  entry->display_name = display_name_of(message);
  entry->since = now.wall;
  entry->stored = expires.count() > 0;
  set_hop(*entry, request->from);
  begin(request, std::move(entry));
}

std::string Subscriptions::answer_to(const Request& request, std::chrono::seconds expires) const {
  auto reply = request.reply(200);
  reply.copy(request.message, HeaderId::record_route);
  reply.add(HeaderId::contact, services_.contact(request.bucket, request.from, is_to_sips(request.message)));
  reply.add(HeaderId::expires, static_cast<std::uint32_t>(expires.count()));
  return std::move(reply).finish();
}

void Subscriptions::begin(const RequestPtr& request, EntryPtr entry) {
  const Now now = services_.clock().now();
  const Time expires = entry->notifier.expires();
  const auto left = std::chrono::round<std::chrono::seconds>(expires - now.mono);
  const std::string response = answer_to(*request, left);
  auto kept = std::make_shared<EntryPtr>(std::move(entry));
  const auto start = [this, request, kept, response, expires] {
    const Now at = services_.clock().now();
    services_.respond(*request, response);
    SubscriptionEntry& started = **kept;
    insert(std::move(*kept));
    if (is_told(started)) observer_.on_subscribed(started, at);
    perform(started, started.notifier.on_subscribe(expires, at.mono), at);
    drop_lost_twins(started, at);
  };
  if (!(*kept)->stored) return start();
  (*kept)->dialog.reserve();
  store::Batch batch{.aor = (*kept)->subscription.resource};
  batch.changes.push_back(record_of(**kept, expires));
  batch.answer = services_.answer(*request, batch.aor, response);
  batch.deadline = request->now.mono + replay_time;
  services_.store().commit(std::move(batch), [this, request, start](Result<store::Version> done) {
    if (done) return start();
    log::error("presence", "{} subscription not stored: {}", request->identity.aor, done.error().message());
    services_.respond(*request, done.error() == store::Errc::late ? 503 : 500);
  });
}

/// Who comes back with a new subscription has given up those he lost with a connection (or forgot: he may
/// have crashed). If one belongs to another device of his, its refresh gets 481 and it subscribes anew.
void Subscriptions::drop_lost_twins(const SubscriptionEntry& started, Now now) {
  if (!started.stored) return;
  const event::Subscription& mine = started.subscription;
  for (SubscriptionEntry* entry : of(mine.resource)) {
    const event::Subscription& other = entry->subscription;
    if (!entry->reachable && other.watcher == mine.watcher && other.event_id == mine.event_id)
      perform(*entry, entry->notifier.terminate("deactivated", std::nullopt, now.mono), now);
  }
}

void Subscriptions::on_refresh(const RequestPtr& request, SubscriptionEntry& entry) {
  if (request->identity.aor != entry.subscription.watcher) return services_.respond(*request, 403);
  const event::Expiry expiry = package_.expiry();
  const auto granted = expiry.grant(request->message.expires());
  if (!granted) return refuse_brief(*request, expiry.min);
  if (const auto in_order = entry.dialog.on_request(request->message); !in_order)
    return services_.respond(*request, in_order.error() == dialog::Errc::out_of_order ? 500 : 400);
  const Now now = services_.clock().now();
  const Time expires = now.mono + *granted;
  const std::string response = answer_to(*request, *granted);
  store::Batch batch{.aor = entry.subscription.resource};
  batch.changes.push_back(record_of(entry, expires));
  if (granted->count() == 0) {
    batch.changes.back().erase = true;
    batch.changes.back().record.value.clear();
  }
  batch.answer = services_.answer(*request, batch.aor, response);
  batch.deadline = request->now.mono + replay_time;
  const auto id = entry.subscription.id;
  services_.store().commit(
      std::move(batch), [this, request, id, expires, response](Result<store::Version> done) {
        SubscriptionEntry* known = find(id);
        // It may have ended while the store was writing.
        if (!known) return services_.respond(*request, 481);
        if (!done) return services_.respond(*request, done.error() == store::Errc::late ? 503 : 500);
        services_.respond(*request, response);
        refreshed(*known, *request, expires);
      });
}

void Subscriptions::refreshed(SubscriptionEntry& entry, const Request& request, Time expires) {
  const Now now = services_.clock().now();
  if (entry.hop != request.from && entry.notifier.in_flight()) {
    // What went down the old connection is lost or soon will be; the full state below makes up for it.
    ++entry.notifies;
    (void)entry.notifier.on_notify_end(503, std::nullopt, now.mono);
  }
  set_hop(entry, request.from);
  const auto actions = entry.notifier.on_subscribe(expires, now.mono);
  if (!actions.terminated) observer_.on_refreshed(entry, now);
  perform(entry, actions, now);
}

void Subscriptions::changed(std::string_view resource, Now now) {
  for (SubscriptionEntry* entry : of(resource)) changed(*entry, now);
}

// A watcher who cannot be reached gets full state when he comes back; until then changes are nothing to him.
void Subscriptions::changed(SubscriptionEntry& entry, Now now) {
  if (entry.reachable && !entry.held) perform(entry, entry.notifier.on_change(now.mono), now);
}

void Subscriptions::changed_urgently(SubscriptionEntry& entry, Now now) {
  if (entry.reachable && !entry.held) perform(entry, entry.notifier.on_urgent_change(now.mono), now);
}

void Subscriptions::permission_changed(SubscriptionEntry& entry, Permission before, Now now) {
  Notifier& notifier = entry.notifier;
  if (notifier.state() == Notifier::State::terminated) return;
  const Permission after = entry.permission;
  if (after == Permission::block)
    perform(entry, notifier.terminate("rejected", std::nullopt, now.mono), now);
  else if (is_active(after) && !is_active(before))
    perform(entry, notifier.approve(now.mono), now);
  else if (!is_active(after) && is_active(before))
    perform(entry, notifier.suspend(now.mono), now);
  else
    changed(entry, now);
}

std::vector<SubscriptionEntry*> Subscriptions::of(std::string_view resource) {
  std::vector<SubscriptionEntry*> found;
  const auto known = by_resource_.find(resource);
  if (known == by_resource_.end()) return found;
  for (const std::uint64_t id : known->second) found.push_back(entries_.at(id).get());
  return found;
}

SubscriptionEntry* Subscriptions::find(std::uint64_t id) {
  const auto found = entries_.find(id);
  return found == entries_.end() ? nullptr : found->second.get();
}

void Subscriptions::insert(EntryPtr entry) {
  SubscriptionEntry& inserted = *entry;
  const auto id = inserted.subscription.id;
  by_dialog_[inserted.dialog.id] = id;
  by_resource_[inserted.subscription.resource].insert(id);
  if (inserted.hop.flow != 0) by_flow_[inserted.hop.flow].insert(id);
  entries_[id] = std::move(entry);
}

void Subscriptions::erase(SubscriptionEntry& entry) {
  const auto id = entry.subscription.id;
  by_dialog_.erase(entry.dialog.id);
  const auto resource = by_resource_.find(entry.subscription.resource);
  resource->second.erase(id);
  if (resource->second.empty()) by_resource_.erase(resource);
  const auto flow = by_flow_.find(entry.hop.flow);
  if (flow != by_flow_.end() && flow->second.erase(id) && flow->second.empty()) by_flow_.erase(flow);
  entries_.erase(id);
}

void Subscriptions::set_hop(SubscriptionEntry& entry, const transaction::Hop& hop) {
  const auto id = entry.subscription.id;
  if (const auto old = by_flow_.find(entry.hop.flow); old != by_flow_.end() && old->second.erase(id))
    if (old->second.empty()) by_flow_.erase(old);
  entry.hop = hop;
  entry.reachable = true;
  entry.subscription.secure = transaction::is_secure(hop.protocol);
  if (hop.flow != 0 && entries_.count(id)) by_flow_[hop.flow].insert(id);
}

void Subscriptions::perform(SubscriptionEntry& entry, const Notifier::Actions& actions, Now now) {
  const auto id = entry.subscription.id;
  if (actions.terminated && entry.stored) {
    store::Change change = record_of(entry, now.mono);
    change.erase = true;
    change.record.value.clear();
    services_.store().commit({.aor = entry.subscription.resource, .changes = {std::move(change)}},
                             [](auto) {});
  }
  if (actions.terminated && is_told(entry)) observer_.on_terminated(entry, now);
  if (actions.notify && entry.reachable) notify(entry, *actions.notify, now);
  SubscriptionEntry* left = find(id);
  if (!left) return;
  if (actions.notify && !left->reachable && !actions.terminated)
    return perform(*left, left->notifier.on_notify_end(503, std::nullopt, now.mono), now);
  if (actions.destroy || (actions.terminated && !left->reachable)) return erase(*left);
  arm(*left);
}

void Subscriptions::notify(SubscriptionEntry& entry, const Notifier::Notify& notify, Now now) {
  event::Content content;
  if (notify.body != Notifier::Body::none)
    content = package_.compose(entry.subscription, entry.permission, notify.body, now);
  ++entry.subscription.number;
  const auto id = entry.subscription.id;
  const bool store_anew = entry.dialog.reserve();
  auto request = entry.dialog.make_request("NOTIFY");
  request.add(HeaderId::contact, services_.contact(entry.bucket, entry.hop, entry.dialog.secure));
  const std::string& event_id = entry.subscription.event_id;
  request.add(HeaderId::event, std::string(package_.name()) + (event_id.empty() ? "" : ";id=" + event_id));
  request.add(HeaderId::subscription_state, sip::print(notify.state));
  request.add(HeaderId::user_agent, "beckond/" BECKON_VERSION);
  std::string text = content.type.empty() ? std::move(request).finish()
                                          : std::move(request).finish(content.type, *content.body);
  // Of an ended one the record is gone and must stay so.
  if (store_anew && entry.stored && entry.notifier.state() != Notifier::State::terminated) save(entry);
  services_.send(entry.bucket, std::move(text), entry.hop,
                 [this, id, sent = ++entry.notifies](const transaction::Outcome& outcome, Now at) {
                   on_notify_outcome(id, sent, outcome, at);
                 });
  if (notify.body != Notifier::Body::none) observer_.on_notified(entry, now);
}

void Subscriptions::on_notify_outcome(std::uint64_t id, std::uint64_t sent,
                                      const transaction::Outcome& outcome, Now now) {
  if (outcome.kind == transaction::Outcome::Kind::provisional) return;
  SubscriptionEntry* entry = find(id);
  if (!entry || entry->notifies != sent) return;
  // Only the watcher can open a new connection: wait for him, but not longer than he asked for.
  if (outcome.kind == transaction::Outcome::Kind::transport_error && entry->hop.flow != 0) lose(*entry, now);
  const auto retry_after =
      outcome.response ? outcome.response->number(HeaderId::retry_after) : std::optional<std::uint32_t>();
  perform(*entry, entry->notifier.on_notify_end(outcome.status, retry_after, now.mono), now);
}

void Subscriptions::arm(SubscriptionEntry& entry) {
  const auto deadline = entry.reachable ? entry.notifier.deadline() : std::optional(entry.notifier.expires());
  if (!deadline) return entry.timer.cancel();
  const Time now = services_.clock().now().mono;
  entry.timer.set(std::max(*deadline, now), [this, id = entry.subscription.id](Time) {
    if (SubscriptionEntry* known = find(id)) {
      const Now at = services_.clock().now();
      perform(*known, known->notifier.on_timer(at.mono), at);
    }
  });
}

void Subscriptions::on_flow_closed(transaction::FlowId flow, Now now) {
  const auto found = by_flow_.find(flow);
  if (found == by_flow_.end()) return;
  const auto ids = std::move(found->second);
  by_flow_.erase(found);
  for (const std::uint64_t id : ids) {
    SubscriptionEntry* entry = find(id);
    if (!entry || entry->hop.flow != flow) continue;
    lose(*entry, now);
    if (entry->notifier.state() == Notifier::State::terminated || !entry->stored)
      erase(*entry);
    else
      arm(*entry);
  }
}

void Subscriptions::lose(SubscriptionEntry& entry, Now now) {
  entry.reachable = false;
  observer_.on_lost(entry, now);
}

store::Change Subscriptions::record_of(const SubscriptionEntry& entry, Time expires) const {
  const event::Subscription& subscription = entry.subscription;
  const Now now = services_.clock().now();
  const json::object value{{"dialog", dialog::print(entry.dialog)},
                           {"watcher", subscription.watcher},
                           {"event_id", subscription.event_id},
                           {"body_type", subscription.body_type},
                           {"watcher_id", entry.watcher_id},
                           {"display_name", entry.display_name},
                           {"since", entry.since.time_since_epoch().count()},
                           {"expires", to_wall(expires, now)},
                           {"hop", to_json(entry.hop)}};
  const std::string key = entry.dialog.id.call_id + ' ' + entry.dialog.id.local_tag;
  return {.record = {kind_, subscription.resource, key, json::serialize(value)}};
}

void Subscriptions::save(const SubscriptionEntry& entry) {
  services_.store().commit(
      {.aor = entry.subscription.resource, .changes = {record_of(entry, entry.notifier.expires())}},
      [](auto) {});
}

void Subscriptions::restore(const store::Record& record, Now now) try {
  if (record.kind != kind_) return;
  const json::value value = json::parse(record.value);
  const auto read = [&](const char* name) { return std::string(value.at(name).as_string()); };
  const Time expires = from_wall(value.at("expires").as_int64(), now);
  event::Subscription subscription;
  subscription.id = ++last_id_;
  subscription.resource = record.aor;
  subscription.watcher = read("watcher");
  subscription.event_id = read("event_id");
  subscription.body_type = read("body_type");
  auto entry = std::make_unique<SubscriptionEntry>(
      std::move(subscription), dialog::parse_dialog(read("dialog")).value(),
      Notifier(package_.pacing(), Notifier::State::pending, expires), services_.timers());
  // Document versions rise with CSeq, which jumped over what may have been used before the restart.
  entry->subscription.number = entry->dialog.local_cseq;
  entry->bucket = bucket_of(record.aor);
  entry->watcher_id = read("watcher_id");
  entry->display_name = read("display_name");
  entry->since = WallTime(std::chrono::milliseconds(value.at("since").as_int64()));
  const json::object& hop = value.at("hop").as_object();
  set_hop(*entry, read_hop(hop));
  entry->reachable = !hop.at("flow").as_bool();
  insert(std::move(entry));
} catch (const std::exception&) {
  log::warn("presence", "{}: a stored subscription cannot be read", record.aor);
}

void Subscriptions::restored(Now now) {
  std::vector<SubscriptionEntry*> all;
  for (const auto& [id, entry] : entries_) all.push_back(entry.get());
  std::sort(all.begin(), all.end(), [](auto* a, auto* b) { return a->subscription.id < b->subscription.id; });
  for (SubscriptionEntry* entry : all) {
    const event::Subscription& subscription = entry->subscription;
    entry->permission = package_.permission(subscription.resource, subscription.watcher, now);
    entry->notifier = Notifier(package_.pacing(), state_for(entry->permission), entry->notifier.expires());
    observer_.on_subscribed(*entry, now);
    reserve_anew(*entry);
  }
}

/// The numbers of the last run are used up: none of the next block goes out before the store has it, or a
/// second crash would use it twice. What changes until then is in the full state that follows; what the store
/// has to know first (rules, refreshes) comes behind.
void Subscriptions::reserve_anew(SubscriptionEntry& entry) {
  entry.held = true;
  entry.dialog.reserve();
  services_.store().commit(
      {.aor = entry.subscription.resource, .changes = {record_of(entry, entry.notifier.expires())}},
      [this, id = entry.subscription.id](auto) {
        if (SubscriptionEntry* kept = find(id)) resume(*kept, services_.clock().now());
      });
}

void Subscriptions::resume(SubscriptionEntry& entry, Now now) {
  entry.held = false;
  if (entry.permission == Permission::block) {
    return perform(entry, entry.notifier.terminate("rejected", std::nullopt, now.mono), now);
  }
  const auto spread = static_cast<std::uint64_t>(resume_spread.count());
  entry.notifier.resume(now.mono + Duration(static_cast<Duration::rep>(services_.random().below(spread))));
  arm(entry);
}

Table Subscriptions::table(Now now) const {
  Table table{.name = name_, .rows = {}};
  for (const auto& [id, entry] : entries_) {
    const auto left = std::chrono::ceil<std::chrono::seconds>(entry->notifier.expires() - now.mono).count();
    table.rows.push_back({{"target", entry->subscription.resource},
                          {"from", entry->subscription.watcher},
                          {"state", std::string(event::to_string(entry->notifier.state()))},
                          {"version", std::to_string(entry->subscription.number)},
                          {"expire", std::to_string(left)},
                          {"contact", entry->dialog.remote_target},
                          {"callid", entry->dialog.id.call_id},
                          {"cseq", std::to_string(entry->dialog.local_cseq)},
                          {"reachable", entry->reachable ? "yes" : "no"}});
  }
  return table;
}

}  // namespace beckon::server::presence
