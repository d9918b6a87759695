#include "server/lists/back_ends.hpp"

#include <algorithm>

#include "protocol/base/log.hpp"
#include "protocol/base/text.hpp"
#include "server/subscription/subscriptions.hpp"

namespace beckon::server::lists {

using event::Subscriber;
using sip::HeaderId;
using subscription::FollowerId;
using subscription::Report;

namespace {

/// Before a shard that was overloaded is told again.
constexpr Duration tell_again = 1s;

std::string_view word_of(Subscriber::State state) {
  using State = Subscriber::State;
  switch (state) {
    case State::pending:
      return "pending";
    case State::active:
      return "active";
    case State::idle:
    case State::notify_wait:
      return "asked";
    case State::waiting:
      return "waiting";
    case State::stopping:
    case State::ended:
      break;
  }
  return "terminated";
}

}  // namespace

BackEnds::Place::Place(BackEnd::Topic topic, std::chrono::seconds lifetime, Bucket at, IpAddress who,
                       TimerQueue& timers)
    : back_end(std::move(topic), lifetime),
      bucket(at),
      domain(domain_of_aor(back_end.topic().resource)),
      asker(who),
      timer(timers),
      retry(timers) {}

BackEnds::BackEnds(Parts parts, const crypto::Key32& key)
    : parts_(parts), forwarder_(parts.services, parts.sender, parts.locator, key, *this) {}

BackEnds::~BackEnds() = default;

BackEnds::Place* BackEnds::find(Key key) {
  const auto found = places_.find(key);
  return found == places_.end() ? nullptr : found->second.get();
}

/// Its server is reached, and may send NOTIFYs here.
bool BackEnds::may_follow(std::string_view domain) const {
  const Settings& settings = parts_.services.settings();
  return settings.foreign == ForeignPolicy::forward &&
         (settings.authentication == Authentication::none || settings.federation.admits(domain));
}

// Followers

void BackEnds::follow(subscription::Follow follow, Bucket at, Now now) {
  const std::string domain(domain_of_aor(follow.resource));
  const auto types = back_end_types(follow.package);
  if (types.empty() || !may_follow(domain)) return report_end(follow.id, at, "noresource");
  std::string tag = follow.id.follower_tag(at);
  if (by_follower_.contains(tag)) return;
  const auto type = std::ranges::find(types, std::string_view(follow.body_type));
  BackEnd::Topic topic{.resource = std::move(follow.resource),
                       .package = std::move(follow.package),
                       .watcher = std::move(follow.watcher),
                       .body_type = std::string(type == types.end() ? types.front() : *type),
                       .is_secure = follow.is_secure};
  const auto known = by_topic_.find(topic);
  const bool is_new = known == by_topic_.end();
  if (is_new && domains_[domain].places >= parts_.services.settings().federation.subscriptions) {
    log::info("lists", "{} does not follow {}: too many subscriptions to that domain", topic.watcher,
              topic.resource);
    return report_end(follow.id, at, "giveup");
  }
  Key key = is_new ? 0 : known->second;
  Place& place = is_new ? add(std::move(topic), at, follow.asker, key) : *places_.at(key);
  if (const auto& seen = place.back_end.seen(); seen && seen->is_last)
    return report_end(follow.id, at, seen->reason);
  Follower& follower = place.followers.emplace_back(Follower{std::move(follow.id)});
  by_follower_.emplace(std::move(tag), key);
  if (is_new) return perform(key, place.back_end.start(now.mono), now);
  if (place.back_end.seen()) tell(key, place, follower);
}

BackEnds::Place& BackEnds::add(BackEnd::Topic topic, Bucket at, const IpAddress& asker, Key& key) {
  key = ++last_;
  by_topic_.emplace(topic, key);
  const std::chrono::seconds lifetime(parts_.services.settings().subscription.standard);
  auto made = std::make_unique<Place>(std::move(topic), lifetime, at, asker, parts_.services.timers());
  ++domains_[made->domain].places;
  return *places_.emplace(key, std::move(made)).first->second;
}

/// The answer to a SUBSCRIBE of its that is under way finds nobody.
void BackEnds::erase(Key key) {
  const auto gone = places_.extract(key);
  const Place& place = *gone.mapped();
  by_topic_.erase(place.back_end.topic());
  by_tag_.erase(place.back_end.tag());
  Domain& domain = domains_.at(place.domain);
  --domain.places;
  domain.waiting.erase(place.turn);
  if (domain.places == 0 && domain.under_way == 0) domains_.erase(place.domain);
}

void BackEnds::unfollow(const FollowerId& id, Bucket at, Now now) {
  const auto found = by_follower_.extract(id.follower_tag(at));
  if (!found) return;
  const Key key = found.mapped();
  Place& place = *places_.at(key);
  std::erase_if(place.followers,
                [&](const Follower& each) { return each.id.number == id.number && each.id.tag == id.tag; });
  if (place.followers.empty()) perform(key, place.back_end.stop(now.mono), now);
}

void BackEnds::heard(const subscription::Heard& heard, Bucket at, Now) {
  const auto found = by_follower_.find(heard.id.follower_tag(at));
  if (found == by_follower_.end()) return;
  Place& place = *places_.at(found->second);
  for (Follower& each : place.followers) {
    if (each.id.number != heard.id.number || each.id.tag != heard.id.tag || each.sent != heard.sent) continue;
    each.in_flight = false;
    if (each.is_due) tell(found->second, place, each);
  }
}

/// The newest, or after what is under way.
void BackEnds::tell(Key key, Place& place, Follower& follower) {
  follower.is_due = true;
  if (follower.in_flight) return;
  const BackEnd::Seen& seen = *place.back_end.seen();
  Report report{.id = follower.id,
                .from = place.bucket,
                .state = seen.state,
                .reason = seen.reason,
                .content = seen.content,
                .sent = follower.sent + 1};
  if (parts_.peers.post<subscription::Subscriptions>(bucket_in(follower.id.tag).value_or(0),
                                                     std::move(report))) {
    ++follower.sent;
    follower.in_flight = true;
    follower.is_due = false;
    return;
  }
  place.retry.set(parts_.services.clock().now().mono + tell_again, [this, key](Time) {
    Place& late = *places_.at(key);
    for (Follower& each : late.followers)
      if (each.is_due) tell(key, late, each);
  });
}

void BackEnds::report_end(const FollowerId& id, Bucket from, std::string_view reason) {
  parts_.peers.post_back<subscription::Subscriptions>(
      bucket_in(id.tag).value_or(0),
      Report{.id = id, .from = from, .state = Report::State::terminated, .reason = reason, .is_last = true});
}

// What the machine says

void BackEnds::perform(Key key, const BackEnd::Actions& actions, Now now) {
  Place& place = *places_.at(key);
  if (place.back_end.state() == Subscriber::State::ended) return end(key, now);
  if (actions.is_news)
    for (Follower& each : place.followers) tell(key, place, each);
  arm(key, place, now);
  if (!actions.subscribe) return;
  const std::string domain = place.domain;
  if (place.turn == 0) place.turn = ++last_turn_;
  domains_.at(domain).waiting.insert_or_assign(place.turn, std::pair(key, *actions.subscribe));
  work(domain);
}

void BackEnds::arm(Key key, Place& place, Now now) {
  const auto deadline = place.back_end.deadline();
  if (!deadline) return place.timer.cancel();
  place.timer.set(std::max(*deadline, now.mono), [this, key](Time) {
    const Now at = parts_.services.clock().now();
    perform(key, places_.at(key)->back_end.on_timer(at.mono), at);
  });
}

/// Somebody may have come while it was being stopped.
void BackEnds::end(Key key, Now now) {
  Place& place = *places_.at(key);
  if (!place.back_end.was_refused() && !place.followers.empty())
    return perform(key, place.back_end.start(now.mono), now);
  for (const Follower& each : place.followers) {
    by_follower_.erase(each.id.follower_tag(place.bucket));
    report_end(each.id, place.bucket, place.back_end.seen()->reason);
  }
  place.followers.clear();
  if (!place.back_end.was_refused()) return erase(key);
  place.timer.set(now.mono + refused_pause, [this, key](Time) { erase(key); });
}

void BackEnds::on_domains_gone(Now now) {
  std::vector<Key> gone;
  for (const auto& [key, place] : places_)
    if (!may_follow(place->domain) && place->back_end.state() != Subscriber::State::ended)
      gone.push_back(key);
  for (const Key key : gone) {
    Place& place = *places_.at(key);
    for (const Follower& each : place.followers) {
      by_follower_.erase(each.id.follower_tag(place.bucket));
      report_end(each.id, place.bucket, "noresource");
    }
    place.followers.clear();
    perform(key, place.back_end.stop(now.mono), now);
  }
}

// SUBSCRIBE

void BackEnds::work(const std::string& name) {
  const Now now = parts_.services.clock().now();
  for (;;) {
    const auto domain = domains_.find(name);
    if (domain == domains_.end() || domain->second.waiting.empty() || domain->second.under_way >= at_once)
      return;
    const auto [key, what] = domain->second.waiting.begin()->second;
    domain->second.waiting.erase(domain->second.waiting.begin());
    places_.at(key)->turn = 0;
    send(key, what, now);
  }
}

void BackEnds::send(Key key, const Subscriber::Subscribe& what, Now now) {
  Place& place = *places_.at(key);
  BackEnd& back_end = place.back_end;
  // It was stopped before its turn came.
  const bool is_vain = what.new_dialog && back_end.state() == Subscriber::State::stopping;
  if (is_vain) return perform(key, back_end.on_end(503, nullptr, now.mono), now);
  if (what.new_dialog) {
    by_tag_.erase(back_end.tag());
    back_end.begin_dialog(parts_.services.mint(place.bucket), parts_.services.mint(place.bucket));
    by_tag_.emplace(back_end.tag(), key);
  }
  auto to = destination_of(place);
  transaction::Hop tls;
  tls.protocol = transaction::Protocol::tls;
  const std::string contact = parts_.sender.contact(place.bucket, tls);
  auto request = sip::Message::parse(share(back_end.make_subscribe(what.expires, contact)));
  if (!to || !request) return perform(key, back_end.on_end(404, nullptr, now.mono), now);
  proxy::DialogRoute route;
  for (const std::string_view value : request->values(HeaderId::route)) route.rest.push_back(value);
  proxy::Target target{.to = std::move(*to), .asserted = '<' + back_end.topic().watcher + '>'};
  std::vector<proxy::Target> targets;
  targets.push_back(std::move(target));
  ++domains_.at(place.domain).under_way;
  sent_.emplace(++last_, std::pair(key, place.domain));
  forwarder_.start(last_, {.bucket = place.bucket,
                           .request = std::move(*request),
                           .route = std::move(route),
                           .targets = std::move(targets)});
}

/// A server that its dialog names by address has to show the certificate of the domain, as one that is found
/// by the domain's name has.
std::optional<proxy::Destination> BackEnds::destination_of(const Place& place) const {
  const auto uri = sip::parse_uri(place.back_end.next_hop());
  if (!uri) return std::nullopt;
  auto to = proxy::destination_of(*uri, parts_.locator.abilities(), place.asker,
                                  parts_.services.settings().federation.tls_only);
  if (!to) return std::nullopt;
  for (transaction::Hop& hop : to->hops)
    if (transaction::is_secure(hop.protocol)) hop.name = place.domain;
  return to;
}

void BackEnds::on_end(proxy::Forwarder::Key sent, const proxy::Forwarder::End& best, Now now) {
  const auto [key, domain] = sent_.extract(sent).mapped();
  Domain& counted = domains_.at(domain);
  --counted.under_way;
  if (counted.places == 0 && counted.under_way == 0) return void(domains_.erase(domain));
  if (Place* place = find(key))
    perform(key, place->back_end.on_end(best.status, best.response, now.mono), now);
  work(domain);
}

// NOTIFY

void BackEnds::on_request(const RequestPtr& request) {
  const sip::Message& notify = request->message;
  const auto found = by_tag_.find(std::string(notify.to_tag()));
  Place* const place = found == by_tag_.end() ? nullptr : find(found->second);
  if (!place || !place->back_end.matches(notify)) return parts_.services.respond(*request, 481);
  if (domain_of_aor(request->identity.aor) != place->domain) return parts_.services.respond(*request, 403);
  int status = 0;
  const Key key = found->second;
  const auto actions = place->back_end.on_notify(notify, status, request->now.mono);
  parts_.services.respond(*request, status);
  perform(key, actions, request->now);
}

std::vector<Table> BackEnds::tables(Now now) const {
  Table table{.name = "back-ends", .rows = {}};
  for (const auto& [key, place] : places_) {
    const BackEnd& back_end = place->back_end;
    const auto deadline = back_end.deadline();
    const Duration left = deadline ? std::max(Duration::zero(), *deadline - now.mono) : Duration::zero();
    table.rows.push_back({{"target", back_end.topic().resource},
                          {"from", back_end.topic().watcher},
                          {"state", std::string(word_of(back_end.state()))},
                          {"lists", std::to_string(place->followers.size())},
                          {"next", std::to_string(std::chrono::ceil<std::chrono::seconds>(left).count())}});
  }
  return {std::move(table)};
}

}  // namespace beckon::server::lists
