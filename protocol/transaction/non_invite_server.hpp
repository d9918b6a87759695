#pragma once

#include <optional>
#include <string_view>

#include "protocol/transaction/actions.hpp"
#include "protocol/transaction/times.hpp"

namespace beckon::transaction {

/// Non-INVITE server transaction (RFC 3261 17.2.2, figure 8; RFC 4320). One function per box of the figure,
/// one case per arrow. Unlike the figure it outlives a transport error: "A server transaction MUST NOT
/// discard transaction state based only on encountering a non-recoverable transport error" (RFC 6026 7.1), or
/// copies of the request would be processed anew. Without a final response it ends after 64*T1: the client no
/// longer waits for a later one (RFC 4320 4.2).
class NonInviteServer {
 public:
  enum class State { trying, proceeding, completed, terminated };
  enum class Event {
    request_again,     ///< A copy of the request.
    send_provisional,  ///< The user sends 100; other 1xx must not be sent (RFC 4320 4.1),
    send_final,        ///< 2xx to 6xx,
    send_timeout,      ///< 408, which must not be sent (RFC 4320 4.2).
    timer,             ///< `deadline()` has come: the 100 is due, or timer J, or it is too late to answer.
    transport_error,   ///< A response could not be sent.
  };
  using Actions = ServerActions;

  /// The request arrived at `now`. `reliable` is true for all but UDP.
  NonInviteServer(bool reliable, const Times& times, Time now);
  Actions on(Event event, Time now);
  /// When Event::timer is due; empty: never.
  std::optional<Time> deadline() const;
  /// Timer J of a completed one. On a stream, where it ended already: for how long its client may repeat it.
  Time end() const { return end_at_; }
  State state() const { return state_; }

 private:
  Actions in_trying(Event event, Time now);
  Actions in_proceeding(Event event, Time now);
  Actions in_completed(Event event, Time now);

  Actions complete(Time now);
  Actions terminate(Actions actions);

  Times times_;
  bool reliable_;
  State state_ = State::trying;
  Time trying_at_;  ///< From here on a 100 may be, and must be, sent (RFC 4320 4.1).
  Time end_at_;     ///< 64*T1 after the request, then timer J.
};
std::string_view to_string(NonInviteServer::State state);

}  // namespace beckon::transaction
