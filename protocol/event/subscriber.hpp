#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/base/time.hpp"
#include "protocol/event/expiry.hpp"
#include "protocol/sip/header.hpp"

namespace beckon::event {

/// The client's side of one subscription (RFC 6665 4.1): asks, refreshes, comes back after an end that is
/// not final, and unsubscribes. It says *when* a SUBSCRIBE goes out; the caller builds it, answers challenges
/// (401, 407) around it, owns the dialog, and checks the order of NOTIFYs with `Dialog::on_request`.
///
///   idle -> notify_wait -> pending <-> active -> (stopping) -> ended
///                   \-> waiting -> notify_wait ...   (a new dialog each time)
class Subscriber {
 public:
  enum class State {
    idle,         ///< Before `start`.
    notify_wait,  ///< SUBSCRIBE sent, no NOTIFY yet.
    pending,      ///< The server waits for somebody's permission.
    active,
    waiting,   ///< Lost; a new subscription is tried at `deadline()`.
    stopping,  ///< Expires 0 sent or due; the final NOTIFY is awaited.
    ended,     ///< By `stop`, or for a reason that forbids to try again: see `reason()`.
  };

  struct Config {
    std::chrono::seconds expires{3600};  ///< To ask for; 0 fetches the state once.
    Duration timer_n =
        32s;  ///< 64*T1: how long the NOTIFY may take that follows each SUBSCRIBE (RFC 6665 4.1.2.4).
    Duration first_retry = 5s;   ///< Pause after a failure; doubled each time...
    Duration max_retry = 30min;  ///< ...up to this.
    /// A subscription that lived this long worked: after it, "at once" means at once, and pauses start anew.
    /// One that ends sooner counts as a failure, so that no server can make us ask in a loop.
    Duration proven = 60s;
  };

  struct Subscribe {
    std::uint32_t expires = 0;  ///< Seconds.
    bool new_dialog = false;    ///< Outside the old dialog: new Call-ID and From tag.
    bool operator==(const Subscribe&) const = default;
  };
  /// What the caller does next, in this order. After every call set one timer to `deadline()`.
  struct Actions {
    bool drop_dialog = false;              ///< Forget the dialog; its further NOTIFYs get 481.
    bool state_changed = false;            ///< Tell the user: `state()`, `reason()`.
    std::optional<Subscribe> subscribe{};  ///< Send it; report its end by `on_response`.
    bool operator==(const Actions&) const = default;
  };

  explicit Subscriber(Config config);

  Actions start(Time now);
  /// Unsubscribes. From `idle` and `waiting` it ends at once.
  Actions stop(Time now);
  /// Asks for full state within the subscription (a gap in a partial document, the network changed); in
  /// `waiting` it tries again now.
  Actions refresh(Time now);

  /// What a final response says. 408 stands for a timeout too, 503 for a transport error.
  struct Response {
    int status = 0;
    std::optional<std::uint32_t> expires{};      ///< Expires of a 2xx, seconds.
    std::optional<std::uint32_t> min_expires{};  ///< Of a 423.
    std::optional<std::uint32_t> retry_after{};
  };
  Actions on_response(const Response& response, Time now);
  /// A NOTIFY of this subscription, in order. The caller answers 200; in `idle`, `waiting` and `ended` 481.
  Actions on_notify(const sip::SubscriptionState& state, Time now);
  Actions on_timer(Time now);

  std::optional<Time> deadline() const;
  State state() const { return state_; }
  /// Why it is `waiting` or `ended`: the reason of the server's last word ("rejected", "deactivated", ...),
  /// or "status 403", "no notify", "expired", "stopped".
  const std::string& reason() const { return reason_; }
  /// NOTIFYs are welcome: a dialog or the wait for one exists.
  bool is_open() const;
  std::optional<Time> expires() const { return expires_; }

 private:
  Actions send(bool new_dialog, std::chrono::seconds expires);
  Actions on_success(const Response& response, Time now);
  Actions on_refused(const Response& response, Time now);
  Actions on_refresh_refused(const Response& response, Time now);
  Actions on_terminated(const sip::SubscriptionState& state, Time now);
  Actions lose(std::string reason, std::optional<Duration> pause, Time now);
  Actions end(std::string reason);
  Actions enter(State state);
  Actions unsubscribe();
  bool raise_expires(const Response& response);
  Actions send_raised(bool new_dialog);
  void grant(std::uint32_t seconds, Time now);

  Config config_;
  std::chrono::seconds ask_;  ///< What to ask for: as configured, or what a 423 demanded.
  State state_ = State::idle;
  std::string reason_;
  Backoff backoff_;  ///< Over subscriptions in a row that came to nothing.
  std::optional<Time> expires_;
  std::optional<Time> refresh_at_;
  std::optional<Time> notify_by_;  ///< Timer N.
  std::optional<Time> retry_at_;
  std::optional<Time> opened_at_;  ///< When the first NOTIFY of this dialog came.
  bool in_flight_ = false;
  bool raised_ = false;         ///< The SUBSCRIBE in flight asks for what a 423 demanded.
  bool notified_ = false;       ///< A NOTIFY came since the last SUBSCRIBE left.
  bool unsubscribing_ = false;  ///< Expires 0 was sent.
  bool again_ = false;          ///< `refresh` was asked for while a SUBSCRIBE was in flight.
};
std::string_view to_string(Subscriber::State state);

}  // namespace beckon::event
