#pragma once

#include <boost/intrusive/list.hpp>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/timers.hpp"
#include "protocol/documents/message_archive.hpp"
#include "server/archive/archive.hpp"
#include "server/shard/directory.hpp"

namespace beckon::server::archive {

/// One user's archive.
struct Box final
    : Part,
      boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
  Box(Entry& its_entry, TimerQueue& timers) : entry(its_entry), expiry(timers) {}

  /// Erasures that are remembered: a device that knows less gets the whole archive.
  static constexpr std::size_t erasures_max = 16;

  Entry& entry;
  std::deque<ArchivedMessage> messages;  ///< By rising number.
  std::vector<MessageErasure> erasures;  ///< By rising change.
  std::uint64_t forgotten = 0;           ///< The last erasure that is not remembered.
  std::uint64_t newest = 0;              ///< Change.
  bool is_kept = true;                   ///< What comes in is noted.
  Timer expiry;

  const ArchivedMessage* find(const ArchivedMessage& same) const;
  bool is_empty() const { return messages.empty() && erasures.empty() && is_kept; }
  /// Of the next message or change: later ones have larger numbers, whatever the clock does.
  std::uint64_t next_number(WallTime now) const;
};

/// What one step changes of an archive.
struct Plan {
  std::vector<ArchivedMessage> put{};
  std::vector<std::uint64_t> gone{};        ///< Numbers.
  std::optional<MessageErasure> erasure{};  ///< The user erased them.
  std::uint64_t forgotten = 0;              ///< Erasures up to here are not remembered any more; 0: none.
  std::optional<bool> is_kept{};
  bool is_end = false;   ///< Nothing of it stays.
  bool is_read = false;  ///< The user marks what is put as read.

  bool is_empty() const { return put.empty() && gone.empty() && !has_head() && !is_end; }
  /// Does the record change that says what no message does?
  bool has_head() const { return erasure || forgotten != 0 || is_kept; }
};

/// Octets that it takes in memory, about.
std::size_t size_of(const ArchivedMessage& message);

// Records: one for each message, its number as key; one for the rest.
inline constexpr std::string_view head_key = "head";
std::string encode(const ArchivedMessage& message);
/// Absent: it cannot be read.
std::optional<ArchivedMessage> decode_message(std::string_view key, std::string_view value);
std::string encode_head(bool is_kept, std::uint64_t forgotten, const std::vector<MessageErasure>& erasures);
bool decode_head(std::string_view value, Box& box);

}  // namespace beckon::server::archive
