#include "server/presence/watchers.hpp"

#include <algorithm>

namespace beckon::server::presence {

using documents::WatcherEvent;
using documents::WatcherStatus;

namespace {

WatcherEvent event_of(std::string_view reason) {
  for (const auto event : {WatcherEvent::deactivated, WatcherEvent::probation, WatcherEvent::rejected,
                           WatcherEvent::giveup, WatcherEvent::noresource})
    if (reason == documents::to_string(event)) return event;
  return WatcherEvent::timeout;
}

std::uint64_t seconds(Duration duration) {
  return static_cast<std::uint64_t>(
      std::max<std::int64_t>(0, std::chrono::round<std::chrono::seconds>(duration).count()));
}

}  // namespace

documents::Watcher WatcherEntry::print(Now now) const {
  documents::Watcher watcher;
  watcher.id = id;
  watcher.uri = aor;
  watcher.status = status;
  watcher.event = event;
  watcher.display_name = display_name;
  if (status == WatcherStatus::terminated) return watcher;
  watcher.expiration_seconds = seconds(expires - now.mono);
  watcher.subscribed_seconds = seconds(std::chrono::duration_cast<Duration>(now.wall - since));
  return watcher;
}

Watchers::Watchers(TimerQueue& timers, Clock& clock, OnChange on_change)
    : clock_(clock), on_change_(std::move(on_change)), timer_(timers) {}

WatcherEntry* Watchers::find(const std::string& presentity, const std::string& id) {
  const auto list = lists_.find(presentity);
  if (list == lists_.end()) return nullptr;
  const auto entry = list->second.find(id);
  return entry == list->second.end() ? nullptr : &entry->second;
}

void Watchers::subscribed(const std::string& presentity, WatcherEntry entry, Now now) {
  List& list = lists_[presentity];
  std::vector<std::string> superseded;
  for (const auto& [id, known] : list)
    if (known.status == WatcherStatus::waiting && known.aor == entry.aor) superseded.push_back(id);
  const WatcherEntry told = entry;
  list.insert_or_assign(entry.id, std::move(entry));
  for (const std::string& id : superseded) terminate(presentity, id, WatcherEvent::giveup, now);
  on_change_(presentity, told, now);
}

void Watchers::refreshed(const std::string& presentity, const std::string& id, Time expires) {
  if (WatcherEntry* entry = find(presentity, id)) entry->expires = expires;
}

void Watchers::decided(const std::string& presentity, const std::string& id, WatcherStatus status, Now now) {
  WatcherEntry* entry = find(presentity, id);
  if (!entry || entry->status == status) return;
  entry->status = status;
  // RFC 3858 has no word for a permission taken back: the watcher is pending as if he had just asked.
  entry->event = status == WatcherStatus::active ? WatcherEvent::approved : WatcherEvent::subscribe;
  const WatcherEntry told = *entry;
  on_change_(presentity, told, now);
}

void Watchers::ended(const std::string& presentity, const std::string& id, std::string_view reason, Now now) {
  WatcherEntry* entry = find(presentity, id);
  if (!entry || entry->status == WatcherStatus::waiting) return;
  const WatcherEvent event = event_of(reason);
  if (entry->status != WatcherStatus::pending || event != WatcherEvent::timeout)
    return terminate(presentity, id, event, now);
  entry->status = WatcherStatus::waiting;
  entry->event = event;
  entry->expires = now.mono + waiting_time;
  waiting_.emplace(std::pair(entry->expires, id), presentity);
  arm();
  const WatcherEntry told = *entry;
  on_change_(presentity, told, now);
}

void Watchers::settled(const std::string& presentity, std::string_view aor, bool allowed, Now now) {
  std::vector<std::string> ids;
  for (const WatcherEntry* entry : of(presentity))
    if (entry->status == WatcherStatus::waiting && entry->aor == aor) ids.push_back(entry->id);
  for (const std::string& id : ids)
    terminate(presentity, id, allowed ? WatcherEvent::approved : WatcherEvent::rejected, now);
}

void Watchers::terminate(const std::string& presentity, const std::string& id, WatcherEvent event, Now now) {
  const auto list = lists_.find(presentity);
  const auto found = list->second.find(id);
  WatcherEntry last = std::move(found->second);
  list->second.erase(found);
  if (list->second.empty()) lists_.erase(list);
  if (last.status == WatcherStatus::waiting) {
    waiting_.erase({last.expires, id});
    arm();
  }
  last.status = WatcherStatus::terminated;
  last.event = event;
  on_change_(presentity, last, now);
}

void Watchers::give_up(Now now) {
  while (!waiting_.empty() && waiting_.begin()->first.first <= now.mono) {
    const auto [key, presentity] = *waiting_.begin();
    terminate(presentity, key.second, WatcherEvent::giveup, now);
  }
}

void Watchers::arm() {
  if (waiting_.empty()) return timer_.cancel();
  timer_.set(waiting_.begin()->first.first, [this](Time) {
    give_up(clock_.now());
    arm();
  });
}

std::vector<const WatcherEntry*> Watchers::of(std::string_view presentity) const {
  std::vector<const WatcherEntry*> all;
  const auto list = lists_.find(presentity);
  if (list == lists_.end()) return all;
  for (const auto& [id, entry] : list->second) all.push_back(&entry);
  return all;
}

std::size_t Watchers::size() const {
  std::size_t all = 0;
  for (const auto& [presentity, list] : lists_) all += list.size();
  return all;
}

Table Watchers::table(Now now) const {
  Table table{.name = "WT", .rows = {}};
  for (const auto& [presentity, list] : lists_)
    for (const auto& [id, entry] : list)
      table.rows.push_back({{"presentity", presentity},
                            {"watcher", entry.aor},
                            {"id", id},
                            {"status", documents::to_string(entry.status)},
                            {"event", documents::to_string(entry.event)},
                            {"display-name", entry.display_name},
                            {"expire", std::to_string(seconds(entry.expires - now.mono))}});
  return table;
}

}  // namespace beckon::server::presence
