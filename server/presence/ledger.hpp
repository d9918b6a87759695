#pragma once

#include <boost/intrusive/list.hpp>
#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <boost/smart_ptr/intrusive_ref_counter.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/time.hpp"
#include "protocol/documents/watch_log.hpp"
#include "server/shard/services.hpp"

namespace beckon::server::presence {

/// What a document shows, in words: one object for all watchers who got it.
struct Shown : boost::intrusive_ref_counter<Shown, boost::thread_unsafe_counter> {
  Shown(std::string_view its_view, std::string its_words, std::uint64_t its_digest)
      : view(its_view), words(std::move(its_words)), digest(its_digest) {}
  bool is_same(const Shown& other) const { return digest == other.digest && view == other.view; }

  std::string_view view;  ///< As in `documents::WatchLog`; a literal.
  std::string words;      ///< "open, note, direct offer"
  std::uint64_t digest;   ///< Of the document: equal where it is.
};
using ShownPtr = boost::intrusive_ptr<const Shown>;

/// What the watchers of each presentity were shown before, the newest only. In memory only: it is there to
/// answer a question of today, and a write for each NOTIFY would cost more than the NOTIFY (DESIGN 1.4).
class Ledger {
 public:
  /// Lines of one presentity. Past `Settings::watch_log_lines` of all in this shard the presentity with the
  /// oldest news loses its lines.
  static constexpr std::size_t lines_max = 64;

  explicit Ledger(Environment& environment)
      : environment_(environment), slot_(environment.directory().take_slot<Lines>()) {}
  ~Ledger();
  Ledger(const Ledger&) = delete;
  Ledger& operator=(const Ledger&) = delete;

  void add(Entry& presentity, std::string_view watcher, ShownPtr shown, WallTime from, WallTime until);
  /// The presentity's lines go.
  void forget(Entry& presentity);
  /// In the order of their ends.
  void print(const Entry& presentity, std::vector<documents::WatchLog::Line>& lines) const;
  /// Lines of all presentities.
  std::size_t size() const { return size_; }

 private:
  struct Line {
    std::string watcher;
    ShownPtr shown;
    WallTime from{}, until{};
  };
  struct Lines final : Part {
    explicit Lines(Entry& its_entry) : entry(its_entry) {}
    Entry& entry;
    std::vector<Line> ring;
    std::size_t next = 0;  ///< The oldest, once the ring is full.
    boost::intrusive::list_member_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> hook;
  };

  Environment& environment_;
  Slot<Lines> slot_;
  boost::intrusive::list<Lines, boost::intrusive::member_hook<Lines, decltype(Lines::hook), &Lines::hook>,
                         boost::intrusive::constant_time_size<false>>
      by_news_;  ///< Those with the oldest news first.
  std::size_t size_ = 0;
};

/// A line as it is printed; `until` of one that is shown now: absent.
documents::WatchLog::Line line_of(std::string_view watcher, const Shown& shown, WallTime from,
                                  std::optional<WallTime> until);

}  // namespace beckon::server::presence
