#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "server/shard/services.hpp"
#include "server/store/store.hpp"
#include "server/subscription/subscription.hpp"

namespace beckon::server::subscription {

/// What the store has of the subscriptions of one shard: their records and the CSeqs reserved with them. It
/// sends nothing and decides nothing about a subscription.
///
/// No NOTIFY leaves with a CSeq that the store has not reserved, or a crash would have it used twice
/// (DESIGN 1.4). Subscriptions to one resource do not wait for one another, as the steps of its sequence do:
/// thousands come back at once after a restart.
class Records {
 public:
  /// Both outlive it.
  Records(Services& services, store::StateStore& store) : services_(services), store_(store) {}

  /// Adds the record of `subscription`, which ends at `expires`, with its next block of CSeqs. They may be
  /// used when the store has the batch: up to the returned one.
  std::uint32_t put(store::Batch& batch, const Subscription& subscription, Time expires) const;
  /// `response` is sent again to a retransmission after a restart.
  void promise(store::Batch& batch, const Request& request, const std::string& response);
  void commit(store::Batch batch, store::RecordStore::Done done);
  /// The subscription is over, whatever the store says: it is owed to it.
  void erase(const Subscription& subscription);

  /// Half of the block is used: the next one is to be reserved.
  static bool is_low(const Subscription& subscription);
  /// All of it is used: nothing can be sent.
  static bool is_used_up(const Subscription& subscription);
  /// Asks for the next block, once at a time, and calls `done` with whether the store has it. The commit is
  /// not a fact of the resource's sequence, where a PUBLISH would wait for it.
  void reserve(Subscription& subscription, std::function<void(bool)> done);
  /// Counts a failure in a row; how long to wait before the store is asked again.
  Duration next_pause(Subscription& subscription);

  store::TimeScale scale() const { return store_.scale(); }

 private:
  Services& services_;
  store::StateStore& store_;
};

}  // namespace beckon::server::subscription
