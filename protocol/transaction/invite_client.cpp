#include "protocol/transaction/invite_client.hpp"

#include <algorithm>

namespace beckon::transaction {

InviteClient::InviteClient(bool reliable, const Times& times, Time now)
    : times_(times), reliable_(reliable), interval_(times.t1), end_at_(now + times.timeout()) {
  if (!reliable) retransmit_at_ = now + interval_;
}

InviteClient::Actions InviteClient::on(Event event, Time now) {
  switch (event) {
    case Event::provisional:
      return on_provisional(now);
    case Event::success:
      return on_final(true, now);
    case Event::failure:
      return on_final(false, now);
    case Event::timer:
      return on_timer(now);
    case Event::transport_error:
      return on_transport_error();
    case Event::cancel:
      return on_cancel(now);
  }
  return {};
}

InviteClient::Actions InviteClient::on_provisional(Time now) {
  if (state_ != State::calling && state_ != State::proceeding) return {};
  state_ = State::proceeding;
  retransmit_at_.reset();
  if (!cancel_sent_) end_at_ = now + times_.timer_c;
  Actions actions;
  // "If no provisional response has been received, the CANCEL request MUST NOT be sent" (RFC 3261 9.1): now
  // it may.
  if (cancel_wanted_ && !cancel_sent_) actions = send_cancel(now);
  actions.pass_response = true;
  return actions;
}

InviteClient::Actions InviteClient::on_final(bool success, Time now) {
  switch (state_) {
    case State::calling:
    case State::proceeding:
      retransmit_at_.reset();
      end_at_ = now + times_.timeout();
      state_ = success ? State::accepted : State::completed;
      if (success) return {.pass_response = true};
      if (reliable_) state_ = State::terminated;  // timer D is zero
      return {.send_ack = true, .pass_response = true, .destroy = reliable_};
    case State::completed:
      return {.send_ack = !success};
    case State::accepted:
      return {.pass_response = success};
    case State::terminated:
      break;
  }
  return {};
}

InviteClient::Actions InviteClient::on_timer(Time now) {
  if (state_ == State::terminated) return {};
  if (now >= end_at_) {
    if (state_ == State::proceeding && !cancel_sent_) return send_cancel(now);  // timer C
    const bool unanswered = state_ == State::calling || state_ == State::proceeding;
    state_ = State::terminated;
    return {.timeout = unanswered, .destroy = true};
  }
  if (!retransmit_at_ || now < *retransmit_at_) return {};
  interval_ *= 2;
  retransmit_at_ = now + interval_;
  return {.send_request = true};
}

InviteClient::Actions InviteClient::on_transport_error() {
  switch (state_) {
    case State::calling:
    case State::proceeding:
      state_ = State::terminated;
      return {.transport_error = true, .destroy = true};
    case State::completed:
      state_ = State::terminated;
      return {.destroy = true};
    case State::accepted:  // nothing of ours is under way: further 2xx may still come
    case State::terminated:
      break;
  }
  return {};
}

InviteClient::Actions InviteClient::on_cancel(Time now) {
  cancel_wanted_ = true;
  if (state_ != State::proceeding || cancel_sent_) return {};
  return send_cancel(now);
}

/// "If there is no final response for the original request in 64*T1 seconds, the client SHOULD then consider
/// the original transaction cancelled" (RFC 3261 9.1).
InviteClient::Actions InviteClient::send_cancel(Time now) {
  cancel_sent_ = true;
  end_at_ = now + times_.timeout();
  return {.send_cancel = true};
}

std::optional<Time> InviteClient::deadline() const {
  if (state_ == State::terminated) return std::nullopt;
  return retransmit_at_ ? std::min(*retransmit_at_, end_at_) : end_at_;
}

std::string_view to_string(InviteClient::State state) {
  switch (state) {
    case InviteClient::State::calling:
      return "calling";
    case InviteClient::State::proceeding:
      return "proceeding";
    case InviteClient::State::completed:
      return "completed";
    case InviteClient::State::accepted:
      return "accepted";
    case InviteClient::State::terminated:
      return "terminated";
  }
  return "";
}

}  // namespace beckon::transaction
