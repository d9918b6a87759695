#pragma once

#include <optional>
#include <string_view>

#include "protocol/transaction/actions.hpp"
#include "protocol/transaction/times.hpp"

namespace beckon::transaction {

/// INVITE client transaction (RFC 3261 17.1.1; figure 5 as in RFC 6026 8.4). One function per box of the
/// figure, one case per arrow, and CANCEL (9.1), which the figure leaves out. It may ring for ever: its user
/// decides when to give up.
class InviteClient {
 public:
  enum class State { calling, proceeding, completed, accepted, terminated };
  enum class Event {
    provisional,      ///< 1xx
    success,          ///< 2xx
    failure,          ///< 3xx to 6xx
    timer,            ///< `deadline()` has come: timer A, B, D or M, or the end of the wait in proceeding.
    transport_error,  ///< The INVITE or an ACK could not be sent, or the flow closed.
    connection_lost,  ///< The flow closed, and the peer may make another one to us.
    cancel,           ///< The user wants to CANCEL.
  };
  using Actions = ClientActions;

  /// The request was sent at `now`. `reliable` is true for all but UDP.
  InviteClient(bool reliable, const Times& times, Time now);
  Actions on(Event event, Time now);
  /// When Event::timer is due; empty: never.
  std::optional<Time> deadline() const;
  State state() const { return state_; }

 private:
  Actions in_calling(Event event, Time now);
  Actions in_proceeding(Event event, Time now);
  Actions in_completed(Event event, Time now);
  Actions in_accepted(Event event, Time now);

  Actions proceed(Time now);
  Actions complete(Time now);
  Actions accept(Time now);
  Actions terminate(Actions actions);
  Actions resend(Time now);
  Actions send_cancel(Time now);
  Actions wait(Time now);

  Times times_;
  bool reliable_;
  State state_ = State::calling;
  Duration interval_;                  ///< Of timer A.
  std::optional<Time> retransmit_at_;  ///< Timer A.
  /// Timer B in calling, D in completed, M in accepted; in proceeding 64*T1 after the CANCEL or 10*T1 after
  /// the end of the connection, empty before.
  std::optional<Time> end_at_;
  bool cancel_wanted_ = false;
  bool cancel_sent_ = false;
  bool is_lost_ = false;  ///< Its connection; no response has come over another one.
};
std::string_view to_string(InviteClient::State state);

}  // namespace beckon::transaction
