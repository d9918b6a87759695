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
  WatcherInfo info = is_full ? full(subscription, now) : partial(subscription, now);
  info.version = subscription.number();
  news.watchers.clear();
  news.are_too_many = false;
  return {documents::winfo_type, share(documents::print(info))};
}

WatcherInfo Winfo::full(const Subscription& subscription, Now now) const {
  const bool own = is_own(subscription);
  WatcherInfo info;
  info.lists.push_back({.resource = subscription.resource().aor(),
                        .package = std::string(watched_.name()),
                        .watchers = {},
                        .extensions = {}});
  const auto watchers = own ? watchers_->of(subscription.resource())
                            : watchers_->of(subscription.resource(), subscription.watcher());
  for (const WatcherEntry& watcher : watchers) info.lists.front().watchers.push_back(watcher.print(now));
  if (!own || !watches_) return info;
  for (const auto& [aor, mode] : watches_->permits_of(subscription.resource()))
    info.permits.push_back({aor, mode});
  return info;
}

WatcherInfo Winfo::partial(const Subscription& subscription, Now now) const {
  WatcherInfo info;
  info.state = WatcherInfo::State::partial;
  const News& news = news_of(subscription);
  if (!news.watchers.empty()) {
    info.lists.push_back({.resource = subscription.resource().aor(),
                          .package = std::string(watched_.name()),
                          .watchers = {},
                          .extensions = {}});
    for (const auto& [id, watcher] : news.watchers) info.lists.front().watchers.push_back(watcher.print(now));
  }
  if (!watches_) return info;
  watches_->permits().each_news(subscription.resource(), news, [&](const std::string& aor, ds1::Mode mode) {
    info.permits.push_back({aor, mode});
  });
  std::ranges::sort(info.permits, {}, &documents::Permit::aor);
  return info;
}

}  // namespace beckon::server::packages
