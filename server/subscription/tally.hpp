#pragma once

#include <atomic>
#include <cstdint>
#include <string_view>
#include <vector>

#include "protocol/base/keyed_hash.hpp"

namespace beckon::server::subscription {

/// How many subscriptions watchers have at all shards of a node together. It is the one thing that rooms of
/// several shards count in, so its numbers are atomic. There is one for each of 65 536 groups of watchers:
/// whoever has few subscriptions at a shard is let in, whatever others of the group have (`find_limit`).
class Tally {
 public:
  using Count = std::atomic<std::uint32_t>;

  Tally(std::size_t shards, KeyedHash hash)
      : shards_(static_cast<std::uint32_t>(shards)), hash_(hash), counts_(groups) {}

  std::uint32_t shards() const { return shards_; }
  Count& of(std::string_view watcher) { return counts_[hash_(watcher) % groups]; }

 private:
  static constexpr std::size_t groups = 1U << 16;

  std::uint32_t shards_;
  KeyedHash hash_;
  std::vector<Count> counts_;
};

}  // namespace beckon::server::subscription
