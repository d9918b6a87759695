#pragma once

#include <optional>
#include <vector>

#include "protocol/base/time.hpp"
#include "protocol/event/notifier.hpp"
#include "protocol/sip/rates.hpp"

namespace beckon::event {

/// Rate control of one subscription (RFC 6446), beside its notifier: what is granted of what the watcher
/// asked for, and when a NOTIFY is due although nothing has changed. Subscriptions without rates have none of
/// it.
class RateControl {
 public:
  /// The history of an adaptive minimum covers this many times the interval it asks for...
  static constexpr std::size_t period_intervals = 8;
  /// ...and counts at most so many NOTIFYs in it.
  static constexpr std::size_t count_max = 32;

  /// `repeat_min`: NOTIFYs without news are at least so far apart; a higher minimum is lowered to that (6.3).
  explicit RateControl(Duration repeat_min) : repeat_min_(repeat_min) {}

  /// Grants `asked` for a subscription that lasts `lifetime`: the maximum is high enough for one NOTIFY in it
  /// (5.3), the minima are not above the maximum, and a minimum not below the adaptive one is dropped (8).
  void grant(sip::Rates asked, std::chrono::seconds lifetime, Time now);
  /// What Subscription-State says.
  const sip::Rates& granted() const { return granted_; }
  /// Of the maximum, for `Notifier::set_spacing`; 0: there is none.
  Notifier::Pause spacing() const;

  /// A NOTIFY left, or would have, were the watcher not in possession of the state.
  void on_sent(Time now);
  /// When `Notifier::on_silence` is to be called; absent: never.
  std::optional<Time> due() const;

 private:
  Duration repeat_min_;
  sip::Rates granted_;
  Time last_{};
  Duration timeout_{};         ///< Of the adaptive minimum (7.4).
  std::vector<Time> history_;  ///< Of the adaptive minimum: NOTIFYs of the last period, oldest first.
};

}  // namespace beckon::event
