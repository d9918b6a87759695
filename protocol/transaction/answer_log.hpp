#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "protocol/base/large_allocator.hpp"
#include "protocol/base/time.hpp"
#include "protocol/transaction/transport.hpp"

namespace beckon::transaction {

/// The final responses of non-INVITE server transactions that are completed (RFC 3261 17.2.2): all that is
/// left of one is what to send to a copy of its request, until timer J. As each is kept equally long they end
/// in the order they came, so they stand one behind another in large blocks: an answer takes its own octets,
/// those of its key and about 100 more, and no allocation of its own.
class AnswerLog {
 public:
  struct Answer {
    std::string_view key;       ///< Of the transaction.
    std::string_view response;  ///< As it was sent.
    Hop hop;                    ///< Where it was sent.
    Time until;                 ///< Timer J.
  };
  using Hash = std::uint64_t;

  /// Past `max_octets` the oldest answers go early.
  explicit AnswerLog(std::size_t max_octets) : max_octets_(max_octets) {}

  /// `hash` is that of `key`, the same function for all; `until` never goes back. No answer of that key is
  /// kept.
  void add(Hash hash, const Answer& answer);
  /// Views are valid until the next change; nothing when none is kept.
  std::optional<Answer> find(Hash hash, std::string_view key) const;
  /// Drops what ended by `now`.
  void expire(Time now);
  /// When `expire` has something to do next.
  std::optional<Time> next() const;

  std::size_t size() const { return records_.size(); }
  std::size_t octets() const { return octets_; }                  ///< Memory taken by blocks.
  std::uint64_t dropped_early() const { return dropped_early_; }  ///< For want of room.
  void each(const std::function<void(const Answer&)>& visit) const;

 private:
  struct Record {
    Hop hop;
    Time until;
    const char* text;  ///< The key, then the response.
    std::uint32_t key_size, response_size;
    std::uint32_t tag;
  };
  struct Block {
    LargeBlock memory;
    std::size_t used = 0;
    std::size_t answers = 0;
  };
  /// One place of the hash table (linear probing); `tag` 0: empty.
  struct Place {
    std::uint32_t tag = 0;
    std::uint32_t number = 0;  ///< Of the record, counted from the first ever, modulo 2^32.
  };

  static std::uint32_t tag_of(Hash hash) { return static_cast<std::uint32_t>(hash >> 32) | 1; }
  std::size_t home(std::uint32_t tag) const { return (tag >> 1) & (places_.size() - 1); }
  std::size_t behind(std::size_t place) const { return (place + 1) & (places_.size() - 1); }
  static Answer read(const Record& record);
  const char* append(std::string_view key, std::string_view response);
  void add_block(std::size_t at_least);
  void drop_first();
  void insert(std::uint32_t tag, std::uint32_t number);
  void erase(std::uint32_t tag, std::uint32_t number);
  void grow();

  std::size_t max_octets_;
  std::deque<Record> records_;
  std::uint32_t first_ = 0;  ///< Number of the first record.
  std::deque<Block> blocks_;
  LargeBlock spare_;  ///< Of a block that was emptied.
  std::vector<Place, LargeAllocator<Place>> places_;
  std::size_t octets_ = 0;
  std::uint64_t dropped_early_ = 0;
};

}  // namespace beckon::transaction
