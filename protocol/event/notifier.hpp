#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/base/time.hpp"
#include "protocol/sip/header.hpp"

namespace beckon::event {

/// The server's side of one subscription (RFC 6665 4.2). Knows when a NOTIFY is due and with which
/// Subscription-State; the caller composes and sends it inside the subscription's dialog.
///
///   pending --approve--> active;   pending, active --terminate, expiry, NOTIFY refused--> terminated
///
/// One NOTIFY is in flight at a time: changes meanwhile are sent together afterwards, so a slow watcher
/// gets the newest state and never a queue.
class Notifier {
 public:
  enum class State : std::uint8_t { pending, active, terminated };
  /// What the NOTIFY carries. `partial` permits a package to send only what changed since the last NOTIFY
  /// that arrived; `none` is for the end of a subscription that gets no more state.
  enum class Body : std::uint8_t { none, partial, full };

  /// Short: each subscription has its own.
  using Pause = std::chrono::duration<std::uint32_t, std::milli>;
  struct Config {
    /// After a NOTIFY that got no answer (timeout, connection lost, 5xx without Retry-After) the newest state
    /// is sent after this pause, doubled with each further failure: one lost NOTIFY must not kill a
    /// subscription...
    Pause retry_pause = 30s;
    /// ...and after this many in a row the watcher is taken for dead. 1: at once (RFC 6665 4.2.2).
    std::uint8_t max_failures = 3;
    /// Changes are sent at most this often (RFC 6665 5.4.10: each package names its own); changes of the
    /// subscription's own state are sent at once.
    Pause min_interval = 0s;
  };

  struct Notify {
    sip::SubscriptionState state{};
    Body body = Body::none;
    /// No NOTIFY that arrived has said this state, so it must leave even if the watcher has the body (RFC
    /// 5839 6.2).
    bool says_state = false;
    Time last{};  ///< When the one before left.
    bool operator==(const Notify& other) const;
  };
  /// What the caller does next, in this order. After every call set one timer to `deadline()`.
  struct Actions {
    bool terminated = false;         ///< The state just became `terminated`; `reason()` tells why.
    std::optional<Notify> notify{};  ///< Send it; report its end by `on_notify_end`.
    bool destroy = false;            ///< Nothing will be sent any more: forget the subscription.
    bool operator==(const Actions&) const = default;
  };

  /// `expires` from now on; `state` is pending or active. A subscription read from the store starts here too,
  /// followed by `resume`.
  Notifier(Config config, State state, Time expires);

  /// A SUBSCRIBE was accepted (the first, too) with a new end; an `expires` that is not in the future fetches
  /// or unsubscribes. Always answered by a NOTIFY with full state (RFC 6665 4.2.1.2, 4.2.2).
  Actions on_subscribe(Time expires, Time now);
  /// The same for a watcher that has the state it would get: nothing is sent (RFC 5839 6.3).
  Actions on_quiet_subscribe(Time expires, Time now);
  /// `notify` was not sent, as the watcher has what it says.
  void take_back(const Notify& notify);
  /// The watcher's own pace (RFC 6446 5): besides `min_interval`, for urgent changes and `suspend` too. Not
  /// for what follows a SUBSCRIBE, `approve` or the end.
  void set_spacing(Pause spacing);
  /// Nothing has left for as long as the watcher allows: the state goes out, changed or not (RFC 6446 6).
  Actions on_silence(Time now);
  /// The watcher gets full state, not before `when`: the program restarted (the caller spreads them).
  void resume(Time when);
  /// Nothing can be sent: the watcher's connection is gone, or the next CSeq is not stored. What happens
  /// until `release` goes out then, together.
  void hold() { held_ = true; }
  Actions release(Time now);
  /// The NOTIFY in flight went where the watcher no longer is: its end does not matter, full state follows.
  void abandon();
  /// The state of the resource changed. Nothing is sent while pending.
  Actions on_change(Time now);
  /// The same, exempt from `min_interval`: what changed must not wait (a permission was taken back).
  Actions on_urgent_change(Time now);
  /// pending -> active: full state at once.
  Actions approve(Time now);
  /// active -> pending (a rule was taken back): `pending` at once, but for the watcher's own pace.
  Actions suspend(Time now);
  /// Ends it with a final NOTIFY: "rejected", "deactivated", "probation", "giveup", "noresource",
  /// "invariant", "timeout". `reason` is a literal: it is not copied. `retry_after` in seconds, for probation
  /// and giveup.
  Actions terminate(std::string_view reason, std::optional<std::uint32_t> retry_after, Time now);
  /// The end of the NOTIFY in flight. `status` 408 for a timeout and 503 for a transport error; `retry_after`
  /// from the response, in seconds.
  Actions on_notify_end(int status, std::optional<std::uint32_t> retry_after, Time now);
  Actions on_timer(Time now);

  /// When `on_timer` must be called next; absent: never.
  std::optional<Time> deadline() const;
  State state() const { return state_; }
  /// Why it ended; empty before. Local causes use the RFC's words too: "timeout" for expiry, unsubscribing
  /// and dead watchers, "noresource" never.
  std::string_view reason() const { return reason_; }
  Time expires() const { return expires_; }
  bool in_flight() const { return in_flight_; }
  /// A NOTIFY is due that has not been sent...
  bool is_due() const { return wanted_.has_value(); }
  /// ...as nothing can be sent, or not before a time: a pause after a failure, the pace, a restart.
  bool is_held() const { return held_; }
  Time not_before() const { return not_before_; }
  /// NOTIFYs in a row that failed.
  unsigned failures() const { return failures_; }
  /// When the last one left; Time::min() before the first.
  Time last_sent() const { return last_sent_; }
  /// A NOTIFY that arrived has said the state it is in.
  bool has_told_state() const { return told_ == state_ && state_ != State::terminated; }
  /// Nothing keeps `on_silence` from sending.
  bool may_repeat() const { return state_ != State::terminated && !in_flight_ && !held_ && !wanted_; }

 private:
  enum class Haste : std::uint8_t { paced, urgent, at_once };
  Actions want(Body body, Haste haste, Time now);
  Actions send_or_wait(Time now);
  Actions finish(std::string_view reason, Body body, Time now);
  Actions give_up();
  Notify make_notify(Time now) const;

  Time expires_;
  Time not_before_ = Time::min();  ///< Retry pause, pacing, or restart.
  Time last_sent_ = Time::min();
  std::string_view reason_{};
  std::optional<std::uint32_t> retry_after_{};
  Config config_;
  Pause spacing_{};
  State state_;
  std::optional<Body> wanted_{};  ///< What the next NOTIFY carries; absent: none is due.
  std::uint8_t failures_ = 0;
  bool in_flight_ = false;
  bool held_ = false;
  State told_ = State::terminated;  ///< By the last NOTIFY that arrived; `terminated`: none has.
  State sent_{};                    ///< By the last one.
};
std::string_view to_string(Notifier::State state);

/// Does a response to NOTIFY end the subscription (RFC 6665 4.2.2, RFC 5057 5.1)?
bool ends_subscription(int status);

}  // namespace beckon::event
