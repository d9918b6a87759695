#include "server/subscription/lifecycle.hpp"

#include <algorithm>
#include <limits>

#include "server/subscription/delivery.hpp"
#include "server/subscription/subscriptions.hpp"

namespace beckon::server::subscription {

using sip::HeaderId;

namespace {

/// NOTIFYs in a row that the server of another domain may miss, which is four hours: its watchers do not know
/// that it was out of reach, and come back no earlier than with their next refresh.
constexpr std::uint8_t server_attempts = 10;

Lifecycle::Notifier::State state_for(Permission permission) {
  using State = Lifecycle::Notifier::State;
  return permission == Permission::active ? State::active : State::pending;
}

}  // namespace

void Lifecycle::settle(const Package& package, Entry& resource, Now now) {
  report(package, [&](Observer& observer) { observer.on_settled(resource, now); });
}

// From SUBSCRIBE to SUBSCRIBE

Lifecycle::Notifier Lifecycle::make_notifier(const Subscription& subscription, Permission permission,
                                             Time expires) const {
  auto config = subscription.package().pacing();
  config.max_failures = static_cast<std::uint8_t>(services_.settings().notify_attempts);
  if (subscription.is_by_server_) config.max_failures = std::max(config.max_failures, server_attempts);
  // Another shard is overloaded for a while, and is not gone.
  if (subscription.is_follower()) config.max_failures = std::numeric_limits<std::uint8_t>::max();
  return {config, state_for(permission), expires};
}

void Lifecycle::begin(Subscription& subscription, Time expires, Now now) {
  Package& package = subscription.package();
  const Permission permission = package.begin(subscription, now);
  subscription.notifier_ = make_notifier(subscription, permission, expires);
  if (const auto* rates = subscription.rates()) subscription.notifier_.set_spacing(rates->spacing());
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

void Lifecycle::begin_restored(Subscription& subscription, Now now) {
  Package& package = subscription.package();
  const Permission permission = package.begin(subscription, now);
  index_.set_permission(subscription, permission);
  subscription.notifier_ = make_notifier(subscription, permission, subscription.expires());
  if (const auto* rates = subscription.rates()) subscription.notifier_.set_spacing(rates->spacing());
  subscription.notifier_.hold();
  if (permission != Permission::refused) {
    subscription.is_begun_ = true;
    report(package, [&](Observer& observer) { observer.on_begun(subscription, now); });
    package.begun(subscription, now);
    settle(package, subscription.resource(), now);
  }
  reserve(subscription);
}

/// A watcher that subscribes anew has given up what it lost with a connection (or has crashed and forgot it).
/// If one belongs to another device of the same user, its refresh gets 481 and it subscribes anew, too.
void Lifecycle::drop_lost_twins(const Subscription& started, Now now) {
  if (started.is_fetch_ || started.is_follower()) return;
  std::vector<SubscriptionPtr> lost;
  for (Subscription* each = index_.first_of(started.resource(), started.watcher()); each;
       each = Index::next_of_pair(*each))
    if (each != &started && each->counts() && &each->package() == &started.package() &&
        !each->is_reachable() && each->event_id() == started.event_id() &&
        each->selection() == started.selection())
      lost.emplace_back(each);
  for (const SubscriptionPtr& each : lost)
    perform(*each, each->notifier_.terminate("deactivated", std::nullopt, now.mono), now);
}

void Lifecycle::wish(Subscription& subscription, std::string_view known, const sip::Rates& rates,
                     std::chrono::seconds lifetime, Now now) {
  // What cannot hold is not kept for hours.
  if (known.size() > EntityTags::size_max) known = {};
  // It left before the last NOTIFY had come: the watcher has another state now.
  const bool has_crossed = subscription.entity_ != 0 && EntityTags::mark_of(known) != subscription.entity_;
  if (has_crossed && known != "*") known = {};
  if (known.empty() && rates.empty()) {
    subscription.wishes_.reset();
    return subscription.notifier_.set_spacing({});
  }
  if (!subscription.wishes_) subscription.wishes_ = std::make_unique<Wishes>();
  Wishes& wishes = *subscription.wishes_;
  wishes.known = known;
  if (rates.empty()) {
    wishes.rates.reset();
    return subscription.notifier_.set_spacing({});
  }
  if (!wishes.rates)
    wishes.rates.emplace(std::max<Duration>(services_.settings().repeat_interval_min,
                                            subscription.package().pacing().min_interval));
  wishes.rates->grant(rates, lifetime, now.mono);
  subscription.notifier_.set_spacing(wishes.rates->spacing());
}

bool Lifecycle::is_known(Subscription& subscription, Now now) {
  if (subscription.known().empty() || !subscription.notifier_.has_told_state()) return false;
  if (subscription.is_quenched()) return true;
  Package& package = subscription.package();
  if (!package.has_entities()) return false;
  return tags_.of(package.compose(subscription, Notifier::Body::full, now)) == subscription.known();
}

void Lifecycle::refreshed(Subscription& subscription, Time expires, bool quiet, Now now) {
  const SubscriptionPtr kept(&subscription);
  Notifier& notifier = subscription.notifier_;
  const bool has_hop = subscription.peer_.flow == 0 || subscription.of_flow_.is_linked();
  // The store has the record with its next CSeqs, or its end.
  const unsigned over = Subscription::unstored | (has_hop ? unsigned{Subscription::unreachable} : 0U);
  const bool is_back = (subscription.holds_ & over) != 0;
  subscription.holds_ &= static_cast<std::uint8_t>(~over);
  const auto actions =
      quiet ? notifier.on_quiet_subscribe(expires, now.mono) : notifier.on_subscribe(expires, now.mono);
  if (!actions.terminated) subscription.package().refreshed(subscription, now);
  perform(subscription, actions, now);
  // Full state makes up for what was missed.
  if (is_back && subscription.is_listed_ && subscription.holds_ == 0)
    perform(subscription, notifier.release(now.mono), now);
}

void Lifecycle::refresh_failed(Subscription& subscription, Now now) {
  if (!subscription.is_listed_) return;
  if (subscription.counts()) arm(subscription);
  reserve_later(subscription, now);
}

// What the notifier says

void Lifecycle::perform(Subscription& subscription, const Notifier::Actions& actions, Now now) {
  const SubscriptionPtr kept(&subscription);
  if (actions.terminated) end(subscription, now);
  if (actions.notify) notify(subscription, *actions.notify, now);
  if (!subscription.is_listed_) return;
  note_due(subscription, now.mono);
  const bool is_mute = subscription.is_terminated() && !subscription.is_reachable();
  if (!actions.destroy && !is_mute) return arm(subscription);
  note_delivered(subscription);
  forget(subscription);
  subscription.timer_.cancel();
  index_.remove(subscription);
  if (subscription.data) subscription.package().forgotten(subscription);
  subscription.data.reset();
}

void Lifecycle::forget(Subscription& subscription) {
  if (std::exchange(subscription.is_stored_, false)) records_.erase(subscription);
}

/// The record stays until the last NOTIFY has its answer: a start in between finds anew that the rules refuse
/// the watcher, or that the time is over, and says so again.
void Lifecycle::end(Subscription& subscription, Now now) {
  if (!subscription.is_begun_) return;
  Package& package = subscription.package();
  report(package, [&](Observer& observer) { observer.on_ended(subscription, now); });
  package.ended(subscription, now);
  if ((subscription.holds_ & Subscription::batched) == 0) settle(package, subscription.resource(), now);
}

/// A follower's NOTIFY: to the subscription it follows for. Always all of the state, as the reports of many
/// are made one document there. The last one is never refused, as it answers `Follow`.
void Lifecycle::report(Subscription& subscription, const Notifier::Notify& notify, Now now) {
  Package& package = subscription.package();
  const bool has_body = notify.body != Notifier::Body::none;
  const FollowerId& id = subscription.inside().id;
  Report report{.id = id,
                .from = subscription.resource().bucket(),
                .state = subscription.notifier_.state(),
                .reason = subscription.reason()};
  if (has_body) report.content = package.compose(subscription, Notifier::Body::full, now);
  subscription.last_octets_ =
      report.content.body ? static_cast<std::uint32_t>(report.content.body->size()) : 0;
  ++subscription.cseq_;
  report.sent = ++subscription.sent_;
  const Bucket to = bucket_in(id.tag).value_or(0);
  // One that rules have ended waits for others (`Subscriptions::on(Heard)`).
  report.is_last = subscription.is_terminated() && subscription.reason() != "rejected";
  bool has_left = true;
  if (subscription.is_terminated())
    peers_.post_back<Subscriptions>(to, std::move(report));
  else
    has_left = peers_.post<Subscriptions>(to, std::move(report));
  if (has_left && has_body) package.notified(subscription, now);
  if (!has_left)
    perform(subscription, subscription.notifier_.on_notify_end(503, std::nullopt, now.mono), now);
}

void Lifecycle::heard(Subscription& subscription, std::uint32_t sent, Now now) {
  if (!subscription.is_listed_ || subscription.sent_ != sent) return;
  subscription.last_status_ = 200;
  note_delivered(subscription);
  perform(subscription, subscription.notifier_.on_notify_end(200, std::nullopt, now.mono), now);
}

void Lifecycle::notify(Subscription& subscription, const Notifier::Notify& notify, Now now) {
  if (subscription.is_follower()) return report(subscription, notify, now);
  Package& package = subscription.package();
  // A document of changes that is composed counts as sent.
  const bool has_body = notify.body != Notifier::Body::none;
  const bool composes = has_body && (package.has_entities() || !subscription.is_quenched());
  Content content;
  std::string_view entity_tag;
  if (composes) content = package.compose(subscription, notify.body, now);
  if (package.has_entities()) entity_tag = tags_.of(content);
  auto* const rates = subscription.rates();
  if (rates) rates->on_sent(now.mono);
  const bool is_known = has_body && !subscription.known().empty() &&
                        (subscription.is_quenched() || subscription.known() == entity_tag);
  if (is_known && notify.body == Notifier::Body::full) package.suppressed(subscription);
  if (is_known && !notify.says_state) return subscription.notifier_.take_back(notify);
  if (is_known)
    content = {};
  else if (has_body && subscription.wishes_)
    subscription.wishes_->known.clear();  // it is sent another state
  ++subscription.cseq_;
  // The record of one that ended is gone and must stay so; a fetch has none.
  if (!subscription.is_fetch_ && !subscription.is_terminated()) {
    if (Records::is_low(subscription)) reserve(subscription);
    if (Records::is_used_up(subscription)) hold(subscription, Subscription::unstored);
  }
  Notifier::Notify rated = notify;
  if (rates && !subscription.is_terminated()) rated.state.rates = rates->granted();
  ++counters_.sent;
  subscription.last_status_ = 0;
  subscription.last_octets_ =
      deliver(sender_, subscription, rated, content, entity_tag,
              [this, kept = SubscriptionPtr(&subscription), sent = ++subscription.sent_](
                  const transaction::Outcome& outcome, Now at) { on_outcome(*kept, sent, outcome, at); });
  if (is_known && !subscription.is_quenched()) package.confirmed(subscription, now);
  if (!has_body || is_known) return;
  if (!entity_tag.empty()) subscription.entity_ = EntityTags::mark_of(entity_tag);
  package.notified(subscription, now);
}

void Lifecycle::on_outcome(Subscription& subscription, std::uint32_t sent,
                           const transaction::Outcome& outcome, Now now) {
  if (outcome.kind == transaction::Outcome::Kind::provisional) return;
  count(outcome);
  if (!subscription.is_listed_ || subscription.sent_ != sent) return;
  const SubscriptionPtr kept(&subscription);
  subscription.last_status_ = static_cast<std::uint16_t>(outcome.status);
  if (outcome.status < 300) note_delivered(subscription);
  if (outcome.kind == transaction::Outcome::Kind::transport_error && subscription.peer_.flow != 0) {
    lose(subscription, now);
    if (subscription.is_by_server_) return;
  }
  if (!subscription.is_listed_) return;
  if (subscription.rates() && outcome.response && outcome.status < 300)
    take_rates(subscription, *outcome.response, now);
  const auto retry_after =
      outcome.response ? outcome.response->number(HeaderId::retry_after) : std::optional<std::uint32_t>();
  perform(subscription, subscription.notifier_.on_notify_end(outcome.status, retry_after, now.mono), now);
}

void Lifecycle::count(const transaction::Outcome& outcome) {
  using Kind = transaction::Outcome::Kind;
  if (outcome.kind == Kind::timeout)
    ++counters_.unanswered;
  else if (outcome.kind == Kind::transport_error)
    ++counters_.unsent;
  else if (const auto status = static_cast<std::size_t>(outcome.status); status < counters_.answers.size())
    ++counters_.answers[status];
}

/// What is due, or was sent and not answered, is not delivered.
void Lifecycle::note_due(Subscription& subscription, Time now) {
  const Notifier& notifier = subscription.notifier_;
  const bool is_due = subscription.counts() && subscription.is_reachable() && !subscription.rates() &&
                      (notifier.is_due() || notifier.in_flight());
  if (!is_due) return note_delivered(subscription);
  if (subscription.due_since_ == 0) subscription.due_since_ = undelivered_.begin(now);
}

void Lifecycle::note_delivered(Subscription& subscription) {
  if (const auto mark = std::exchange(subscription.due_since_, 0)) undelivered_.end(mark);
}

/// A 2xx may ask for other rates, and only those count in its Event (RFC 6446 9.3).
void Lifecycle::take_rates(Subscription& subscription, const sip::Message& response, Now now) {
  if (!response.has(HeaderId::event)) return;
  const auto event = sip::parse_event(response.header(HeaderId::event));
  if (!event || event->package != subscription.package().name()) return;
  const auto left = std::chrono::ceil<std::chrono::seconds>(subscription.expires() - now.mono);
  subscription.rates()->grant(event->rates, left, now.mono);
  subscription.notifier_.set_spacing(subscription.rates()->spacing());
}

void Lifecycle::arm(Subscription& subscription) {
  if ((subscription.holds_ & Subscription::unstored) != 0) return;
  auto deadline = subscription.notifier_.deadline();
  if (!deadline || *deadline == Time::max()) return subscription.timer_.cancel();
  if (const auto* rates = subscription.rates(); rates && subscription.notifier_.may_repeat())
    deadline = std::min(*deadline, rates->due().value_or(*deadline));
  const Time now = services_.clock().now().mono;
  subscription.timer_.set(std::max(*deadline, now),
                          [this, &subscription](Time) { on_timer(subscription, services_.clock().now()); });
}

void Lifecycle::on_timer(Subscription& subscription, Now now) {
  Notifier& notifier = subscription.notifier_;
  const auto* rates = subscription.rates();
  const bool is_silent = rates && now.mono < subscription.expires() && notifier.may_repeat() &&
                         rates->due().value_or(Time::max()) <= now.mono;
  perform(subscription, is_silent ? notifier.on_silence(now.mono) : notifier.on_timer(now.mono), now);
}

// What holds it back

void Lifecycle::hold(Subscription& subscription, Hold reason) {
  subscription.holds_ |= reason;
  subscription.notifier_.hold();
}

void Lifecycle::release(Subscription& subscription, Hold reason, Now now) {
  subscription.holds_ &= static_cast<std::uint8_t>(~reason);
  perform(subscription,
          subscription.holds_ == 0 ? subscription.notifier_.release(now.mono) : Notifier::Actions{}, now);
}

/// A flow may close while its request waits for credentials, the user or the store: one that is gone already
/// is like one that closes now.
void Lifecycle::move(Subscription& subscription, const transaction::Hop& hop, Now now) {
  if (subscription.notifier_.in_flight()) {
    // What went down the old connection is lost or soon will be.
    ++subscription.sent_;
    subscription.notifier_.abandon();
  }
  index_.set_hop(subscription, hop);
  subscription.is_by_server_ = !hop.name.empty();
  if (services_.directory().is_closed(hop.flow)) lose(subscription, now);
}

/// Only the watcher can open a new connection: its subscription waits, but not longer than it lasts. A server
/// is dialled, and gets at once what went down the old connection.
void Lifecycle::lose(Subscription& subscription, Now now) {
  index_.leave_flow(subscription);
  if (subscription.is_by_server_) {
    subscription.peer_.flow = 0;
    if (!subscription.notifier_.in_flight()) return;
    ++subscription.sent_;
    subscription.notifier_.abandon();
    const SubscriptionPtr kept(&subscription);
    return perform(subscription,
                   subscription.holds_ == 0 ? subscription.notifier_.release(now.mono) : Notifier::Actions{},
                   now);
  }
  hold(subscription, Subscription::unreachable);
  note_delivered(subscription);
  if (!subscription.is_begun_) return;
  const SubscriptionPtr kept(&subscription);
  subscription.package().lost(subscription, now);
  if (subscription.is_listed_) perform(subscription, {.destroy = subscription.is_fetch_}, now);
}

// CSeqs: the next block is asked for while half of one is left, so that NOTIFYs wait for a store that fails,
// and after a restart, where the CSeqs of the last run may be used up.

void Lifecycle::reserve(Subscription& subscription) {
  records_.reserve(subscription, [this, kept = SubscriptionPtr(&subscription)](bool is_reserved) {
    if (!kept->is_listed_) return;
    const Now now = services_.clock().now();
    is_reserved ? on_reserved(*kept, now) : reserve_later(*kept, now);
  });
}

void Lifecycle::on_reserved(Subscription& subscription, Now now) {
  if ((subscription.holds_ & Subscription::unstored) == 0) return;
  Notifier& notifier = subscription.notifier_;
  const bool is_restored = subscription.sent_ == 0;  // nothing has left since the start
  if (subscription.permission_ == Permission::refused)
    perform(subscription, notifier.terminate("rejected", std::nullopt, now.mono), now);
  else if (now.mono >= notifier.expires())
    perform(subscription, notifier.on_timer(now.mono), now);
  else if (is_restored && !subscription.is_terminated())
    notifier.resume(next_place(subscription, now));
  if (subscription.is_listed_) release(subscription, Subscription::unstored, now);
}

void Lifecycle::pace(std::uint32_t notifies_per_second) {
  pace_ = Duration(1s) / std::max(notifies_per_second, 1U);
}

/// Watchers, network and this server are not hit by all NOTIFYs at once. A watcher out of reach takes no
/// place: it gets its state when it is back.
Time Lifecycle::next_place(const Subscription& subscription, Now now) {
  if (!subscription.is_reachable()) return now.mono;
  const Time place = std::max(next_place_, now.mono);
  next_place_ = place + pace_;
  return place;
}

/// The store did not reserve. While CSeqs are left the next NOTIFY asks again. Without any, the
/// subscription's timer does; its lifetime goes on.
void Lifecycle::reserve_later(Subscription& subscription, Now now) {
  if ((subscription.holds_ & Subscription::unstored) == 0 || subscription.reserving_ != 0) return;
  if (subscription.is_begun_ && now.mono >= subscription.expires())
    perform(subscription, subscription.notifier_.on_timer(now.mono), now);
  if (!subscription.is_listed_) return;
  subscription.timer_.set(now.mono + records_.next_pause(subscription),
                          [this, &subscription](Time) { reserve(subscription); });
}

}  // namespace beckon::server::subscription
