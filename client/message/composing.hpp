#pragma once

#include <cstdint>
#include <optional>

#include "protocol/base/time.hpp"

/// Who is composing a message (RFC 3994). Pure.
namespace beckon::client::message {

/// The user composes a message for one recipient (RFC 3994 3.2, figure 1).
class Composer {
 public:
  enum class Event {
    composing,  ///< The user added something.
    stopped,    ///< The user says so.
    sent,       ///< The message is sent: the recipient needs no other news.
    timer,
  };
  struct Actions {
    std::optional<bool> tell{};   ///< Send a status message: active, or idle.
    std::optional<Time> timer{};  ///< When the timer is due; absent: none.
    bool operator==(const Actions&) const = default;
  };
  static constexpr Duration idle_timeout = 15s;  ///< RFC 3994 3.2
  static constexpr Duration refresh = 60s;       ///< The shortest there should be (RFC 3994 3.2).

  Actions on(Event event, Time now);
  bool is_active() const { return active_; }

 private:
  Actions become_idle(bool tell);

  bool active_ = false;
  Time idle_at_{}, refresh_at_{};
};

/// A peer composes a message for the user (RFC 3994 3.3, figure 2).
class ComposingPeer {
 public:
  static constexpr Duration usual_refresh = 120s;
  /// The longest that is believed, so that nobody types for ever.
  static constexpr Duration longest_refresh = 600s;

  struct Actions {
    std::optional<bool> show{};   ///< The state has changed: active, or idle.
    std::optional<Time> timer{};  ///< When it is idle without further news; absent: it is idle.
    bool operator==(const Actions&) const = default;
  };
  Actions on_status(bool active, std::optional<std::uint32_t> refresh_seconds, Time now);
  /// A message of the peer came, or the timer is due.
  Actions on_idle();
  bool is_active() const { return active_; }

 private:
  bool active_ = false;
};

}  // namespace beckon::client::message
