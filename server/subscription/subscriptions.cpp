#include "server/subscription/subscriptions.hpp"

#include <algorithm>

#include "protocol/base/log.hpp"
#include "server/shard/sips.hpp"
#include "server/subscription/limits.hpp"
#include "server/subscription/record.hpp"

namespace beckon::server::subscription {

using event::Notifier;
using sip::HeaderId;

namespace {

std::string event_value(const Package& package, std::string_view event_id) {
  std::string value(package.name());
  if (!event_id.empty()) value.append(";id=").append(event_id);
  return value;
}

constexpr std::string_view eventlist = "eventlist";

bool supports_lists(const sip::Message& request) {
  for (const HeaderId header : {HeaderId::supported, HeaderId::require})
    for (const std::string_view option : request.each(header))
      if (option == eventlist) return true;
  return false;
}

}  // namespace

Subscriptions::Subscriptions(Services& services, Sender& sender, Peers& peers, store::StateStore& store,
                             store::DurableStore& users, std::shared_ptr<Tally> tally, Packages packages)
    : services_(services),
      sender_(sender),
      peers_(peers),
      users_(users),
      tally_(std::move(tally)),
      records_(services, store),
      index_(services.directory(), *tally_),
      lifecycle_(services, sender, peers, records_, index_),
      packages_(std::move(packages)),
      rounds_(
          services.timers(), services.clock(),
          [this](const EntryPtr& resource, Slice& slice, Now now) { return work(*resource, slice, now); }),
      closing_(
          services.timers(), services.clock(),
          [this](transaction::FlowId flow, Slice& slice, Now now) { return lose_all(flow, slice, now); }),
      leaving_(services.timers(), services.clock(),
               [this](const std::string& aor, Slice& slice, Now now) { return end_all(aor, slice, now); }) {
  for (const auto& package : packages_) {
    package->subscriptions_ = this;
    if (package->key() == package->name())
      allow_events_.append(allow_events_.empty() ? "" : ", ").append(package->name());
  }
  for (const auto& package : packages_) package->attached();
}

Subscriptions::~Subscriptions() {
  ending_.clear();
  // NOTIFYs in flight keep their subscriptions, which must not outlive the packages with data of theirs.
  index_.each([](Subscription& each) {
    each.timer_.cancel();
    each.data.reset();
  });
}

// SUBSCRIBE

Serves Subscriptions::serves() const {
  // COMPAT: liblinphone sends its list of contacts deflated; the lists in requests are the only bodies read.
  Serves serves{.methods = {sip::Method::subscribe}, .codings = {"deflate"}};
  for (const auto& package : packages_)
    if (package->key() == package->name()) serves.events.emplace_back(package->name());
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
  const bool is_its_dialog = known && known->counts() && !known->is_follower() &&
                             known->head_.call_id() == message.call_id() &&
                             known->head_.remote_tag() == message.from_tag();
  if (!is_its_dialog) return services_.respond(*request, 481);
  // Another subscription in the dialog of the first (RFC 6665 4.5.2); 403 leaves the first one as it is (RFC
  // 5057 5.1).
  if (known->package().name() != package->name() || known->event_id() != event->id)
    return services_.respond(*request, 403, "Dialog Sharing Not Supported");
  // A list in a SUBSCRIBE of a dialog means nothing (RFC 5367 5.1).
  if (lists_ && lists_->read(message)) return services_.respond(*request, 415);
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
  const sip::Message& message = request->message;
  const auto uri = message.request_uri();
  if (!uri || uri->host.empty()) return services_.respond(*request, 400);
  if (!request->resource) return services_.respond(*request, 404);
  Package* const form = lists_ ? lists_->form_of(package) : nullptr;
  if (!form) return begin(request, package);
  if (const auto carried = lists_->read(message)) {
    // A list of its own is for users of ours (RFC 5363 5).
    if (!services_.settings().serves(domain_of_aor(request->identity.aor)))
      return services_.respond(*request, 403);
    if (carried->status != 200) return services_.respond(*request, carried->status);
    return begin(request, *form, carried->list);
  }
  if (!supports_lists(message)) return begin(request, package);
  lists_->find(request->resource->aor(), request->identity.aor, package,
               [this, request, &package, form](int status) {
                 if (status == 200) return begin(request, *form);
                 status == 404 ? begin(request, package) : services_.respond(*request, status);
               });
}

/// Where the URI stands for a list of the watcher's, the watcher hears what it has to support (RFC 4662 4.1).
void Subscriptions::refuse_or_ask(const RequestPtr& request, Package& package, int status) {
  if (!lists_ || !lists_->form_of(package) || supports_lists(request->message))
    return services_.respond(*request, status);
  lists_->find(request->resource->aor(), request->identity.aor, package, [this, request, status](int found) {
    if (found != 200 && found != 489) return services_.respond(*request, status);
    auto refusal = request->reply(421);
    refusal.add(HeaderId::require, eventlist);
    services_.respond(*request, std::move(refusal).finish());
  });
}

void Subscriptions::begin(const RequestPtr& request, Package& package, const std::string& list) {
  const Now now = services_.clock().now();
  const Permission permission = package.admit(*request->resource, request->identity.aor, now);
  if (permission == Permission::refused) return refuse_or_ask(request, package, 403);
  const event::Expiry expiry = package.expiry();
  const auto expires = expiry.grant(request->message.expires());
  if (!expires) return refuse_brief(*request, expiry.min);
  package.find(*request->resource,
               [this, request, &package, list, permission, expires = *expires](int status) {
                 if (status == 404) return refuse_or_ask(request, package, status);
                 if (status != 200) return services_.respond(*request, status);
                 admit(request, package, list, permission, expires);
               });
}

void Subscriptions::admit(const RequestPtr& request, Package& package, const std::string& list,
                          Permission permission, std::chrono::seconds expires) {
  const sip::Message& message = request->message;
  Entry& resource = *request->resource;
  const auto body_type = package.choose_body_type(message);
  if (!body_type) return services_.respond(*request, 406);
  WatcherPtr watcher = index_.watcher(request->identity.aor);
  if (const auto limit = find_limit(services_.settings(), index_, resource, package, *watcher, permission);
      !limit.empty()) {
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
  Package::Interest interest{.list = list};
  if (const int status = package.read(message, event->parameters, interest); status != 200)
    return services_.respond(*request, status);
  auto head = Head::make(*dialog, sender_.contact(resource.bucket(), request->from, secure),
                         event_value(package, event->id), event->id, from->display_name, interest.selection,
                         package.required());
  if (!head) return services_.respond(*request, 513);

  const Now now = services_.clock().now();
  const SubscriptionPtr made = new Subscription(package, &resource, std::move(watcher), services_.timers());
  made->head_ = std::move(*head);
  made->permission_ = permission;
  made->body_type_ = *body_type;
  made->since_ = now.mono;
  made->granted_ = static_cast<std::uint32_t>(expires.count());
  made->remote_cseq_ = *dialog->remote_cseq;
  made->is_secure_dialog_ = secure;
  made->is_fetch_ = expires.count() == 0;
  if (!interest.list.empty()) made->make_inside().list = std::move(interest.list);
  lifecycle_.wish(*made, message.header(HeaderId::suppress_if_match), event->rates, expires, now);
  // From here on it counts for the limits, and hears when its connection closes.
  index_.add(*made);
  lifecycle_.move(*made, way_back(*request), now);
  const Time ends = now.mono + expires;
  std::string response = answer_to(*request, package, expires);
  if (made->is_fetch_) {
    services_.respond(*request, std::move(response));
    return lifecycle_.begin(*made, ends, now);
  }
  made->is_stored_ = true;
  store::Batch batch{.aor = resource.aor()};
  const std::uint32_t reserved = records_.put(batch, *made, ends);
  records_.promise(batch, *request, response);
  records_.commit(std::move(batch),
                  [this, request, made, ends, reserved, response](Result<store::Version> done) {
                    if (done) {
                      made->reserved_cseq_ = reserved;
                      services_.respond(*request, response);
                      return lifecycle_.begin(*made, ends, services_.clock().now());
                    }
                    index_.remove(*made);
                    refuse(*request, done.error());
                  });
}

std::string Subscriptions::answer_to(const Request& request, const Package& package,
                                     std::chrono::seconds expires, int status) const {
  auto reply = request.reply(status);
  reply.copy(request.message, HeaderId::record_route);
  reply.add(HeaderId::contact, sender_.contact(request.bucket, request.from, is_to_sips(request.message)));
  reply.add(HeaderId::expires, static_cast<std::uint32_t>(expires.count()));
  // What makes a dialog says what else may be in it (RFC 6665 8.2.2).
  if (request.message.to_tag().empty()) reply.add(HeaderId::allow_events, allow_events_);
  if (!package.required().empty()) reply.add(HeaderId::require, package.required());
  return std::move(reply).finish();
}

void Subscriptions::on_refresh(const RequestPtr& request, Subscription& subscription) {
  if (request->identity.aor != subscription.watcher()) return services_.respond(*request, 403);
  const event::Expiry expiry = subscription.package().expiry();
  const auto granted = expiry.grant(request->message.expires());
  if (!granted) return refuse_brief(*request, expiry.min);
  const auto event = sip::parse_event(request->message.header(HeaderId::event));
  Package::Interest interest{std::string(subscription.selection()), std::string(subscription.list())};
  if (const int status = subscription.package().read(request->message, event->parameters, interest);
      status != 200)
    return services_.respond(*request, status);
  const SubscriptionPtr kept(&subscription);
  if (!take_over(*request, subscription, std::move(interest))) return;
  const bool ends_it = granted->count() == 0;
  const Now now = services_.clock().now();
  // A watcher may fall back to another format (RFC 5263 4.5). Without Accept it keeps the one it has.
  if (request->message.has(HeaderId::accept))
    subscription.body_type_ =
        subscription.package().choose_body_type(request->message).value_or(subscription.body_type_);
  lifecycle_.wish(subscription, request->message.header(HeaderId::suppress_if_match),
                  ends_it ? sip::Rates{} : event->rates, *granted, now);
  const bool is_known = lifecycle_.is_known(subscription, now);
  const Time expires = now.mono + *granted;
  std::string response = answer_to(*request, subscription.package(), *granted, is_known ? 204 : 200);
  if (!ends_it) subscription.granted_ = static_cast<std::uint32_t>(granted->count());
  store::Batch batch{.aor = subscription.resource().aor()};
  // Nothing puts the record back once its end is on the way to the store.
  const bool erases = ends_it && std::exchange(subscription.is_stored_, false);
  std::uint32_t reserved = 0;
  if (ends_it)
    batch.erase(store::Kind::subscription, subscription.head_.local_tag());
  else
    reserved = records_.put(batch, subscription, expires);
  records_.promise(batch, *request, response);
  // A record written meanwhile would have the old lifetime, or outlive the end.
  ++subscription.reserving_;
  records_.commit(std::move(batch), [this, request, kept, expires, is_known, ends_it, erases, reserved,
                                     response](Result<store::Version> done) {
    --kept->reserving_;
    if (!done && erases) {
      kept->is_stored_ = kept->counts();
      if (!kept->is_stored_) records_.erase(*kept);
    }
    // It may have ended while the store was writing.
    if (!kept->counts() || !done) {
      if (done && !ends_it) records_.erase(*kept);
      lifecycle_.refresh_failed(*kept, services_.clock().now());
      return done || !kept->counts() ? services_.respond(*request, 481) : refuse(*request, done.error());
    }
    services_.respond(*request, response);
    kept->reserved_cseq_ = std::max(kept->reserved_cseq_, reserved);
    lifecycle_.refreshed(*kept, expires, is_known, services_.clock().now());
  });
}

/// CSeq, Contact, where it came from and what it asks for. False: refused.
bool Subscriptions::take_over(const Request& request, Subscription& subscription,
                              Package::Interest interest) {
  dialog::Dialog dialog = subscription.head_.dialog();
  dialog.remote_cseq = subscription.remote_cseq_;
  if (const auto in_order = dialog.on_request(request.message); !in_order) {
    services_.respond(request, in_order.error() == dialog::Errc::out_of_order ? 500 : 400);
    return false;
  }
  const transaction::Hop hop = way_back(request);
  const bool is_moved = subscription.peer_ != Subscription::peer_of(hop);
  const bool selects = interest.selection != subscription.selection();
  if (is_moved || selects || dialog.remote_target != subscription.head_.remote_target()) {
    const std::string event_id(subscription.event_id());
    auto head = Head::make(
        dialog,
        sender_.contact(subscription.resource().bucket(), request.from, subscription.is_secure_dialog_),
        event_value(subscription.package(), event_id), event_id, std::string(subscription.display_name()),
        interest.selection, subscription.package().required());
    if (!head) {
      services_.respond(request, 513);
      return false;
    }
    index_.set_head(subscription, std::move(*head));
  }
  subscription.remote_cseq_ = *dialog.remote_cseq;
  const Now now = services_.clock().now();
  if (is_moved || !subscription.is_reachable()) lifecycle_.move(subscription, hop, now);
  const bool lists = interest.list != subscription.list();
  if (lists) subscription.make_inside().list = std::move(interest.list);
  if (selects || lists) subscription.package().asked(subscription, now);
  return true;
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
  if (subscription.counts())
    lifecycle_.perform(subscription, subscription.notifier_.on_change(now.mono), now);
}

void Subscriptions::changed_urgently(Subscription& subscription, Now now) {
  if (subscription.counts())
    lifecycle_.perform(subscription, subscription.notifier_.on_urgent_change(now.mono), now);
}

void Subscriptions::decide(Subscription& subscription, Permission permission, Now now) {
  if (!subscription.counts()) return;
  const SubscriptionPtr kept(&subscription);
  Notifier& notifier = subscription.notifier_;
  lifecycle_.hold(subscription, Subscription::batched);
  if (permission == Permission::refused)
    return lifecycle_.perform(subscription, notifier.terminate("rejected", std::nullopt, now.mono), now);
  const bool is_change = permission != subscription.permission_;
  if (is_change) {
    index_.set_permission(subscription, permission);
    subscription.is_approved_ = permission == Permission::active;
  }
  const bool is_active = permission == Permission::active;
  lifecycle_.perform(subscription,
                     !is_change  ? notifier.on_change(now.mono)
                     : is_active ? notifier.approve(now.mono)
                                 : notifier.suspend(now.mono),
                     now);
  if (is_change)
    lifecycle_.report(subscription.package(),
                      [&](Observer& observer) { observer.on_decided(subscription, now); });
}

void Subscriptions::deliver(const Package& package, Entry& resource, Now now) {
  const EntryPtr kept = resource.ptr();
  lifecycle_.settle(package, resource, now);
  Index::Group* group = index_.group(resource, package);
  if (!group) return;
  group->left = group->size();
  rounds_.start(resource.ptr());
}

void Subscriptions::rules_changed(const Package& package, Entry& resource, Now now) {
  const EntryPtr kept = resource.ptr();
  lifecycle_.report(package, [&](Observer& observer) { observer.on_rules_changed(resource, now); });
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
    if (visited->is_refused_)
      admit(*visited, now);
    else if ((visited->holds_ & Subscription::batched) != 0)
      lifecycle_.release(*visited, Subscription::batched, now);
    else if (is_news && visited->counts() && visited->package().has_news(*visited))
      changed(*visited, now);
  }
  return false;
}

void Subscriptions::on_user_gone(std::string_view aor, bool removed, Now) {
  std::vector<SubscriptionPtr> ending;
  const EntryPtr resource = removed ? services_.directory().find(aor) : nullptr;
  if (auto* groups = resource ? index_.groups(*resource) : nullptr)
    for (auto& group : *groups)
      for (Subscription& each : group.all) ending.emplace_back(&each);
  index_.each_by(aor, [&](Subscription& each) { ending.emplace_back(&each); });
  if (ending.empty()) return;
  std::string name(aor);
  auto& all = ending_[name];
  all.insert(all.end(), ending.begin(), ending.end());
  leaving_.start(std::move(name));
}

/// Whoever would be refused now has no subscription that goes on (`Peering`).
void Subscriptions::on_domains_gone(Now now) {
  const Settings& settings = services_.settings();
  if (settings.authentication == Authentication::none) return;
  std::vector<std::string> gone;
  index_.each_watcher([&](const Watcher& watcher) {
    const std::string domain(domain_of_aor(watcher.aor));
    if (!settings.serves(domain) && !settings.federation.admits(domain)) gone.emplace_back(watcher.aor);
  });
  for (const std::string& watcher : gone) on_user_gone(watcher, false, now);
}

bool Subscriptions::end_all(const std::string& aor, Slice& slice, Now now) {
  auto& ending = ending_[aor];
  while (!ending.empty()) {
    if (!slice.take()) return true;
    const SubscriptionPtr each = std::move(ending.back());
    ending.pop_back();
    if (!each->counts()) continue;
    const std::string_view reason = each->watcher() == aor ? "rejected" : "noresource";
    lifecycle_.forget(*each);  // no rule would end it again at the next start
    lifecycle_.perform(*each, each->notifier_.terminate(reason, std::nullopt, now.mono), now);
    lifecycle_.settle(each->package(), each->resource(), now);
  }
  ending_.erase(aor);
  return false;
}

void Subscriptions::on_flow_closed(transaction::FlowId flow, Now) {
  if (index_.first_on(flow)) closing_.start(flow);
}

bool Subscriptions::lose_all(transaction::FlowId flow, Slice& slice, Now now) {
  while (Subscription* subscription = index_.first_on(flow)) {
    if (!slice.take()) return true;
    lifecycle_.lose(*subscription, now);
  }
  return false;
}

// Restart

void Subscriptions::restore(const store::Record& stored, Now now) {
  if (stored.kind != store::Kind::subscription) return;
  const auto record =
      parse_record(stored.key, stored.value, now.mono, records_.scale(), services_.settings().restart_grace);
  if (!record) return services_.directory().skip_unreadable(stored.kind);
  Package* package = packages_.find(record->package);
  if (!package) return services_.directory().skip_unserved(stored.kind, record->package);
  const EntryPtr resource = services_.directory().get(stored.aor);
  auto head =
      Head::make(record->dialog, sender_.contact(resource->bucket(), record->hop, record->dialog.secure),
                 event_value(*package, record->event_id), record->event_id, record->display_name,
                 record->selection, package->required());
  if (!head || index_.find(stored.key)) return services_.directory().skip_unreadable(stored.kind);
  const SubscriptionPtr made =
      new Subscription(*package, resource, index_.watcher(record->watcher), services_.timers());
  made->head_ = std::move(*head);
  if (!record->list.empty()) made->make_inside().list = record->list;
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
  lifecycle_.wish(*made, record->is_quenched ? "*" : "", record->rates,
                  std::chrono::duration_cast<std::chrono::seconds>(record->lifetime.granted), now);
  made->notifier_ = Notifier(package->pacing(), Notifier::State::pending, now.mono + record->lifetime.left);
  lifecycle_.hold(*made, Subscription::unstored);
  // No device of another domain has been let in.
  made->is_by_server_ = transaction::is_secure(record->hop.protocol) &&
                        !services_.settings().serves(domain_of_aor(record->watcher));
  if (record->had_flow && !made->is_by_server_) lifecycle_.hold(*made, Subscription::unreachable);
  index_.add(*made);
  restored_.push_back(made);
}

void Subscriptions::restored(Now now) {
  lifecycle_.pace(services_.settings().restart_notifies_per_second);
  for (const SubscriptionPtr& each : std::exchange(restored_, {})) lifecycle_.begin_restored(*each, now);
  on_domains_gone(now);
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
    // One that has run out stays until its last NOTIFY is answered, one that follows has no end of its own.
    const Duration left =
        each.is_follower() ? Duration::zero() : std::max(Duration::zero(), each.expires() - now.mono);
    table.rows.push_back({{"target", each.resource().aor()},
                          {"from", each.watcher()},
                          {"state", std::string(event::to_string(each.notifier_.state()))},
                          {"version", std::to_string(each.number())},
                          {"expire", std::to_string(std::chrono::ceil<std::chrono::seconds>(left).count())},
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
