#include "server/subscription/subscriptions.hpp"

#include <algorithm>
#include <limits>

#include "protocol/base/log.hpp"
#include "protocol/event/body_type.hpp"
#include "server/shard/replay.hpp"
#include "server/shard/sips.hpp"
#include "server/subscription/delivery.hpp"
#include "server/subscription/record.hpp"

namespace beckon::server::subscription {

using event::Notifier;
using sip::HeaderId;

namespace {

/// After a restart NOTIFYs are spread over this, so that watchers and network are not hit all at once.
constexpr Duration resume_spread = 5s;
/// CSeqs covered by one record, so that no NOTIFY needs a write of its own (DESIGN 1.4).
constexpr std::uint32_t cseq_block = 1000;

/// Before the store is tried again: as for facts.
Duration store_pause(unsigned failures) {
  using store::Sequence;
  Duration pause = Sequence::retry_min;
  for (; failures > 1 && pause < Sequence::retry_max; --failures) pause *= 2;
  return std::min(pause, Sequence::retry_max);
}

Notifier::State state_for(Permission permission) {
  return permission == Permission::active ? Notifier::State::active : Notifier::State::pending;
}

/// A change of a record that is true whatever the store says, and is owed to it.
class Fact final : public store::Step {
 public:
  explicit Fact(store::Change change) : change_(std::move(change)) {}
  bool prepare(store::Batch& batch, Now) override {
    const store::Record& record = change_.record;
    if (change_.erase)
      batch.erase(record.kind, record.key);
    else
      batch.put(record.kind, record.key, [&] { return record.value; });
    return true;
  }
  void apply(Now) override {}

