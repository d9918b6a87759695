#pragma once

#include <optional>
#include <string_view>

#include "protocol/transaction/actions.hpp"
#include "protocol/transaction/times.hpp"

namespace beckon::transaction {

/// INVITE server transaction (RFC 3261 17.2.1; figure 7 as in RFC 6026 8.6). One function per box of the
/// figure, one case per arrow.
class InviteServer {
 public:
  enum class State { proceeding, completed, confirmed, accepted, terminated };
  enum class Event {
    request_again,     ///< A copy of the INVITE.
    ack,               ///< An ACK that matches the INVITE.
    send_provisional,  ///< The user sends 1xx,
    send_success,      ///< 2xx (each copy of it comes from the user, RFC 3261 13.3.1.4),
    send_failure,      ///< 3xx to 6xx.
    timer,             ///< `deadline()` has come: the 200 ms for 100, timer G, H, I or L.
    transport_error,   ///< A response could not be sent.
  };
  using Actions = ServerActions;

  /// The INVITE arrived at `now`. `reliable` is true for all but UDP.
  InviteServer(bool reliable, const Times& times, Time now);
  Actions on(Event event, Time now);
  /// When Event::timer is due; empty: never.
  std::optional<Time> deadline() const;
  State state() const { return state_; }

 private:
  Actions in_proceeding(Event event, Time now);
  Actions in_completed(Event event, Time now);
  Actions in_confirmed(Event event, Time now);
  Actions in_accepted(Event event, Time now);
  Actions terminate(Actions actions);

  Times times_;
  bool reliable_;
  State state_ = State::proceeding;
  Duration interval_;             ///< Of timer G.
  std::optional<Time> again_at_;  ///< In proceeding: the 100 is due. In completed: timer G.
  std::optional<Time> end_at_;    ///< Timer H in completed, I in confirmed, L in accepted.
};
std::string_view to_string(InviteServer::State state);

}  // namespace beckon::transaction
