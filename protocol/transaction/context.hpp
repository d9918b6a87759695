#pragma once

#include <limits>

#include "protocol/transaction/layer.hpp"

namespace beckon::transaction {

/// To read again what we have made, or taken from a peer under bounds that were his connection's.
inline constexpr sip::Limits no_limits = [] {
  constexpr auto any = std::numeric_limits<std::size_t>::max();
  return sip::Limits{.message = any, .header_lines = any, .line = any, .uri = any, .via = any};
}();

/// What the tables of a layer share; owned by the layer.
struct Context {
  Layer::Config config;
  Transport& transport;
  TimerQueue& timers;
  Clock& clock;
  Random& random;
  User& user;
  TransactionId last_id = 0;
  /// Callbacks of the transport hold it weakly: they may come after the layer is gone.
  std::shared_ptr<int> alive = std::make_shared<int>(0);
};

}  // namespace beckon::transaction
