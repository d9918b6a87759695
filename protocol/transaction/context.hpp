#pragma once

#include "protocol/transaction/layer.hpp"

namespace beckon::transaction {

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
