#include "protocol/transaction/invite_server.hpp"

#include <algorithm>

namespace beckon::transaction {

InviteServer::InviteServer(bool reliable, const Times& times, Time now)
    : times_(times), reliable_(reliable), interval_(times.t1), again_at_(now + times.trying) {}

InviteServer::Actions InviteServer::on(Event event, Time now) {
  switch (state_) {
    case State::proceeding:
      return in_proceeding(event, now);
    case State::completed:
      return in_completed(event, now);
    case State::confirmed:
      return in_confirmed(event, now);
    case State::accepted:
      return in_accepted(event, now);
    case State::terminated:
      break;
  }
  return {};
}

InviteServer::Actions InviteServer::in_proceeding(Event event, Time now) {
  switch (event) {
    case Event::request_again:
      return {.resend = true};
    case Event::timer:
      if (!again_at_ || now < *again_at_) return {};
      again_at_.reset();
      return {.send_trying = true};
    case Event::send_provisional:
      again_at_.reset();
      return {.send_response = true};
    case Event::send_success:
      state_ = State::accepted;
      again_at_.reset();
      end_at_ = now + times_.timeout();
      return {.send_response = true};
    case Event::send_failure:
      state_ = State::completed;
      again_at_.reset();
      end_at_ = now + times_.timeout();
      if (!reliable_) again_at_ = now + interval_;
      return {.send_response = true};
    case Event::transport_error:
      return {.transport_error = true};
    case Event::ack:  // too early
      break;
  }
  return {};
}

InviteServer::Actions InviteServer::in_completed(Event event, Time now) {
  switch (event) {
    case Event::request_again:
      return {.resend = true};
    case Event::timer:
      if (now >= *end_at_) return terminate({.no_ack = true});  // timer H
      if (!again_at_ || now < *again_at_) return {};
      interval_ = std::min(2 * interval_, times_.t2);  // timer G
      again_at_ = now + interval_;
      return {.resend = true};
    case Event::ack:
      state_ = State::confirmed;
      again_at_.reset();
      end_at_ = now + times_.t4;
      return reliable_ ? terminate({}) : Actions{};  // timer I is zero on a stream
    case Event::transport_error:
      return {.transport_error = true};
    case Event::send_provisional:  // "Any other final responses passed by the TU [...] are discarded"
    case Event::send_success:
    case Event::send_failure:
      break;
  }
  return {};
}

/// "The purpose of the Confirmed state is to absorb any additional ACK messages" (17.2.1).
InviteServer::Actions InviteServer::in_confirmed(Event event, Time now) {
  return event == Event::timer && now >= *end_at_ ? terminate({}) : Actions{};  // timer I
}

InviteServer::Actions InviteServer::in_accepted(Event event, Time now) {
  switch (event) {
    case Event::send_success:
      return {.send_response = true};
    case Event::ack:
      return {.pass_ack = true};
    case Event::timer:
      return now >= *end_at_ ? terminate({}) : Actions{};  // timer L
    case Event::transport_error:
      return {.transport_error = true};
    case Event::request_again:  // absorbed
    case Event::send_provisional:
    case Event::send_failure:
      break;
  }
  return {};
}

InviteServer::Actions InviteServer::terminate(Actions actions) {
  state_ = State::terminated;
  actions.destroy = true;
  return actions;
}

std::optional<Time> InviteServer::deadline() const {
  if (state_ == State::terminated) return std::nullopt;
  if (!again_at_) return end_at_;
  return end_at_ ? std::min(*again_at_, *end_at_) : *again_at_;
}

std::string_view to_string(InviteServer::State state) {
  switch (state) {
    case InviteServer::State::proceeding:
      return "proceeding";
    case InviteServer::State::completed:
      return "completed";
    case InviteServer::State::confirmed:
      return "confirmed";
    case InviteServer::State::accepted:
      return "accepted";
    case InviteServer::State::terminated:
      return "terminated";
  }
  return "";
}

}  // namespace beckon::transaction
