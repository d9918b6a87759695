#pragma once

#include <optional>
#include <string_view>

#include "protocol/transaction/actions.hpp"
#include "protocol/transaction/times.hpp"

namespace beckon::transaction {

/// Non-INVITE client transaction (RFC 3261 17.1.2, figure 6). One function per box of the figure, one case
/// per arrow.
class NonInviteClient {
 public:
  enum class State { trying, proceeding, completed, terminated };
  enum class Event {
    provisional,      ///< 1xx
    final,            ///< 2xx to 6xx
    timer,            ///< `deadline()` has come: timer E, F or K.
    transport_error,  ///< The request could not be sent, or the flow closed.
  };
  using Actions = ClientActions;

  /// The request was sent at `now`. `reliable` is true for all but UDP.
  NonInviteClient(bool reliable, const Times& times, Time now);
  Actions on(Event event, Time now);
  /// When Event::timer is due; empty: never.
  std::optional<Time> deadline() const;
  State state() const { return state_; }

 private:
  Actions in_trying(Event event, Time now);
  Actions in_proceeding(Event event, Time now);
  Actions in_completed(Event event, Time now);

  Actions proceed();
  Actions complete(Time now);
  Actions terminate(Actions actions);
  Actions resend(Time now);

  Times times_;
  bool reliable_;
  State state_ = State::trying;
  Duration interval_;                  ///< Of timer E.
  std::optional<Time> retransmit_at_;  ///< Timer E.
  Time end_at_;                        ///< Timer F until the final response, then K.
};
std::string_view to_string(NonInviteClient::State state);

}  // namespace beckon::transaction
