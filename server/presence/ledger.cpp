#include "server/presence/ledger.hpp"

#include <utility>

#include "protocol/base/text.hpp"

namespace beckon::server::presence {

namespace {

/// "2026-11-21T04:00:00.250Z"
std::string print_milliseconds(WallTime time) {
  std::string text = print_time(time);
  const auto milliseconds = std::to_string(1000 + time.time_since_epoch().count() % 1000).substr(1);
  text.insert(text.size() - 1, '.' + milliseconds);
  return text;
}

}  // namespace

Ledger::~Ledger() { by_news_.clear(); }

/// A full ring is written over in place, so a presentity with many watchers costs no allocation for each.
void Ledger::add(Entry& presentity, std::string_view watcher, ShownPtr shown, WallTime from, WallTime until) {
  if (environment_.settings().watch_log_lines == 0) return forget(presentity);
  Lines& lines = presentity.get(slot_, presentity);
  lines.hook.unlink();
  by_news_.push_back(lines);
  const bool is_full = lines.ring.size() == lines_max;
  Line& line = is_full ? lines.ring[lines.next] : lines.ring.emplace_back();
  if (is_full)
    lines.next = (lines.next + 1) % lines_max;
  else
    ++size_;
  line.watcher = watcher;
  line.shown = std::move(shown);
  line.from = from;
  line.until = until;
  while (size_ > environment_.settings().watch_log_lines) forget(by_news_.front().entry);
}

void Ledger::forget(Entry& presentity) {
  const Lines* lines = presentity.find(slot_);
  if (!lines) return;
  size_ -= lines->ring.size();
  presentity.drop(slot_);
}

void Ledger::print(const Entry& presentity, std::vector<documents::WatchLog::Line>& lines) const {
  const Lines* kept = presentity.find(slot_);
  if (!kept) return;
  for (std::size_t i = 0; i < kept->ring.size(); ++i) {
    const Line& line = kept->ring[(kept->next + i) % kept->ring.size()];
    lines.push_back(line_of(line.watcher, *line.shown, line.from, line.until));
  }
}

documents::WatchLog::Line line_of(std::string_view watcher, const Shown& shown, WallTime from,
                                  std::optional<WallTime> until) {
  return {.watcher = std::string(watcher),
          .view = std::string(shown.view),
          .shown = shown.words,
          .from = print_milliseconds(from),
          .until = until ? print_milliseconds(*until) : std::string()};
}

}  // namespace beckon::server::presence
