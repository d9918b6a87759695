#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <optional>
#include <string_view>
#include <vector>

#include "protocol/base/time.hpp"
#include "protocol/documents/dialoginfo.hpp"
#include "server/publication/device.hpp"
#include "server/shard/directory.hpp"

namespace beckon::server::packages {

/// What a watcher gets to know of dialogs.
enum class Sight : std::uint8_t { nothing, states, everything };

/// May these be one dialog of a user, told by two who see it? Not both may know the tags.
bool is_one_call(const documents::Dialog& one, const documents::Dialog& other);

/// A dialog goes through its states in one direction (RFC 4235 3.7.1).
void keep_later_state(documents::Dialog& dialog, const documents::Dialog& other);

/// A dialog of a user, as watchers are shown it.
struct DialogItem {
  std::uint64_t key = 0;           ///< Of a published one: the device and its id for the dialog.
  bool is_published = true;        ///< Else it is seen by the proxy.
  publication::Device device = 0;  ///< 0: unknown.
  documents::Dialog dialog{};      ///< With the id that watchers see, without duration.
  std::optional<Time> began{};     ///< Of the duration.
  std::uint64_t changed = 0;       ///< Number of the last change, see ShownDialogs.
  std::uint64_t entered = 0;       ///< Number of the last change of state.

  bool is_over() const { return dialog.state == documents::DialogState::terminated; }
  /// Is `later` this dialog? A device may take an id again for its next call: ids are unique among current
  /// dialogs only (RFC 4235 4.1.1). A dialog may begin without Call-ID, and some devices never tell it. What
  /// the proxy sees and what a device publishes is one dialog where Call-ID, tags and device agree.
  bool is_same(const DialogItem& later) const;
};

/// What the watchers of a user have been, or are about to be, shown. Kept while there are any.
class ShownDialogs final : public Part {
 public:
  /// Begins with those there are now.
  void begin(std::vector<DialogItem> items) { items_ = std::move(items); }
  /// Takes over those there are now. False: nobody sees a difference.
  bool take(std::vector<DialogItem> fresh);

  const std::vector<DialogItem>& items() const { return items_; }
  std::uint64_t number() const { return number_; }
  /// Can a partial document tell all changes after that number?
  bool remembers(std::uint64_t seen) const { return seen >= forgotten_; }
  /// Calls `visit` for each dialog that a watcher who has seen the changes up to `seen` sees differently now.
  template <class Visit>
  void each_news(std::uint64_t seen, Sight sight, const Visit& visit) const {
    if (sight == Sight::nothing) return;
    const auto look = [&](const DialogItem& item) {
      if ((sight == Sight::everything ? item.changed : item.entered) > seen) visit(item);
    };
    std::ranges::for_each(gone_, look);
    std::ranges::for_each(items_, look);
  }

  std::uint32_t watchers = 0;
  bool is_registered = false;  ///< The user has a device now.

 private:
  bool is_known(std::string_view id) const;

  std::vector<DialogItem> items_;  ///< As told now; also those that are over and still told.
  std::deque<DialogItem> gone_;    ///< Over, and no longer told.
  std::uint64_t number_ = 0;       ///< Of the last change.
  std::uint64_t forgotten_ = 0;    ///< What changed up to here may be in `gone_` no more.
};

bool has_id(const std::vector<DialogItem>& items, std::string_view id);

}  // namespace beckon::server::packages
