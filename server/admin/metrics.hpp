#pragma once

#include <string>

#include "server/shard/shard.hpp"

namespace beckon::server::admin {

/// What `/metrics` reports, summed over the shards.
struct Metrics {
  Counters counters;
  std::size_t transactions = 0;  ///< Alive now.
  std::size_t registered = 0;    ///< Addresses-of-record with a binding.
  std::size_t flows = 0;
  std::size_t nonces = 0;  ///< Whose counts are remembered.
  Metrics& operator+=(const Metrics& other);
};

/// The text format Prometheus reads (version 0.0.4).
std::string print(const Metrics& metrics);

}  // namespace beckon::server::admin
