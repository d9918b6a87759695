#pragma once

#include <cstdint>
#include <vector>

#include "protocol/base/bytes.hpp"
#include "protocol/base/result.hpp"
#include "protocol/base/time.hpp"
#include "protocol/sip/message.hpp"
#include "protocol/transaction/transport.hpp"

namespace beckon::trace {

enum class Direction : std::uint8_t { received, sent };

/// One message as it crossed the edge. Its text is NOT masked but for secrets of direct sessions: only
/// `make_line` may read it.
struct Entry {
  Now time;
  transaction::Hop hop;
  Direction direction = Direction::received;
  ErrorCode problem;      ///< Set: octets that could not be read as a message; only their beginning is kept.
  std::size_t size = 0;   ///< Octets on the wire, without framing.
  SharedText owner;       ///< The message's own buffer, shared.
  std::string_view text;  ///< Into `owner`.
};

/// The recent messages of one shard or user agent, the oldest overwritten. To record costs a clock reading
/// and a reference to the buffer that is there: no copy, no formatting, no parsing. Two things are copied: a
/// body that may hold secrets of direct sessions, masked at once, since they must not outlive their epoch
/// (DIRECT_SESSIONS 3.3), and the beginning of what could not be read. One thread.
class Recorder {
 public:
  struct Limits {
    std::size_t messages = 1000;              ///< 0: nothing is recorded.
    std::size_t octets = 4 * 1024 * 1024;     ///< Of all buffers held.
    std::size_t malformed_octets = 2 * 1024;  ///< Kept of what could not be read.
  };
  Recorder(Clock& clock, Limits limits) : clock_(clock), limits_(limits) {}

  void received(const transaction::Hop& from, const sip::Message& message) {
    if (limits_.messages != 0) add(Direction::received, from, message.shared_text(), message.text());
  }
  void received(const transaction::Hop& from, const SharedText& message) {
    if (limits_.messages != 0) add(Direction::received, from, message, *message);
  }
  void sent(const transaction::Hop& to, const transaction::Outgoing& message);
  /// `text` is valid during the call.
  void malformed(const transaction::Hop& from, ErrorCode problem, std::string_view text);

  struct Page {
    std::vector<Entry> entries;  ///< In order.
    std::uint64_t next = 0;      ///< Where to go on.
    std::uint64_t lost = 0;      ///< Overwritten before they were read.
    bool more = false;           ///< There are more up to `until`.
  };
  /// At most `most` messages from number `from` on that are not younger than `until`. 0 begins with the
  /// oldest.
  Page read(std::uint64_t from, Time until, std::size_t most) const;

  std::size_t size() const { return static_cast<std::size_t>(next_ - first_); }
  std::size_t octets() const { return octets_; }

 private:
  void add(Direction direction, const transaction::Hop& hop, const SharedText& owner, std::string_view text);
  void put(Direction direction, const transaction::Hop& hop, ErrorCode problem, std::size_t size,
           const SharedText& owner, std::string_view text, const SharedText& body);
  void drop_first();
  /// As it lies in the ring: a message in two parts is put together when it is read.
  struct Kept {
    Entry entry;
    SharedText body;
  };
  Kept& at(std::uint64_t number) { return ring_[number % limits_.messages]; }
  static std::size_t size_of(const Kept& kept) {
    return kept.entry.owner->size() + (kept.body ? kept.body->size() : 0);
  }

  Clock& clock_;
  Limits limits_;
  std::vector<Kept> ring_;   ///< Grows up to its limit, then turns.
  std::uint64_t first_ = 1;  ///< Number of the oldest entry,
  std::uint64_t next_ = 1;   ///< and of the one to come.
  std::size_t octets_ = 0;
};

}  // namespace beckon::trace
