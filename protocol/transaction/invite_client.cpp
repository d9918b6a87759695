#include "protocol/transaction/invite_client.hpp"

#include <algorithm>

namespace beckon::transaction {

namespace {

/// Of T1: 5 s for a device to be back, as its caller hears ringing meanwhile.
constexpr int reconnect_factor = 10;

}  // namespace

InviteClient::InviteClient(bool reliable, const Times& times, Time now)
    : times_(times), reliable_(reliable), interval_(times.t1), end_at_(now + times.timeout()) {
  if (!reliable) retransmit_at_ = now + interval_;
}

InviteClient::Actions InviteClient::on(Event event, Time now) {
  switch (state_) {
    case State::calling:
      return in_calling(event, now);
    case State::proceeding:
      return in_proceeding(event, now);
    case State::completed:
      return in_completed(event, now);
    case State::accepted:
      return in_accepted(event, now);
    case State::terminated:
      break;
  }
  return {};
}

InviteClient::Actions InviteClient::in_calling(Event event, Time now) {
  switch (event) {
    case Event::timer:
      if (now >= *end_at_) return terminate({.timeout = true});  // timer B
      return resend(now);                                        // timer A
    case Event::transport_error:
    case Event::connection_lost:
      return terminate({.transport_error = true});
    case Event::provisional:
      return proceed(now);
    case Event::success:
      return accept(now);
    case Event::failure:
      return complete(now);
    case Event::cancel:
      // "If no provisional response has been received, the CANCEL request MUST NOT be sent" (9.1).
      cancel_wanted_ = true;
      return {};
  }
  return {};
}

InviteClient::Actions InviteClient::in_proceeding(Event event, Time now) {
  switch (event) {
    case Event::timer:
      if (!end_at_ || now < *end_at_) return {};
      if (is_lost_) return terminate({.transport_error = true});
      // "If there is no final response for the original request in 64*T1 seconds, the client SHOULD then
      // consider the original transaction cancelled" (9.1).
      return terminate({.timeout = true});
    case Event::transport_error:
      return terminate({.transport_error = true});
    case Event::connection_lost:
      return wait(now);
    case Event::provisional:
      return proceed(now);
    case Event::success:
      return accept(now);
    case Event::failure:
      return complete(now);
    case Event::cancel:
      return cancel_sent_ ? Actions{} : send_cancel(now);
  }
  return {};
}

InviteClient::Actions InviteClient::in_completed(Event event, Time now) {
  switch (event) {
    case Event::timer:
      return now >= *end_at_ ? terminate({}) : Actions{};  // timer D
    case Event::transport_error:
      return terminate({.transport_error = true});
    case Event::failure:
      return {.send_ack = true};
    case Event::provisional:
    case Event::success:
    case Event::connection_lost:
    case Event::cancel:
      break;
  }
  return {};
}

InviteClient::Actions InviteClient::in_accepted(Event event, Time now) {
  switch (event) {
    case Event::timer:
      return now >= *end_at_ ? terminate({}) : Actions{};  // timer M
    case Event::success:
      return {.pass_response = true};
    case Event::provisional:
    case Event::failure:
    case Event::transport_error:  // no message of ours is under way: further 2xx may still come
    case Event::connection_lost:
    case Event::cancel:
      break;
  }
  return {};
}

InviteClient::Actions InviteClient::proceed(Time now) {
  state_ = State::proceeding;
  retransmit_at_.reset();
  is_lost_ = false;
  if (!cancel_sent_) end_at_.reset();
  Actions actions;
  if (cancel_wanted_ && !cancel_sent_) actions = send_cancel(now);
  actions.pass_response = true;
  return actions;
}

InviteClient::Actions InviteClient::complete(Time now) {
  state_ = State::completed;
  retransmit_at_.reset();
  end_at_ = now + times_.timeout();
  Actions actions{.send_ack = true, .pass_response = true};
  return reliable_ ? terminate(actions) : actions;  // timer D is zero on a stream
}

InviteClient::Actions InviteClient::accept(Time now) {
  state_ = State::accepted;
  retransmit_at_.reset();
  end_at_ = now + times_.timeout();
  return {.pass_response = true};
}

InviteClient::Actions InviteClient::terminate(Actions actions) {
  state_ = State::terminated;
  actions.destroy = true;
  return actions;
}

InviteClient::Actions InviteClient::resend(Time now) {
  if (!retransmit_at_ || now < *retransmit_at_) return {};
  interval_ *= 2;
  retransmit_at_ = now + interval_;
  return {.send_request = true};
}

InviteClient::Actions InviteClient::send_cancel(Time now) {
  cancel_sent_ = true;
  end_at_ = now + times_.timeout();
  return {.send_cancel = true};
}

/// "If the transport connection is no longer open, the server SHOULD open a connection" for its response (RFC
/// 3261 18.2.2). One that is gone for good opens none.
InviteClient::Actions InviteClient::wait(Time now) {
  is_lost_ = true;
  const Time end = now + reconnect_factor * times_.t1;
  end_at_ = end_at_ ? std::min(*end_at_, end) : end;
  return {};
}

std::optional<Time> InviteClient::deadline() const {
  if (state_ == State::terminated) return std::nullopt;
  return retransmit_at_ ? std::min(*retransmit_at_, *end_at_) : end_at_;
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
