#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "server/shard/services.hpp"
#include "server/subscription/entity_tags.hpp"
#include "server/subscription/figures.hpp"
#include "server/subscription/index.hpp"
#include "server/subscription/package.hpp"
#include "server/subscription/records.hpp"
#include "server/subscription/subscription.hpp"

namespace beckon::server::subscription {

/// The life of each subscription, from the commit of its SUBSCRIBE to its end: does what its notifier says.
/// It sends NOTIFYs and takes their outcomes, runs the timer, holds NOTIFYs back, and calls package and
/// observers.
class Lifecycle {
 public:
  using Notifier = event::Notifier;
  using Hold = Subscription::Hold;

  /// All referenced things outlive it.
  Lifecycle(Services& services, Sender& sender, Peers& peers, Records& records, Index& index)
      : services_(services), sender_(sender), peers_(peers), records_(records), index_(index) {}

  /// `observer` outlives it.
  void observe(const Package& package, Observer& observer) { observers_.emplace_back(&package, &observer); }
  template <class Event>
  void report(const Package& package, Event event) {
    for (const auto& [observed, observer] : observers_)
      if (observed == &package) event(*observer);
  }
  /// The changes reported so far are complete.
  void settle(const Package& package, Entry& resource, Now now);

  /// The SUBSCRIBE is in the store. What decides may have changed while it was writing, and the connection
  /// may have closed.
  void begin(Subscription& subscription, Time expires, Now now);
  /// A record of it was in the store when the server started. Full state goes out to a watcher that can be
  /// reached, so that nothing needs to be reported besides.
  void begin_restored(Subscription& subscription, Now now);
  /// What the watcher asks for in a SUBSCRIBE that lasts `lifetime`: `known` is the condition of
  /// Suppress-If-Match.
  void wish(Subscription& subscription, std::string_view known, const sip::Rates& rates,
            std::chrono::seconds lifetime, Now now);
  /// The watcher has all that a NOTIFY would say: a SUBSCRIBE in its dialog is answered with 204 (RFC
  /// 5839 6.3).
  bool is_known(Subscription& subscription, Now now);
  /// A SUBSCRIBE in its dialog is in the store. `quiet`: it was answered with 204.
  void refreshed(Subscription& subscription, Time expires, bool quiet, Now now);
  /// That failed, and CSeqs may be missing.
  void refresh_failed(Subscription& subscription, Now now);

  /// Does what its notifier says.
  void perform(Subscription& subscription, const Notifier::Actions& actions, Now now);
  /// Its record goes; the next start knows nothing of it.
  void forget(Subscription& subscription);
  void hold(Subscription& subscription, Hold reason);
  void release(Subscription& subscription, Hold reason, Now now);
  /// NOTIFYs go to `hop` from here on.
  void move(Subscription& subscription, const transaction::Hop& hop, Now now);
  /// The report that a follower sent has arrived.
  void heard(Subscription& subscription, std::uint32_t sent, Now now);
  /// Its connection is gone.
  void lose(Subscription& subscription, Now now);

  /// The subscriptions that a restart left begin now: full state leaves to so many a second.
  void pace(std::uint32_t notifies_per_second);
  const NotifyCounters& counters() const { return counters_; }
  /// The age of the oldest change that a watcher in reach has not got, or has not answered. One that asked
  /// for a pace of its own does not count.
  Duration staleness(Time now) const { return undelivered_.oldest(now); }

 private:
  Notifier make_notifier(const Subscription& subscription, Permission permission, Time expires) const;
  void drop_lost_twins(const Subscription& started, Now now);
  void end(Subscription& subscription, Now now);
  void notify(Subscription& subscription, const Notifier::Notify& notify, Now now);
  void report(Subscription& subscription, const Notifier::Notify& notify, Now now);
  void on_outcome(Subscription& subscription, std::uint32_t sent, const transaction::Outcome& outcome,
                  Now now);
  void on_timer(Subscription& subscription, Now now);
  void take_rates(Subscription& subscription, const sip::Message& response, Now now);
  void arm(Subscription& subscription);
  void reserve(Subscription& subscription);
  void on_reserved(Subscription& subscription, Now now);
  void reserve_later(Subscription& subscription, Now now);
  Time next_place(const Subscription& subscription, Now now);
  void note_due(Subscription& subscription, Time now);
  void note_delivered(Subscription& subscription);
  void count(const transaction::Outcome& outcome);

  Services& services_;
  Sender& sender_;
  Peers& peers_;
  Records& records_;
  Index& index_;
  EntityTags tags_;
  NotifyCounters counters_;
  Ages undelivered_;
  Duration pace_{};                ///< After a restart, between two NOTIFYs.
  Time next_place_ = Time::min();  ///< When the next of them may leave.
  std::vector<std::pair<const Package*, Observer*>> observers_;
};

}  // namespace beckon::server::subscription
