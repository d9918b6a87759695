#pragma once

#include <optional>
#include <string_view>

#include "protocol/transaction/actions.hpp"
#include "protocol/transaction/times.hpp"

namespace beckon::transaction {

/// INVITE client transaction (RFC 3261 17.1.1, with the accepted state of RFC 6026 7.2 and figure 4).
class InviteClient {
 public:
  enum class State { calling, proceeding, completed, accepted, terminated };
  enum class Event {
    provisional,      ///< 1xx
    success,          ///< 2xx
    failure,          ///< 3xx to 6xx
    timer,            ///< `deadline()` has come: timer A, B, C, D or M.
    transport_error,  ///< The INVITE or an ACK could not be sent, or the flow is gone.
    cancel,           ///< The user wants to CANCEL.
  };
  using Actions = ClientActions;

  /// The request was sent at `now`. `reliable` is true for all but UDP.
  InviteClient(bool reliable, const Times& times, Time now);
  Actions on(Event event, Time now);
  /// When Event::timer is due; nothing: never.
  std::optional<Time> deadline() const;
  State state() const { return state_; }

 private:
  Actions on_provisional(Time now);
  Actions on_final(bool success, Time now);
  Actions on_timer(Time now);
  Actions on_transport_error();
  Actions on_cancel(Time now);
  Actions send_cancel(Time now);

  Times times_;
  bool reliable_;
  State state_ = State::calling;
  Duration interval_;                  ///< Of timer A.
  std::optional<Time> retransmit_at_;  ///< Timer A.
  Time end_at_;  ///< Timer B in calling, C in proceeding, D in completed, M in accepted.
  bool cancel_wanted_ = false;
  bool cancel_sent_ = false;
};
std::string_view to_string(InviteClient::State state);

}  // namespace beckon::transaction
