#include "server/shard/directory.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "protocol/base/log.hpp"

namespace beckon::server {

Entry::Entry(Directory& directory, std::string aor)
    : Sequence(directory, std::move(aor)), directory_(&directory), bucket_(bucket_of(this->aor())) {}

bool Entry::is_needed() const {
  return holders_ != 0 || !is_quiet() || std::ranges::any_of(parts_, [](const auto& part) { return !!part; });
}

void intrusive_ptr_release(Entry* entry) {
  if (--entry->holders_ != 0) return;
  if (entry->directory_)
    entry->directory_->drop_if_unneeded(*entry);
  else
    delete entry;
}

Directory::~Directory() {
  // Parts and steps may hold other entries, so none is freed before all are empty.
  for (const auto& [aor, entry] : entries_) ++entry->holders_;
  for (const auto& [aor, entry] : entries_) {
    entry->abandon();
    for (auto& part : entry->parts_) part.reset();
  }
  for (const auto& [aor, entry] : entries_) {
    entry->directory_ = nullptr;
    intrusive_ptr_release(entry);
  }
}

EntryPtr Directory::find(std::string_view aor) const {
  const auto found = entries_.find(aor);
  return found == entries_.end() ? nullptr : found->second;
}

EntryPtr Directory::get(std::string_view aor) {
  if (auto known = find(aor)) return known;
  EntryPtr made = new Entry(*this, std::string(aor));
  entries_.emplace(made->aor(), made.get());
  return made;
}

void Directory::each(const std::function<void(Entry&)>& visit) {
  std::vector<EntryPtr> all;
  all.reserve(entries_.size());
  for (const auto& [aor, entry] : entries_) all.emplace_back(entry);
  for (const EntryPtr& entry : all) visit(*entry);
}

void Directory::on_quiet(store::Sequence& sequence) { drop_if_unneeded(static_cast<Entry&>(sequence)); }

void Directory::on_conflict(store::Sequence& sequence, const store::Held& held, Now now) {
  const EntryPtr entry = static_cast<Entry&>(sequence).ptr();
  for (Keeper* keeper : keepers_) keeper->reload(*entry, held, now);
}

void Directory::on_flow_closed(transaction::FlowId flow, Now now) {
  closed_.insert(flow);
  if (!forget_.is_set()) forget_.set(now.mono + closed_kept, [this](Time at) { forget_closed(at); });
}

/// What was remembered for at least `closed_kept` goes.
void Directory::forget_closed(Time now) {
  closed_before_ = std::exchange(closed_, {});
  if (!closed_before_.empty()) forget_.set(now + closed_kept, [this](Time at) { forget_closed(at); });
}

void Directory::skip_unserved(store::Kind kind, std::string_view package) {
  ++unserved_[{kind, std::string(package)}];
}

void Directory::report_skipped() {
  for (const auto& [what, count] : std::exchange(unserved_, {}))
    log::warn(
        "store",
        "{} stored records of kind {} are of event package {}, which is not served; they are skipped and "
        "stay in the file",
        count, store::to_string(what.first), what.second);
  for (const auto& [kind, count] : std::exchange(unreadable_, {})) {
    const char* name = store::to_string(kind);
    log::warn("store", "{} stored records of kind {} cannot be read; they are skipped and stay in the file",
              count, name ? std::string(name) : std::to_string(static_cast<unsigned>(kind)));
  }
}

void Directory::drop_if_unneeded(Entry& entry) {
  if (entry.is_needed()) return;
  entries_.erase(entry.aor());
  delete &entry;
}

}  // namespace beckon::server
