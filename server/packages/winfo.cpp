#include "server/packages/winfo.hpp"

#include <array>
#include <set>

#include "protocol/documents/winfo.hpp"
#include "server/presence/policy.hpp"

namespace beckon::server::packages {

using documents::WatcherInfo;

namespace {

struct Memory final : event::PackageMemory {
  std::map<std::string, presence::WatcherEntry> watchers;  ///< Changed since the last document, by id.
  std::set<std::string, std::less<>> permits;              ///< Likewise, by AOR.
};

const Memory* memory_of(const event::Subscription& subscription) {
  return static_cast<const Memory*>(subscription.memory.get());
}

Memory& memory_of(event::Subscription& subscription) {
  if (!subscription.memory) subscription.memory = std::make_unique<Memory>();
  return static_cast<Memory&>(*subscription.memory);
}

bool sees(const event::Subscription& subscription, const presence::WatcherEntry& watcher) {
  return Winfo::is_own(subscription) || watcher.aor == subscription.watcher;
}

constexpr std::array types{documents::winfo_type};

}  // namespace

Winfo::Winfo(Services& services, const presence::Watchers& watchers, PermitsOf permits_of)
    : services_(services), watchers_(watchers), permits_of_(std::move(permits_of)) {}

event::Expiry Winfo::expiry() const {
  const Lifetimes& lifetimes = services_.settings().subscription;
  using std::chrono::seconds;
  return {seconds(lifetimes.minimum), seconds(lifetimes.standard), seconds(lifetimes.maximum)};
}

std::span<const std::string_view> Winfo::body_types() const { return types; }

event::Permission Winfo::permission(std::string_view, std::string_view watcher, Now) {
  return presence::is_welcome(services_.settings(), watcher) ? event::Permission::allow
                                                             : event::Permission::block;
}

event::Content Winfo::compose(event::Subscription& subscription, event::Permission,
                              event::Notifier::Body body, Now now) {
  const bool is_full = body == event::Notifier::Body::full;
  WatcherInfo info = is_full ? full(subscription, now) : partial(subscription, now);
  info.version = subscription.number;
  Memory& memory = memory_of(subscription);
  memory.watchers.clear();
  memory.permits.clear();
  return {std::string(documents::winfo_type), share(documents::print(info))};
}

WatcherInfo Winfo::full(const event::Subscription& subscription, Now now) const {
  WatcherInfo info;
  info.lists.push_back({.resource = subscription.resource, .watchers = {}, .extensions = {}});
  for (const presence::WatcherEntry* watcher : watchers_.of(subscription.resource))
    if (sees(subscription, *watcher)) info.lists.front().watchers.push_back(watcher->print(now));
  if (!is_own(subscription)) return info;
  for (const auto& [aor, mode] : permits_of_(subscription.resource)) info.permits.push_back({aor, mode});
  return info;
}

WatcherInfo Winfo::partial(const event::Subscription& subscription, Now now) const {
  WatcherInfo info;
  info.state = WatcherInfo::State::partial;
  const Memory* memory = memory_of(subscription);
  if (!memory) return info;
  if (!memory->watchers.empty()) {
    info.lists.push_back({.resource = subscription.resource, .watchers = {}, .extensions = {}});
    for (const auto& [id, watcher] : memory->watchers)
      info.lists.front().watchers.push_back(watcher.print(now));
  }
  if (memory->permits.empty()) return info;
  const Permits all = permits_of_(subscription.resource);
  for (const std::string& aor : memory->permits) {
    const auto known = all.find(aor);
    info.permits.push_back({aor, known == all.end() ? ds1::Mode::off : known->second});
  }
  return info;
}

void Winfo::note_watcher(event::Subscription& subscription, const presence::WatcherEntry& watcher) {
  if (sees(subscription, watcher)) memory_of(subscription).watchers.insert_or_assign(watcher.id, watcher);
}

void Winfo::note_permit(event::Subscription& subscription, const std::string& watcher) {
  if (is_own(subscription)) memory_of(subscription).permits.insert(watcher);
}

bool Winfo::has_news(const event::Subscription& subscription) {
  const Memory* memory = memory_of(subscription);
  return memory && !(memory->watchers.empty() && memory->permits.empty());
}

bool Winfo::has_permit_due(const event::Subscription& subscription, std::string_view watcher) {
  const Memory* memory = memory_of(subscription);
  return memory && memory->permits.count(watcher) != 0;
}

bool Winfo::has_permit_due(const event::Subscription& subscription) {
  const Memory* memory = memory_of(subscription);
  return memory && !memory->permits.empty();
}

}  // namespace beckon::server::packages
