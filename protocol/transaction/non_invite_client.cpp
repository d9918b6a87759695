#include "protocol/transaction/non_invite_client.hpp"

#include <algorithm>

namespace beckon::transaction {

NonInviteClient::NonInviteClient(bool reliable, const Times& times, Time now)
    : times_(times), reliable_(reliable), interval_(times.t1), end_at_(now + times.timeout()) {
  if (!reliable) retransmit_at_ = now + interval_;
}

NonInviteClient::Actions NonInviteClient::on(Event event, Time now) {
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

NonInviteClient::Actions NonInviteClient::in_trying(Event event, Time now) {
  switch (event) {
    case Event::timer:
      if (now >= end_at_) return terminate({.timeout = true});  // timer F
      return resend(now);                                       // timer E
    case Event::transport_error:
      return terminate({.transport_error = true});
    case Event::provisional:
      return proceed();
    case Event::final:
      return complete(now);
  }
  return {};
}

NonInviteClient::Actions NonInviteClient::in_proceeding(Event event, Time now) {
  switch (event) {
    case Event::timer:
      if (now >= end_at_) return terminate({.timeout = true});  // timer F
      return resend(now);                                       // timer E
    case Event::transport_error:
      return terminate({.transport_error = true});
    case Event::provisional:
      return proceed();
    case Event::final:
      return complete(now);
  }
  return {};
}

NonInviteClient::Actions NonInviteClient::in_completed(Event event, Time now) {
  switch (event) {
    case Event::timer:
      return now >= end_at_ ? terminate({}) : Actions{};  // timer K
    case Event::transport_error:                          // no message of ours is under way
    case Event::provisional:
    case Event::final:  // a copy: absorbed
      break;
  }
  return {};
}

NonInviteClient::Actions NonInviteClient::proceed() {
  state_ = State::proceeding;
  interval_ = times_.t2;  // taken at the next timer E (17.1.2.2)
  return {.pass_response = true};
}

NonInviteClient::Actions NonInviteClient::complete(Time now) {
  state_ = State::completed;
  retransmit_at_.reset();
  end_at_ = now + times_.t4;
  Actions actions{.pass_response = true};
  return reliable_ ? terminate(actions) : actions;  // timer K is zero on a stream
}

NonInviteClient::Actions NonInviteClient::terminate(Actions actions) {
  state_ = State::terminated;
  actions.destroy = true;
  return actions;
}

NonInviteClient::Actions NonInviteClient::resend(Time now) {
  if (!retransmit_at_ || now < *retransmit_at_) return {};
  interval_ = std::min(2 * interval_, times_.t2);
  retransmit_at_ = now + interval_;
  return {.send_request = true};
}

std::optional<Time> NonInviteClient::deadline() const {
  if (state_ == State::terminated) return std::nullopt;
  return retransmit_at_ ? std::min(*retransmit_at_, end_at_) : end_at_;
}

std::string_view to_string(NonInviteClient::State state) {
  switch (state) {
    case NonInviteClient::State::trying:
      return "trying";
    case NonInviteClient::State::proceeding:
      return "proceeding";
    case NonInviteClient::State::completed:
      return "completed";
    case NonInviteClient::State::terminated:
      return "terminated";
  }
  return "";
}

}  // namespace beckon::transaction
