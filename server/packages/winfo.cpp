#include "server/packages/winfo.hpp"

#include <algorithm>
#include <array>
#include <map>

#include "server/presence/policy.hpp"
#include "server/subscription/subscriptions.hpp"

namespace beckon::server::packages {

using documents::WatcherInfo;
using subscription::Permission;
using subscription::Subscription;
using subscription::WatcherEntry;

namespace {

constexpr std::array winfo_types{documents::winfo_type};

/// Changes kept for one subscription while its pace holds them back; past it the next document is full (RFC
/// 6446 5.5.1).
constexpr std::size_t watcher_news_max = 256;

/// Of a full document with permits, about.
constexpr std::size_t octets_per_watcher = 240;

/// The resource's own subscription, which sees everything?
bool is_own(const Subscription& subscription) {
  return subscription.watcher() == subscription.resource().aor();
}

}  // namespace

/// What the next partial document of a subscription carries.
struct Winfo::News final : subscription::PackageData, presence::Permits::Hearer {
  News(Winfo& its_package, Subscription& its_subscription)
      : package(its_package), subscription(its_subscription) {}
  void on_permits(Now now) override { package.subscriptions().changed_urgently(subscription, now); }

  Winfo& package;
  Subscription& subscription;
  std::map<std::string, WatcherEntry> watchers;  ///< Changed since the last document, by id.
  bool are_too_many = false;                     ///< And are not kept.
};

Winfo::Winfo(Environment& environment, subscription::Package& watched, std::string_view table,
             presence::Watches* watches)
    : environment_(environment),
      watched_(watched),
      watches_(watches),
      name_(std::string(watched.name()) + ".winfo"),
      table_(table) {}

Winfo::~Winfo() = default;

void Winfo::attached() {
  subscription::Watchers::Listener& listener = *this;
  watchers_ = std::make_unique<subscription::Watchers>(subscriptions(), watched_, listener);
}

Winfo::News& Winfo::news_of(const Subscription& subscription) {
  return static_cast<News&>(*subscription.data);
}

std::span<const std::string_view> Winfo::body_types() const { return winfo_types; }

Permission Winfo::admit(Entry&, const std::string& watcher, Now) {
  return presence::is_welcome(environment_.settings(), watcher) ? Permission::active : Permission::refused;
}

Permission Winfo::begin(Subscription& subscription, Now now) {
  subscription.data = std::make_unique<News>(*this, subscription);
  return admit(subscription.resource(), subscription.watcher(), now);
}

void Winfo::begun(Subscription& subscription, Now now) { refreshed(subscription, now); }

/// Full state follows; from then on permits are news.
void Winfo::refreshed(Subscription& subscription, Now) {
  if (watches_ && is_own(subscription) && !subscription.is_fetch() && subscription.is_reachable())
    watches_->permits().join(subscription.resource(), news_of(subscription));
}

void Winfo::ended(Subscription& subscription, Now now) { lost(subscription, now); }

void Winfo::lost(Subscription& subscription, Now now) {
  News& news = news_of(subscription);
  news.watchers.clear();
  if (watches_) watches_->permits().leave(subscription.resource(), news, now);
}

void Winfo::notified(Subscription& subscription, Now now) {
  if (watches_) watches_->permits().reported(subscription.resource(), news_of(subscription), now);
}

bool Winfo::has_permit_news(const Subscription& subscription) const {
  return watches_ && watches_->permits().has_news(subscription.resource(), news_of(subscription));
}

// News

void Winfo::on_watcher(Entry& resource, const WatcherEntry& watcher, Now) {
  // A watcher out of reach gets everything when it is back.
  const auto note = [&](Subscription& subscription) {
    if (!subscription.hears_news()) return;
    News& news = news_of(subscription);
    if (news.are_too_many) return;
    if (news.watchers.empty()) noted_.emplace_back(&subscription);
    news.watchers.insert_or_assign(watcher.id, watcher);
    news.are_too_many = news.watchers.size() > watcher_news_max;
  };
  subscriptions().each_of(*this, resource, resource.aor(), note);
  if (watcher.aor != resource.aor()) subscriptions().each_of(*this, resource, watcher.aor, note);
}

void Winfo::on_settled(Entry& resource, Now now) {
  std::vector<subscription::SubscriptionPtr> due;
  std::erase_if(noted_, [&](const subscription::SubscriptionPtr& noted) {
    if (&noted->resource() != &resource) return false;
    due.push_back(noted);
    return true;
  });
  // Permits do not wait for the pace, and take along what else is new.
  subscriptions().each_of(*this, resource, resource.aor(), [&](Subscription& subscription) {
    if (has_permit_news(subscription)) subscriptions().changed_urgently(subscription, now);
  });
  for (const auto& subscription : due)
    if (subscription->data && !news_of(*subscription).watchers.empty())
      subscriptions().changed(*subscription, now);
}

// Documents

subscription::Content Winfo::compose(Subscription& subscription, event::Notifier::Body body, Now now) {
  News& news = news_of(subscription);
  const bool is_full = body == event::Notifier::Body::full || news.are_too_many;
  std::string text = is_full ? full(subscription, now) : partial(subscription, now);
  news.watchers.clear();
  news.are_too_many = false;
  return {documents::winfo_type, share(std::move(text))};
}

/// Written straight from the subscriptions: 10 000 of them are composed in one turn of the shard.
std::string Winfo::full(const Subscription& subscription, Now now) const {
  const bool own = is_own(subscription);
  Entry& resource = subscription.resource();
  std::vector<std::pair<std::string_view, ds1::Mode>> permits;
  if (own && watches_) permits = watches_->permits_of(resource);
  documents::WinfoWriter writer(subscription.number(), WatcherInfo::State::full, !permits.empty(),
                                permits.size() * octets_per_watcher);
  writer.begin_list(resource.aor(), watched_.name());
  const auto write = [&](const documents::WatcherView& watcher) { writer.watcher(watcher); };
  own ? watchers_->each(resource, now, write) : watchers_->each(resource, subscription.watcher(), now, write);
  writer.end_list();
  for (const auto& [aor, mode] : permits) writer.permit(aor, mode);
  return writer.finish();
}

std::string Winfo::partial(const Subscription& subscription, Now now) const {
  const News& news = news_of(subscription);
  std::vector<documents::Permit> permits;
  if (watches_)
    watches_->permits().each_news(subscription.resource(), news, [&](const std::string& aor, ds1::Mode mode) {
      permits.push_back({aor, mode});
    });
  std::ranges::sort(permits, {}, &documents::Permit::aor);
  documents::WinfoWriter writer(subscription.number(), WatcherInfo::State::partial, !permits.empty());
  if (!news.watchers.empty()) {
    writer.begin_list(subscription.resource().aor(), watched_.name());
    for (const auto& [id, watcher] : news.watchers) writer.watcher(watcher.view(now));
    writer.end_list();
  }
  for (const documents::Permit& permit : permits) writer.permit(permit.aor, permit.mode);
  return writer.finish();
}

}  // namespace beckon::server::packages
