#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "protocol/base/address.hpp"
#include "protocol/base/keyed_hash.hpp"
#include "protocol/base/large_allocator.hpp"
#include "protocol/base/time.hpp"
#include "protocol/transaction/transport.hpp"

namespace beckon::transaction {

/// The final responses of completed non-INVITE server transactions (RFC 3261 17.2.2): what is left of such a
/// transaction is the response to a copy of its request, until timer J. All are kept equally long,
/// so they end in the order they came, and stand one after another in large blocks: an answer takes its own
/// octets and about 100 more, and no allocation of its own.
class AnswerLog {
 public:
  struct Answer {
    KeyedHash::Wide key;        ///< Of the transaction. Equal hashes stand for equal keys.
    std::string_view response;  ///< As it was sent.
    Protocol protocol = Protocol::udp;
    Address remote, local;       ///< Where it was sent, and from where.
    FlowId flow = 0;             ///< The connection that its request came on; 0: none.
    std::uint64_t identity = 0;  ///< Of the request: its copies have the same.
    Time until;                  ///< Timer J.
  };
  /// How often one answer goes to sources that its request did not come from: as often as a client repeats a
  /// request over UDP (RFC 3261 17.1.2.2).
  static constexpr std::uint8_t max_elsewhere = 10;

  /// Past `max_octets` the oldest answers go early.
  explicit AnswerLog(std::size_t max_octets) : max_octets_(max_octets) {}

  /// `until` never goes back. No answer of that key is kept.
  void add(const Answer& answer);
  /// Views are valid until the next change. Empty when no answer of that key is kept.
  std::optional<Answer> find(const KeyedHash::Wide& key) const;
  /// The answer of that key is given no more.
  void forget(const KeyedHash::Wide& key);
  /// Counts one more sending of that key's answer to another source. False: it is not kept, or was sent
  /// `max_elsewhere` times.
  bool take_elsewhere(const KeyedHash::Wide& key);
  /// Drops the answers that ended by `now`.
  void expire(Time now);
  /// When `expire` has something to do next.
  std::optional<Time> next() const;

  std::size_t size() const { return records_.size(); }            ///< Forgotten ones included.
  std::size_t octets() const { return octets_; }                  ///< Memory taken by blocks.
  std::uint64_t dropped_early() const { return dropped_early_; }  ///< Because the log was full.
  void each(const std::function<void(const Answer&)>& visit) const;

 private:
  struct Record {
    KeyedHash::Wide key;
    Time until;
    const char* text;
    Address remote, local;
    FlowId flow;
    std::uint64_t identity;
    std::uint32_t size;
    Protocol protocol;
    std::uint8_t elsewhere = 0;
    bool is_forgotten = false;  ///< It has no place.
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

  static std::uint32_t tag_of(const KeyedHash::Wide& key) { return static_cast<std::uint32_t>(key.low) | 1; }
  std::size_t home(std::uint32_t tag) const { return (tag >> 1) & (places_.size() - 1); }
  std::size_t after(std::size_t place) const { return (place + 1) & (places_.size() - 1); }
  static Answer read(const Record& record);
  std::optional<std::size_t> place_of(const KeyedHash::Wide& key) const;
  const char* append(std::string_view response);
  void add_block(std::size_t at_least);
  void drop_first();
  void insert(std::uint32_t tag, std::uint32_t number);
  void erase(std::uint32_t tag, std::uint32_t number);
  void grow();

  std::size_t max_octets_;
  std::deque<Record> records_;
  std::uint32_t first_ = 0;  ///< Number of the first record.
  std::deque<Block> blocks_;
  LargeBlock spare_;  ///< The memory of a block that was emptied.
  std::vector<Place, LargeAllocator<Place>> places_;
  std::size_t octets_ = 0;
  std::uint64_t dropped_early_ = 0;
};

}  // namespace beckon::transaction