 private:
  store::Change change_;
};

std::string event_value(const Package& package, std::string_view event_id) {
  std::string value(package.name());
  if (!event_id.empty()) value.append(";id=").append(event_id);
  return value;
}

}  // namespace

Subscriptions::Subscriptions(Services& services, Sender& sender, store::StateStore& store,
                             store::DurableStore& users, Packages packages)
    : services_(services),
      sender_(sender),
      store_(store),
      users_(users),
      index_(services.directory()),
      packages_(std::move(packages)),
      rounds_(
          services.timers(), services.clock(),
          [this](const EntryPtr& resource, Slice& slice, Now now) { return work(*resource, slice, now); }),
      closing_(services.timers(), services.clock(), [this](transaction::FlowId flow, Slice& slice, Now now) {
        return lose_all(flow, slice, now);
      }) {
  for (const auto& package : packages_) package->subscriptions_ = this;
  for (const auto& package : packages_) package->attached();
}

Subscriptions::~Subscriptions() {
  // NOTIFYs in flight keep their subscriptions, which must not outlive the packages with data of theirs.
  index_.each([](Subscription& each) {
    each.timer_.cancel();
    each.data.reset();
  });
}

template <class Event>
void Subscriptions::report(const Package& package, Event event) {
  for (const auto& [observed, observer] : observers_)
    if (observed == &package) event(*observer);
}

void Subscriptions::settle(const Package& package, Entry& resource, Now now) {
  report(package, [&](Observer& observer) { observer.on_settled(resource, now); });
}

// SUBSCRIBE

Serves Subscriptions::serves() const {
  Serves serves{.methods = {sip::Method::subscribe}};
  for (const auto& package : packages_) serves.events.emplace_back(package->name());
  return serves;
}

void Subscriptions::on_request(const RequestPtr& request) {
  const sip::Message& message = request->message;
  const auto event = sip::parse_event(message.header(HeaderId::event));
  Package* package = event ? packages_.find(event->package) : nullptr;
  if (!package) return services_.respond(*request, 400);
  const auto tag = message.to_tag();
  if (tag.empty()) return on_initial(request, *package);
  Subscription* known = index_.find(tag);
  const bool is_its_dialog = known && counts(*known) && &known->package() == package &&
                             known->head_.call_id() == message.call_id() &&
                             known->head_.remote_tag() == message.from_tag();
  if (!is_its_dialog) return services_.respond(*request, 481);
  on_refresh(request, *known);
}

void Subscriptions::refuse_brief(const Request& request, std::chrono::seconds least) {
  auto refusal = request.reply(423);
  refusal.add(HeaderId::min_expires, static_cast<std::uint32_t>(least.count()));
  services_.respond(request, std::move(refusal).finish());
}

void Subscriptions::refuse(const Request& request, ErrorCode why) {
  log::debug("subscription", "{} {} not stored: {}", request.identity.aor, request.message.call_id(),
             why.message());
  services_.respond(request, why == store::Errc::late ? 503 : 500);
}

void Subscriptions::on_initial(const RequestPtr& request, Package& package) {
  const auto uri = request->message.request_uri();
  if (!uri || uri->host.empty()) return services_.respond(*request, 400);
  if (!request->resource) return services_.respond(*request, 404);
  const Now now = services_.clock().now();
  const Permission permission = package.admit(*request->resource, request->identity.aor, now);
  if (permission == Permission::refused) return services_.respond(*request, 403);
  const event::Expiry expiry = package.expiry();
  const auto expires = expiry.grant(request->message.expires());
  if (!expires) return refuse_brief(*request, expiry.min);
  package.find(*request->resource, [this, request, &package, permission, expires = *expires](int status) {
    if (status != 200) return services_.respond(*request, status);
    admit(request, package, permission, expires);
  });
}

/// What the watcher or the resource has too many of; empty: nothing.
std::string_view Subscriptions::find_limit(const Entry& resource, const Package& package,
                                           const Watcher& watcher, Permission permission) const {
  const Settings& settings = services_.settings();
  if (watcher.subscriptions >= settings.subscriptions_per_watcher) return "too many subscriptions";
  // Those whose connection is gone give way to a new one, and do not count.
  std::uint32_t twins = 0;
  for (const Subscription* each = index_.first_of(resource, watcher.aor); each;
       each = Index::next_of_pair(*each))
    if (each->is_reachable()) ++twins;
  if (twins >= settings.subscriptions_per_watcher_and_presentity)
    return "too many subscriptions to one resource";
  const Index::Group* group = index_.group(resource, package);
  if (!group) return {};
  const std::uint32_t all_max = settings.watchers_per_presentity;
  const bool is_full = permission == Permission::pending
                           ? group->pending >= std::min(settings.pending_per_presentity, all_max)
                           : group->active >= all_max;
  return is_full ? "too many watchers" : "";
}

void Subscriptions::admit(const RequestPtr& request, Package& package, Permission permission,
                          std::chrono::seconds expires) {
  const sip::Message& message = request->message;
  Entry& resource = *request->resource;
  const auto types = package.body_types();
  const auto body_type = event::choose_body_type(message, types);
  if (body_type.empty()) return services_.respond(*request, 406);
  WatcherPtr watcher = index_.watcher(request->identity.aor);
  if (const auto limit = find_limit(resource, package, *watcher, permission); !limit.empty()) {
    auto refusal = request->reply(403);
    refusal.add(HeaderId::warning,
                "399 " + services_.settings().domains.front() + " \"" + std::string(limit) + '"');
    return services_.respond(*request, std::move(refusal).finish());
  }
  const bool secure = is_to_sips(message);
  const auto dialog = dialog::make_uas_dialog(message, request->to_tag, secure);
  const auto event = sip::parse_event(message.header(HeaderId::event));
  const auto from = message.from();
  if (!dialog || !event || !from) return services_.respond(*request, 400);
  auto head = Head::make(*dialog, sender_.contact(resource.bucket(), request->from, secure),
                         event_value(package, event->id), event->id, from->display_name);
  if (!head) return services_.respond(*request, 513);

  const Now now = services_.clock().now();
  const SubscriptionPtr made = new Subscription(package, &resource, std::move(watcher), services_.timers());
  made->head_ = std::move(*head);
  made->permission_ = permission;
  made->body_type_ = static_cast<std::uint8_t>(std::ranges::find(types, body_type) - types.begin());
  made->since_ = now.mono;
  made->granted_ = static_cast<std::uint32_t>(expires.count());
  made->remote_cseq_ = *dialog->remote_cseq;
  made->is_secure_dialog_ = secure;
  made->is_fetch_ = expires.count() == 0;
  // From here on it counts for the limits, and hears when its connection closes.
  index_.add(*made);
  move(*made, request->from, now);
  const Time ends = now.mono + expires;
  std::string response = answer_to(*request, expires);
  if (made->is_fetch_) {
    services_.respond(*request, std::move(response));
    return begin(*made, ends, now);
  }
  made->is_stored_ = true;
  store::Batch batch{.aor = resource.aor()};
  const std::uint32_t reserved = put(batch, *made, ends);
  promise(batch, *request, response);
  commit(std::move(batch), [this, request, made, ends, reserved, response](Result<store::Version> done) {
    if (done) {
      made->reserved_cseq_ = reserved;
      services_.respond(*request, response);
      return begin(*made, ends, services_.clock().now());
    }
    index_.remove(*made);
    refuse(*request, done.error());
  });
}

std::string Subscriptions::answer_to(const Request& request, std::chrono::seconds expires) const {
  auto reply = request.reply(200);
  reply.copy(request.message, HeaderId::record_route);
  reply.add(HeaderId::contact, sender_.contact(request.bucket, request.from, is_to_sips(request.message)));
  reply.add(HeaderId::expires, static_cast<std::uint32_t>(expires.count()));
  return std::move(reply).finish();
}

/// What decides may have changed while the store was writing, and the connection may have closed.
void Subscriptions::begin(Subscription& subscription, Time expires, Now now) {
  Package& package = subscription.package();
  const Permission permission = package.begin(subscription, now);
  subscription.notifier_ = Notifier(package.pacing(), state_for(permission), expires);
  if (subscription.holds_ != 0) subscription.notifier_.hold();
  index_.set_permission(subscription, permission);
  if (permission == Permission::refused)
    return perform(subscription, subscription.notifier_.terminate("rejected", std::nullopt, now.mono), now);
  subscription.is_begun_ = true;
  if (const auto* group = index_.group(subscription.resource(), package)) subscription.heard_ = group->change;
  report(package, [&](Observer& observer) { observer.on_begun(subscription, now); });
  package.begun(subscription, now);
  settle(package, subscription.resource(), now);
  perform(subscription, subscription.notifier_.on_subscribe(expires, now.mono), now);
  drop_lost_twins(subscription, now);
}

/// A watcher that subscribes anew has given up what it lost with a connection (or has crashed and forgot it).
/// If one belongs to another device of the same user, its refresh gets 481 and it subscribes anew, too.
void Subscriptions::drop_lost_twins(const Subscription& started, Now now) {
  if (started.is_fetch_) return;
  std::vector<SubscriptionPtr> lost;
  for (Subscription* each = index_.first_of(started.resource(), started.watcher()); each;
       each = Index::next_of_pair(*each))
    if (each != &started && counts(*each) && &each->package() == &started.package() &&
        !each->is_reachable() && each->event_id() == started.event_id())
      lost.emplace_back(each);
  for (const SubscriptionPtr& each : lost)
    perform(*each, each->notifier_.terminate("deactivated", std::nullopt, now.mono), now);
}

void Subscriptions::on_refresh(const RequestPtr& request, Subscription& subscription) {
  if (request->identity.aor != subscription.watcher()) return services_.respond(*request, 403);
  const event::Expiry expiry = subscription.package().expiry();
  const auto granted = expiry.grant(request->message.expires());
  if (!granted) return refuse_brief(*request, expiry.min);
  const SubscriptionPtr kept(&subscription);
  if (!take_over(*request, subscription)) return;
  const bool ends_it = granted->count() == 0;
  const Time expires = services_.clock().now().mono + *granted;
  std::string response = answer_to(*request, *granted);
  if (!ends_it) subscription.granted_ = static_cast<std::uint32_t>(granted->count());
  store::Batch batch{.aor = subscription.resource().aor()};
  // Nothing puts the record back once its end is on the way to the store.
  const bool erases = ends_it && std::exchange(subscription.is_stored_, false);
  std::uint32_t reserved = 0;
  if (ends_it)
    batch.erase(store::Kind::subscription, subscription.head_.local_tag());
  else
    reserved = put(batch, subscription, expires);
  promise(batch, *request, response);
  // A record written meanwhile would have the old lifetime, or outlive the end.
  ++subscription.reserving_;
  commit(std::move(batch),
         [this, request, kept, expires, erases, reserved, response](Result<store::Version> done) {
           --kept->reserving_;
           if (!done && erases) {
             kept->is_stored_ = counts(*kept);
             if (!kept->is_stored_) erase(*kept);
           }
           // It may have ended while the store was writing.
           if (!counts(*kept)) {
             if (kept->is_listed_) reserve_later(*kept, services_.clock().now());
             return services_.respond(*request, 481);
           }
           if (!done) {
             arm(*kept);
             reserve_later(*kept, services_.clock().now());
             return refuse(*request, done.error());
           }
           services_.respond(*request, response);
           kept->reserved_cseq_ = std::max(kept->reserved_cseq_, reserved);
           refreshed(*kept, expires, services_.clock().now());
         });
}

/// CSeq, Contact and where it came from. False: refused.
bool Subscriptions::take_over(const Request& request, Subscription& subscription) {
  dialog::Dialog dialog = subscription.head_.dialog();
  dialog.remote_cseq = subscription.remote_cseq_;
  if (const auto in_order = dialog.on_request(request.message); !in_order) {
    services_.respond(request, in_order.error() == dialog::Errc::out_of_order ? 500 : 400);
    return false;
  }
  const bool is_moved = subscription.peer_ != Subscription::peer_of(request.from);
  if (is_moved || dialog.remote_target != subscription.head_.remote_target()) {
    const std::string event_id(subscription.event_id());
    auto head = Head::make(
        dialog,
        sender_.contact(subscription.resource().bucket(), request.from, subscription.is_secure_dialog_),
        event_value(subscription.package(), event_id), event_id, std::string(subscription.display_name()));
    if (!head) {
      services_.respond(request, 513);
      return false;
    }
    index_.set_head(subscription, std::move(*head));
  }
  subscription.remote_cseq_ = *dialog.remote_cseq;
  if (is_moved || !subscription.is_reachable()) move(subscription, request.from, services_.clock().now());
  return true;
}

void Subscriptions::refreshed(Subscription& subscription, Time expires, Now now) {
  const SubscriptionPtr kept(&subscription);
  Notifier& notifier = subscription.notifier_;
  const bool has_hop = subscription.peer_.flow == 0 || subscription.of_flow_.is_linked();
  // The store has the record with its next CSeqs, or its end.
  const unsigned over = Subscription::unstored | (has_hop ? unsigned{Subscription::unreachable} : 0U);
  const bool is_back = (subscription.holds_ & over) != 0;
  subscription.holds_ &= static_cast<std::uint8_t>(~over);
  const auto actions = notifier.on_subscribe(expires, now.mono);
  if (!actions.terminated) subscription.package().refreshed(subscription, now);
  perform(subscription, actions, now);
  // Full state makes up for what was missed.
  if (is_back && subscription.is_listed_ && subscription.holds_ == 0)
    perform(subscription, notifier.release(now.mono), now);
}

// Changes

void Subscriptions::changed(const Package& package, Entry& resource, Now) {
  Index::Group* group = index_.group(resource, package);
  if (!group) return;
  ++group->change;
  group->left = group->size();
  rounds_.start(resource.ptr());
}

void Subscriptions::changed(Subscription& subscription, Now now) {
  if (counts(subscription)) perform(subscription, subscription.notifier_.on_change(now.mono), now);
}

void Subscriptions::changed_urgently(Subscription& subscription, Now now) {
  if (counts(subscription)) perform(subscription, subscription.notifier_.on_urgent_change(now.mono), now);
}

void Subscriptions::decide(Subscription& subscription, Permission permission, Now now) {
  if (!counts(subscription)) return;
  const SubscriptionPtr kept(&subscription);
  Notifier& notifier = subscription.notifier_;
  hold(subscription, Subscription::batched);
  if (permission == Permission::refused)
    return perform(subscription, notifier.terminate("rejected", std::nullopt, now.mono), now);
  const bool is_change = permission != subscription.permission_;
  if (is_change) {
    index_.set_permission(subscription, permission);
    subscription.is_approved_ = permission == Permission::active;
  }
  const bool is_active = permission == Permission::active;
  perform(subscription,
          !is_change  ? notifier.on_change(now.mono)
          : is_active ? notifier.approve(now.mono)
                      : notifier.suspend(now.mono),
          now);
  if (is_change)
    report(subscription.package(), [&](Observer& observer) { observer.on_decided(subscription, now); });
}

void Subscriptions::deliver(const Package& package, Entry& resource, Now now) {
  const EntryPtr kept = resource.ptr();
  settle(package, resource, now);
  Index::Group* group = index_.group(resource, package);
  if (!group) return;
  group->left = group->size();
  rounds_.start(resource.ptr());
}

void Subscriptions::rules_changed(const Package& package, Entry& resource, Now now) {
  const EntryPtr kept = resource.ptr();
  report(package, [&](Observer& observer) { observer.on_rules_changed(resource, now); });
  deliver(package, resource, now);
}

bool Subscriptions::work(Entry& resource, Slice& slice, Now now) {
  const auto find_due = [&]() -> Index::Group* {
    auto* groups = index_.groups(resource);
    if (!groups) return nullptr;
    const auto found = std::ranges::find_if(*groups, [](const auto& group) { return group.left != 0; });
    return found == groups->end() ? nullptr : &*found;
  };
  // A visit may end any subscription, and the last one ends its group.
  while (Index::Group* group = find_due()) {
    if (!slice.take()) return true;
    --group->left;
    const SubscriptionPtr visited(&group->next());
    const bool is_news = std::exchange(visited->heard_, group->change) != group->change;
    if ((visited->holds_ & Subscription::batched) != 0)
      release(*visited, Subscription::batched, now);
    else if (is_news && counts(*visited) && visited->package().has_news(*visited))
      changed(*visited, now);
  }
  return false;
}

// The life of one

void Subscriptions::perform(Subscription& subscription, const Notifier::Actions& actions, Now now) {
  const SubscriptionPtr kept(&subscription);
  if (actions.terminated) end(subscription, now);
  if (actions.notify) notify(subscription, *actions.notify, now);
  if (!subscription.is_listed_) return;
  const bool is_mute = subscription.is_terminated() && !subscription.is_reachable();
  if (!actions.destroy && !is_mute) return arm(subscription);
  subscription.timer_.cancel();
  index_.remove(subscription);
  subscription.data.reset();
}

void Subscriptions::end(Subscription& subscription, Now now) {
  if (std::exchange(subscription.is_stored_, false)) erase(subscription);
  if (!subscription.is_begun_) return;
  Package& package = subscription.package();
  report(package, [&](Observer& observer) { observer.on_ended(subscription, now); });
  package.ended(subscription, now);
  if ((subscription.holds_ & Subscription::batched) == 0) settle(package, subscription.resource(), now);
}

void Subscriptions::notify(Subscription& subscription, const Notifier::Notify& notify, Now now) {
  Package& package = subscription.package();
  const bool has_body = notify.body != Notifier::Body::none;
  Content content;
  if (has_body) content = package.compose(subscription, notify.body, now);
  ++subscription.cseq_;
  // The record of one that ended is gone and must stay so; a fetch has none.
  if (!subscription.is_fetch_ && !subscription.is_terminated()) {
    if (subscription.cseq_ + cseq_block / 2 >= subscription.reserved_cseq_) reserve(subscription);
    if (subscription.cseq_ >= subscription.reserved_cseq_) hold(subscription, Subscription::unstored);
  }
  beckon::server::subscription::deliver(
      sender_, subscription, notify, content,
      [this, kept = SubscriptionPtr(&subscription), sent = ++subscription.sent_](
          const transaction::Outcome& outcome, Now at) { on_outcome(*kept, sent, outcome, at); });
  if (has_body) package.notified(subscription, now);
}

void Subscriptions::on_outcome(Subscription& subscription, std::uint32_t sent,
                               const transaction::Outcome& outcome, Now now) {
  if (outcome.kind == transaction::Outcome::Kind::provisional) return;
  if (!subscription.is_listed_ || subscription.sent_ != sent) return;
  const SubscriptionPtr kept(&subscription);
  // Only the watcher can open a new connection: its subscription waits, but not longer than it lasts.
  if (outcome.kind == transaction::Outcome::Kind::transport_error && subscription.peer_.flow != 0)
    lose(subscription, now);
  if (!subscription.is_listed_) return;
  const auto retry_after =
      outcome.response ? outcome.response->number(HeaderId::retry_after) : std::optional<std::uint32_t>();
  perform(subscription, subscription.notifier_.on_notify_end(outcome.status, retry_after, now.mono), now);
}

void Subscriptions::hold(Subscription& subscription, Subscription::Hold reason) {
  subscription.holds_ |= reason;
  subscription.notifier_.hold();
}

void Subscriptions::release(Subscription& subscription, Subscription::Hold reason, Now now) {
  subscription.holds_ &= static_cast<std::uint8_t>(~reason);
  perform(subscription,
          subscription.holds_ == 0 ? subscription.notifier_.release(now.mono) : Notifier::Actions{}, now);
}

/// A flow may close while its request waits for credentials, the user or the store: one that is gone already
/// is like one that closes now.
void Subscriptions::move(Subscription& subscription, const transaction::Hop& hop, Now now) {
  if (subscription.notifier_.in_flight()) {
    // What went down the old connection is lost or soon will be.
    ++subscription.sent_;
    subscription.notifier_.abandon();
  }
  index_.set_hop(subscription, hop);
  if (services_.directory().is_closed(hop.flow)) lose(subscription, now);
}

void Subscriptions::on_flow_closed(transaction::FlowId flow, Now) {
  if (index_.first_on(flow)) closing_.start(flow);
}

bool Subscriptions::lose_all(transaction::FlowId flow, Slice& slice, Now now) {
  while (Subscription* subscription = index_.first_on(flow)) {
    if (!slice.take()) return true;
    lose(*subscription, now);
  }
  return false;
}

void Subscriptions::lose(Subscription& subscription, Now now) {
  index_.leave_flow(subscription);
  hold(subscription, Subscription::unreachable);
  if (!subscription.is_begun_) return;
  const SubscriptionPtr kept(&subscription);
  subscription.package().lost(subscription, now);
  if (subscription.is_listed_) perform(subscription, {.destroy = subscription.is_fetch_}, now);
}

void Subscriptions::arm(Subscription& subscription) {
  if ((subscription.holds_ & Subscription::unstored) != 0) return;
  const auto deadline = subscription.notifier_.deadline();
  if (!deadline) return subscription.timer_.cancel();
  const Time now = services_.clock().now().mono;
  subscription.timer_.set(std::max(*deadline, now), [this, &subscription](Time) {
    const Now at = services_.clock().now();
    perform(subscription, subscription.notifier_.on_timer(at.mono), at);
  });
}

// Records

/// Subscriptions to one resource do not wait for one another, as the steps of its sequence do: thousands come
/// back at once after a restart.
void Subscriptions::commit(store::Batch batch, store::RecordStore::Done done) {
  if (!store_.keeps_records()) return done(store::Version{});
  store_.commit(std::move(batch), std::move(done));
}

void Subscriptions::promise(store::Batch& batch, const Request& request, const std::string& response) {
  if (!store_.keeps_records()) return;
  batch.answer = services_.answer(request, batch.aor, response);
  batch.deadline = request.now.mono + replay_time;
}

/// With the next block of CSeqs, which may be used when the store has it: up to the returned one.
std::uint32_t Subscriptions::put(store::Batch& batch, const Subscription& subscription, Time expires) const {
  const std::uint32_t reserved = subscription.cseq_ + cseq_block;
  if (!store_.keeps_records()) return reserved;
  batch.put(store::Kind::subscription, subscription.head_.local_tag(), [&] {
    Record record;
    record.package = subscription.package().name();
    record.watcher = subscription.watcher();
    record.dialog = subscription.head_.dialog();
    record.dialog.reserved_cseq = reserved;
    record.dialog.remote_cseq = subscription.remote_cseq_;
    record.dialog.secure = subscription.is_secure_dialog_;
    record.event_id = subscription.event_id();
    record.body_type = subscription.body_type();
    record.display_name = subscription.display_name();
    record.since = subscription.since_;
    record.lifetime.granted = std::chrono::seconds(subscription.granted_);
    record.hop = subscription.hop();
    record.had_flow = subscription.peer_.flow != 0;
    return record.print(expires, store_.scale());
  });
  return reserved;
}

void Subscriptions::erase(const Subscription& subscription) {
  if (!store_.keeps_records()) return;
  subscription.resource().add_fact(
      std::make_unique<Fact>(store::Change{.record = {store::Kind::subscription,
                                                      subscription.resource().aor(),
                                                      std::string(subscription.head_.local_tag()),
                                                      {}},
                                           .erase = true}));
}

// Restart

void Subscriptions::restore(const store::Record& stored, Now now) {
  if (stored.kind != store::Kind::subscription) return;
  const auto record =
      parse_record(stored.key, stored.value, now.mono, store_.scale(), services_.settings().restart_grace);
  if (!record) return services_.directory().skip_unreadable(stored.kind);
  Package* package = packages_.find(record->package);
  if (!package) return services_.directory().skip_unserved(stored.kind, record->package);
  const EntryPtr resource = services_.directory().get(stored.aor);
  auto head =
      Head::make(record->dialog, sender_.contact(resource->bucket(), record->hop, record->dialog.secure),
                 event_value(*package, record->event_id), record->event_id, record->display_name);
  if (!head || index_.find(stored.key)) return;
  const SubscriptionPtr made =
      new Subscription(*package, resource, index_.watcher(record->watcher), services_.timers());
  made->head_ = std::move(*head);
  made->peer_ = Subscription::peer_of(record->hop);
  made->since_ = record->since;
  made->granted_ = static_cast<std::uint32_t>(
      std::chrono::duration_cast<std::chrono::seconds>(record->lifetime.granted).count());
  made->cseq_ = made->reserved_cseq_ = record->dialog.reserved_cseq;
  made->remote_cseq_ = *record->dialog.remote_cseq;
  const auto types = package->body_types();
  const auto type = std::ranges::find(types, record->body_type);
  made->body_type_ = static_cast<std::uint8_t>(type == types.end() ? 0 : type - types.begin());
  made->is_secure_dialog_ = record->dialog.secure;
  made->is_stored_ = true;
  made->notifier_ = Notifier(package->pacing(), Notifier::State::pending, now.mono + record->lifetime.left);
  hold(*made, Subscription::unstored);
  if (record->had_flow) hold(*made, Subscription::unreachable);
  index_.add(*made);
  restored_.push_back(made);
}

/// Full state goes out to the watchers that can be reached, spread over time (DESIGN 1.4), so that nothing
/// needs to be reported besides.
void Subscriptions::restored(Now now) {
  for (const SubscriptionPtr& each : std::exchange(restored_, {})) {
    Package& package = each->package();
    const Permission permission = package.begin(*each, now);
    index_.set_permission(*each, permission);
    each->notifier_ = Notifier(package.pacing(), state_for(permission), each->notifier_.expires());
    each->notifier_.hold();
    if (permission != Permission::refused) {
      each->is_begun_ = true;
      report(package, [&](Observer& observer) { observer.on_begun(*each, now); });
      package.begun(*each, now);
      settle(package, each->resource(), now);
    }
    reserve(*each);
  }
}

// CSeqs: none leaves before the store has it reserved, or a crash would have it used twice. The next block is
// asked for while half of one is left, so that NOTIFYs wait for a store that fails, and after a restart,
// where the CSeqs of the last run may be used up. The commit is not a fact of the sequence, where a PUBLISH
// would wait for it.

void Subscriptions::reserve(Subscription& subscription) {
  if (subscription.reserving_ != 0) return;
  ++subscription.reserving_;
  store::Batch batch{.aor = subscription.resource().aor()};
  std::uint32_t reserved = 0;
  if (subscription.is_stored_)
    reserved = put(batch, subscription, subscription.expires());
  else
    batch.erase(store::Kind::subscription, subscription.head_.local_tag());  // no record: nothing to repeat
  commit(std::move(batch),
         [this, kept = SubscriptionPtr(&subscription), reserved](Result<store::Version> done) {
           --kept->reserving_;
           if (!kept->is_listed_) return;
           const Now now = services_.clock().now();
           if (!done) return reserve_later(*kept, now);
           kept->store_failures_ = 0;
           kept->reserved_cseq_ = std::max(kept->reserved_cseq_, reserved);
           on_reserved(*kept, now);
         });
}

void Subscriptions::on_reserved(Subscription& subscription, Now now) {
  if ((subscription.holds_ & Subscription::unstored) == 0) return;
  Notifier& notifier = subscription.notifier_;
  const bool is_restored = subscription.sent_ == 0;  // nothing has left since the start
  if (subscription.permission_ == Permission::refused)
    perform(subscription, notifier.terminate("rejected", std::nullopt, now.mono), now);
  else if (now.mono >= notifier.expires())
    perform(subscription, notifier.on_timer(now.mono), now);
  else if (is_restored && !subscription.is_terminated())
    notifier.resume(now.mono + Duration(static_cast<Duration::rep>(services_.random().below(
                                   static_cast<std::uint64_t>(resume_spread.count())))));
  if (subscription.is_listed_) release(subscription, Subscription::unstored, now);
}

/// The store did not reserve. While CSeqs are left the next NOTIFY asks again. Without any, the
/// subscription's timer does; its lifetime goes on.
void Subscriptions::reserve_later(Subscription& subscription, Now now) {
  if ((subscription.holds_ & Subscription::unstored) == 0 || subscription.reserving_ != 0) return;
  if (subscription.is_begun_ && now.mono >= subscription.expires())
    perform(subscription, subscription.notifier_.on_timer(now.mono), now);
  if (!subscription.is_listed_) return;
  if (subscription.store_failures_ != std::numeric_limits<std::uint8_t>::max())
    ++subscription.store_failures_;
  const Duration pause = store_pause(subscription.store_failures_);
  const auto jitter = services_.random().below(static_cast<std::uint64_t>(pause.count() / 4));
  subscription.timer_.set(now.mono + pause - Duration(static_cast<Duration::rep>(jitter)),
                          [this, &subscription](Time) { reserve(subscription); });
}

void Subscriptions::find_user(const Entry& resource, Package::Found found) {
  users_.find_user(resource.aor(), [found = std::move(found)](const Result<store::UserPtr>& user) {
    found(!user ? 500 : *user ? 200 : 404);
  });
}

// Tables

std::size_t Subscriptions::size(const Package& package) const {
  std::size_t count = 0;
  index_.each([&](const Subscription& each) { count += &each.package() == &package ? 1U : 0U; });
  return count;
}

std::size_t Subscriptions::size() const {
  std::size_t count = index_.size();
  for (const auto& package : packages_) count += package->size();
  return count;
}

Table Subscriptions::table(const Package& package, Now now) const {
  Table table{.name = std::string(package.table()), .rows = {}};
  index_.each([&](const Subscription& each) {
    if (&each.package() != &package) return;
    const auto left = std::chrono::ceil<std::chrono::seconds>(each.expires() - now.mono).count();
    table.rows.push_back({{"target", each.resource().aor()},
                          {"from", each.watcher()},
                          {"state", std::string(event::to_string(each.notifier_.state()))},
                          {"version", std::to_string(each.number())},
                          {"expire", std::to_string(left)},
                          {"contact", std::string(each.head_.remote_target())},
                          {"callid", std::string(each.head_.call_id())},
                          {"cseq", std::to_string(each.cseq_)},
                          {"reachable", each.is_reachable() ? "yes" : "no"}});
  });
  return table;
}

std::vector<Table> Subscriptions::tables(Now now) const {
  std::vector<Table> all;
  for (const auto& package : packages_) {
    all.push_back(table(*package, now));
    for (Table& more : package->tables(now)) all.push_back(std::move(more));
  }
  return all;
}

}  // namespace beckon::server::subscription
