#include "server/presence/permits.hpp"

#include <algorithm>
#include <vector>

namespace beckon::server::presence {

using ds1::Mode;

Permits::Hearer::~Hearer() = default;

Permits::Permits(Directory& directory, OnKnown on_known)
    : slot_(directory.take_slot<OfPresentity>()), on_known_(std::move(on_known)) {}

void Permits::set(Entry& presentity, std::string_view watcher, Mode mode) {
  OfPresentity* part = presentity.find(slot_);
  if (!part) {
    if (mode == Mode::off) return;
    part = &presentity.get(slot_);
  }
  auto known = part->by_watcher.find(watcher);
  if ((known == part->by_watcher.end() ? Mode::off : known->second->mode) == mode) return;
  const std::uint64_t change = ++part->change;
  if (part->hearers.empty()) part->known = change;
  if (known == part->by_watcher.end()) {
    part->permits.push_back({std::string(watcher), mode, change});
    part->by_watcher.emplace(part->permits.back().watcher, std::prev(part->permits.end()));
    return;
  }
  const auto permit = known->second;
  if (mode == Mode::off && part->hearers.empty()) {
    part->by_watcher.erase(known);
    part->permits.erase(permit);
    return drop_if_idle(presentity, *part);
  }
  permit->mode = mode;
  permit->change = change;
  part->permits.splice(part->permits.end(), part->permits, permit);
}

void Permits::tell(Entry& presentity, Now now) {
  OfPresentity* part = presentity.find(slot_);
  if (!part) return;
  const EntryPtr kept = presentity.ptr();
  std::vector<Hearer*> due;
  for (Hearer& hearer : part->hearers)
    if (hearer.heard_ < part->change) due.push_back(&hearer);
  // A call may report, and none ends a hearer.
  for (Hearer* hearer : due) hearer->on_permits(now);
}

bool Permits::is_due(const Entry& presentity, std::string_view watcher) const {
  const OfPresentity* part = presentity.find(slot_);
  if (!part || part->known == part->change) return false;
  const auto permit = part->by_watcher.find(watcher);
  return permit != part->by_watcher.end() && permit->second->change > part->known;
}

void Permits::join(Entry& presentity, Hearer& hearer) {
  if (hearer.hook_.is_linked()) return;
  OfPresentity& part = presentity.get(slot_);
  hearer.heard_ = part.change;
  part.hearers.push_back(hearer);
}

void Permits::leave(Entry& presentity, Hearer& hearer, Now now) {
  if (!hearer.hook_.is_linked()) return;
  hearer.hook_.unlink();
  update_known(presentity, *presentity.find(slot_), now);
}

bool Permits::has_news(const Entry& presentity, const Hearer& hearer) const {
  const OfPresentity* part = presentity.find(slot_);
  return part && hearer.hook_.is_linked() && hearer.heard_ < part->change;
}

void Permits::each_news(const Entry& presentity, const Hearer& hearer,
                        const std::function<void(const std::string&, Mode)>& visit) const {
  if (!has_news(presentity, hearer)) return;
  const auto& permits = presentity.find(slot_)->permits;
  for (auto permit = permits.rbegin(); permit != permits.rend() && permit->change > hearer.heard_; ++permit)
    visit(permit->watcher, permit->mode);
}

void Permits::reported(Entry& presentity, Hearer& hearer, Now now) {
  OfPresentity* part = presentity.find(slot_);
  if (!part || !hearer.hook_.is_linked()) return;
  hearer.heard_ = part->change;
  update_known(presentity, *part, now);
}

void Permits::update_known(Entry& presentity, OfPresentity& part, Now now) {
  const EntryPtr kept = presentity.ptr();
  std::uint64_t known = part.change;
  for (const Hearer& hearer : part.hearers) known = std::min(known, hearer.heard_);
  const std::uint64_t before = std::exchange(part.known, known);
  std::vector<std::string> news;
  for (auto permit = part.permits.rbegin(); permit != part.permits.rend() && permit->change > before;
       ++permit)
    if (permit->change <= known) news.push_back(permit->watcher);
  for (const std::string& watcher : news) {
    const auto permit = part.by_watcher.find(watcher);
    if (permit->second->mode != Mode::off) continue;
    const auto place = permit->second;
    part.by_watcher.erase(permit);
    part.permits.erase(place);
  }
  drop_if_idle(presentity, part);
  std::ranges::reverse(news);
  if (!news.empty()) on_known_(presentity, news, now);
}

void Permits::drop_if_idle(Entry& presentity, OfPresentity& part) {
  if (part.permits.empty() && part.hearers.empty()) presentity.drop(slot_);
}

}  // namespace beckon::server::presence
