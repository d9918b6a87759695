// The part of `Subscriptions` where shards follow each other's resources.

#include <algorithm>
#include <limits>
#include <utility>

#include "protocol/base/log.hpp"
#include "server/subscription/limits.hpp"
#include "server/subscription/subscriptions.hpp"

namespace beckon::server::subscription {

// Where the resource is

bool Subscriptions::follow(Follow follow) {
  const Bucket at = bucket_of(follow.resource);
  return peers_.post<Subscriptions>(at, std::move(follow));
}

bool Subscriptions::may_follow(const Subscription& subscription) const {
  return !has_too_many(services_.settings(), index_, *subscription.watcher_);
}

void Subscriptions::on(Follow follow, Bucket at, Now now) {
  if (outside_ && !services_.settings().serves(domain_of_aor(follow.resource)))
    return outside_->follow(std::move(follow), at, now);
  Package* package = packages_.find(follow.package);
  if (package && follow.is_list) package = lists_ ? lists_->form_of(*package) : nullptr;
  if (!package) return report_end(follow.id, at, "noresource");
  const std::string tag = follow.id.follower_tag(at);
  if (index_.find(tag)) return;
  const EntryPtr resource = services_.directory().get(follow.resource);
  WatcherPtr watcher = index_.watcher(follow.watcher);
  const Permission permission = package->admit(*resource, follow.watcher, now);
  if (const auto limit = find_limit(services_.settings(), index_, *resource, *package, *watcher, permission);
      !limit.empty()) {
    log::info("subscription", "{} does not follow {}: {}", follow.watcher, follow.resource, limit);
    return report_end(follow.id, at, "giveup");
  }
  SubscriptionPtr made = new Subscription(*package, resource, std::move(watcher), services_.timers());
  made->head_ = Head::without_dialog(tag, follow.display_name);
  Inside& inside = made->make_inside();
  inside.is_follower = true;
  inside.id = std::move(follow.id);
  inside.path = std::move(follow.path);
  inside.octets_max = follow.octets_max;
  const auto types = package->body_types();
  const auto type = std::ranges::find(types, std::string_view(follow.body_type));
  made->body_type_ = static_cast<std::uint8_t>(type == types.end() ? 0 : type - types.begin());
  made->peer_.protocol = follow.is_secure ? transaction::Protocol::tls : transaction::Protocol::udp;
  made->peer_.remote.ip = follow.asker;
  made->since_ = now.mono;
  // It uses up no CSeqs, as no dialog has them.
  made->reserved_cseq_ = std::numeric_limits<std::uint32_t>::max();
  made->permission_ = permission;
  index_.add(*made);
  if (follow.is_list) return admit(*made, now);
  package->find(*resource, [this, made = std::move(made)](int status) {
    if (!made->is_listed_) return;
    if (status == 200) return admit(*made, services_.clock().now());
    index_.remove(*made);
    report_end(made->inside().id, made->resource().bucket(), status == 404 ? "noresource" : "giveup");
  });
}

/// The first decision about a follower, and each one after rules have refused it.
void Subscriptions::admit(Subscription& follower, Now now) {
  const SubscriptionPtr kept(&follower);
  if (follower.package().admit(follower.resource(), follower.watcher(), now) == Permission::refused) {
    if (!std::exchange(follower.is_refused_, true))
      report_end(follower.inside().id, follower.resource().bucket(), "rejected");
    return;
  }
  follower.is_refused_ = false;
  lifecycle_.begin(follower, Time::max(), now);
}

void Subscriptions::report_end(const FollowerId& id, Bucket from, std::string_view reason) {
  peers_.post_back<Subscriptions>(bucket_in(id.tag).value_or(0), Report{.id = id,
                                                                        .from = from,
                                                                        .state = Report::State::terminated,
                                                                        .reason = reason,
                                                                        .is_last = reason != "rejected"});
}

void Subscriptions::on(Unfollow unfollow, Bucket at, Now now) {
  Subscription* known = index_.find(unfollow.id.follower_tag(at));
  if (!known && outside_) return outside_->unfollow(unfollow.id, at, now);
  if (!known || !known->is_follower()) return;
  const SubscriptionPtr kept(known);
  if (known->counts())
    lifecycle_.perform(*known, known->notifier_.on_quiet_subscribe(now.mono, now.mono), now);
  else
    index_.remove(*known);
}

/// A follower that rules have ended waits for others: nobody would tell the list that they let it in again.
void Subscriptions::on(Heard heard, Bucket at, Now now) {
  Subscription* known = index_.find(heard.id.follower_tag(at));
  if (!known && outside_) return outside_->heard(heard, at, now);
  if (!known || !known->is_follower()) return;
  const SubscriptionPtr kept(known);
  lifecycle_.heard(*known, heard.sent, now);
  if (known->is_listed_ || known->reason() != "rejected") return;
  const SubscriptionPtr next =
      new Subscription(known->package(), known->resource_, known->watcher_, services_.timers());
  next->head_ = std::move(known->head_);
  next->inside_ = std::move(known->inside_);
  next->body_type_ = known->body_type_;
  next->peer_ = known->peer_;
  next->since_ = known->since_;
  next->cseq_ = known->cseq_;
  next->sent_ = known->sent_;
  next->reserved_cseq_ = known->reserved_cseq_;
  next->permission_ = Permission::refused;
  next->is_refused_ = true;
  index_.add(*next);
  admit(*next, now);
}

// Where it is followed

void Subscriptions::on(Report report, Bucket, Now now) {
  Subscription* known = index_.find(report.id.tag);
  const Bucket from = report.from;
  if (!known || (!known->counts() && !known->is_fetch()))
    return peers_.post_back<Subscriptions>(from, Unfollow{report.id});
  if (report.sent != 0) peers_.post_back<Subscriptions>(from, Heard{report.id, report.sent});
  const SubscriptionPtr kept(known);
  known->package().reported(*known, std::move(report), now);
}

void Subscriptions::unfollow(FollowerId id, const std::string& resource) {
  peers_.post_back<Subscriptions>(bucket_of(resource), Unfollow{std::move(id)});
}

void Subscriptions::release(Subscription& subscription, Now now) {
  if ((subscription.holds_ & Subscription::gathering) != 0)
    lifecycle_.release(subscription, Subscription::gathering, now);
}

void Subscriptions::end(Subscription& subscription, std::string_view reason, Now now) {
  if (subscription.counts())
    lifecycle_.perform(subscription, subscription.notifier_.terminate(reason, std::nullopt, now.mono), now);
}

Subscription* Subscriptions::find(std::string_view package_key, std::string_view tag) const {
  Subscription* known = index_.find(tag);
  const bool is_it = known && known->package().key() == package_key && (known->counts() || known->is_fetch());
  return is_it ? known : nullptr;
}

}  // namespace beckon::server::subscription
