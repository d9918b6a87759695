#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/base/time.hpp"
#include "protocol/sip/message.hpp"

namespace beckon::client::invite {

/// Session-Expires (RFC 4028 4).
struct SessionExpires {
  enum class Refresher { unsaid, uac, uas };
  std::uint32_t seconds = 1800;
  Refresher refresher = Refresher::unsaid;
  bool operator==(const SessionExpires&) const = default;
};
/// Empty: absent or malformed.
std::optional<SessionExpires> session_expires_of(const sip::Message& message);
std::string print(const SessionExpires& value);

/// The session timer of one dialog (RFC 4028). Pure: says what is due when; the owner sends.
class SessionTimer {
 public:
  static constexpr std::uint32_t usual = 1800;  ///< "The recommended value" (4).
  static constexpr std::uint32_t least = 90;    ///< "MUST NOT be less than 90 seconds" (4).

  enum class Role { uac, uas };
  enum class Due { refresh, expire };

  /// The 2xx to an INVITE or UPDATE that this end sent as UAC; without Session-Expires nothing expires (7.2).
  void on_success_received(const sip::Message& response, Time now);
  /// What the 2xx of this end says to a request, and begins from now on; empty: nothing (9).
  std::optional<SessionExpires> answer(const sip::Message& request, Time now);
  /// The value of Min-SE in a 422 that refuses `request`; empty: its interval is long enough (9).
  static std::optional<std::uint32_t> too_short(const sip::Message& request);

  /// When `due` has something to say; empty: never.
  std::optional<Time> next() const;
  Due due() const { return refreshes_ ? Due::refresh : Due::expire; }
  /// The Session-Expires of the own refresh, which keeps the roles (7.4).
  SessionExpires request() const;
  /// No answer to a refresh yet: it is not due again before a new interval begins.
  void on_refresh_sent(Time now);

 private:
  void begin(std::uint32_t seconds, bool refreshes, Time now);

  std::optional<std::uint32_t> seconds_;
  bool refreshes_ = false;
  Time began_{};
  bool waits_ = false;  ///< A refresh was sent.
};

}  // namespace beckon::client::invite
