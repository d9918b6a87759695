#include "protocol/transaction/non_invite_server.hpp"

#include <algorithm>

namespace beckon::transaction {

NonInviteServer::NonInviteServer(bool reliable, const Times& times, Time now)
    : times_(times), reliable_(reliable), trying_at_(now + times.late()), end_at_(now + times.timeout()) {}

NonInviteServer::Actions NonInviteServer::on(Event event, Time now) {
  if (event == Event::send_timeout) return {};
  switch (state_) {
    case State::trying:
      return in_trying(event, now);
    case State::proceeding:
      return in_proceeding(event, now);
    case State::completed:
      return in_completed(event, now);
    case State::terminated:
      break;
  }
  return {};
}

NonInviteServer::Actions NonInviteServer::in_trying(Event event, Time now) {
  switch (event) {
    case Event::send_provisional:
      if (!reliable_ && now < trying_at_) return {};  // "MUST NOT be sent [...] until" (RFC 4320 4.1)
      state_ = State::proceeding;
      return {.send_response = true};
    case Event::send_final:
      return complete(now);
    case Event::timer:
      if (now >= end_at_) return terminate({});  // too late to answer (RFC 4320 4.2)
      if (now < trying_at_) return {};
      state_ = State::proceeding;
      return {.send_trying = true};  // "SHOULD respond [...] with a 100" (RFC 4320 4.1)
    case Event::request_again:       // "retransmitted requests are discarded" (17.2.2)
    case Event::send_timeout:
    case Event::transport_error:  // no response was sent yet
      break;
  }
  return {};
}

NonInviteServer::Actions NonInviteServer::in_proceeding(Event event, Time now) {
  switch (event) {
    case Event::request_again:
      return {.resend = true};
    case Event::send_provisional:
      return {.send_response = true};
    case Event::send_final:
      return complete(now);
    case Event::timer:
      return now >= end_at_ ? terminate({}) : Actions{};  // too late to answer (RFC 4320 4.2)
    case Event::transport_error:
      return {.transport_error = true};
    case Event::send_timeout:
      break;
  }
  return {};
}

NonInviteServer::Actions NonInviteServer::in_completed(Event event, Time now) {
  switch (event) {
    case Event::request_again:
      return {.resend = true};
    case Event::timer:
      return now >= end_at_ ? terminate({}) : Actions{};  // timer J
    case Event::transport_error:
      return {.transport_error = true};
    case Event::send_provisional:  // "Any other final responses passed by the TU [...] MUST be discarded"
    case Event::send_final:
    case Event::send_timeout:
      break;
  }
  return {};
}

NonInviteServer::Actions NonInviteServer::complete(Time now) {
  state_ = State::completed;
  end_at_ = now + times_.timeout();
  const Actions actions{.send_response = true};
  return reliable_ ? terminate(actions) : actions;  // timer J is zero on a stream
}

NonInviteServer::Actions NonInviteServer::terminate(Actions actions) {
  state_ = State::terminated;
  actions.destroy = true;
  return actions;
}

std::optional<Time> NonInviteServer::deadline() const {
  if (state_ == State::terminated) return std::nullopt;
  return state_ == State::trying ? std::min(trying_at_, end_at_) : end_at_;
}

std::string_view to_string(NonInviteServer::State state) {
  switch (state) {
    case NonInviteServer::State::trying:
      return "trying";
    case NonInviteServer::State::proceeding:
      return "proceeding";
    case NonInviteServer::State::completed:
      return "completed";
    case NonInviteServer::State::terminated:
      return "terminated";
  }
  return "";
}

}  // namespace beckon::transaction
