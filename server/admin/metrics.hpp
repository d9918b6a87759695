#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "protocol/transaction/layer.hpp"
#include "server/shard/histogram.hpp"
#include "server/shard/shard.hpp"

namespace beckon::server::admin {

/// What `/metrics` reports, summed over the shards.
struct Metrics {
  Counters counters;
  std::size_t transactions = 0;  ///< Alive now.
  std::size_t registered = 0;    ///< Addresses-of-record with a binding.
  std::size_t bindings = 0;
  std::size_t flows = 0;
  std::size_t nonces = 0;                             ///< Whose counts are remembered.
  std::map<std::string, std::size_t> publications{};  ///< By package.
  std::map<std::pair<std::string, std::string>, std::size_t> subscriptions{};  ///< By package and state.
  std::uint64_t notifies = 0;
  std::map<std::string, std::uint64_t> notify_answers{};  ///< By status, "timeout" or "transport-error".
  transaction::Layer::Resent resent{};
  Histogram latency{};                              ///< From PUBLISH to the last NOTIFY.
  std::size_t messages_waiting = 0;                 ///< Stored, and no device has them.
  std::map<std::string, std::uint64_t> messages{};  ///< Stored ones, by what became of them.
  Duration staleness{};                             ///< The greatest of the shards.
  std::map<std::string, std::size_t> inboxes{};     ///< Tasks that wait, by shard.
  std::size_t store_backlog = 0;                    ///< Of the process.
  Metrics& operator+=(const Metrics& other);
};

/// The text format Prometheus reads (version 0.0.4).
std::string print(const Metrics& metrics);

}  // namespace beckon::server::admin
