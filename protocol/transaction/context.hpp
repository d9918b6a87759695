#pragma once

#include <limits>

#include "protocol/transaction/layer.hpp"

namespace beckon::transaction {

/// To read again what we made ourselves, or accepted from a peer under the limits of its connection.
inline constexpr sip::Limits no_limits = [] {
  constexpr auto any = std::numeric_limits<std::size_t>::max();
  return sip::Limits{.message = any, .header_lines = any, .line = any, .uri = any, .via = any};
}();

/// What the tables of a layer share. The layer owns it.
struct Context {
  Layer::Config config;
  Transport& transport;
  TimerQueue& timers;
  Clock& clock;
  Random& random;
  User& user;
  /// Callbacks of the transport hold it weakly: they may be called after the layer is gone.
  std::shared_ptr<int> alive = std::make_shared<int>(0);
};

}  // namespace beckon::transaction
