#include "protocol/transaction/non_invite_client.hpp"

#include <algorithm>

namespace beckon::transaction {

NonInviteClient::NonInviteClient(bool reliable, const Times& times, Time now)
    : times_(times), reliable_(reliable), interval_(times.t1), end_at_(now + times.timeout()) {
  if (!reliable) retransmit_at_ = now + interval_;
}

NonInviteClient::Actions NonInviteClient::on(Event event, Time now) {
  switch (event) {
    case Event::provisional:
      if (state_ == State::completed || state_ == State::terminated) return {};
      state_ = State::proceeding;
      interval_ = times_.t2;  // taken at the next timer E (17.1.2.2)
      return {.pass_response = true};
    case Event::final:
      return on_final(now);
    case Event::timer:
      return on_timer(now);
    case Event::transport_error:
      return on_transport_error();
  }
  return {};
}

NonInviteClient::Actions NonInviteClient::on_final(Time now) {
  if (state_ == State::completed || state_ == State::terminated) return {};  // a copy: absorbed
  retransmit_at_.reset();
  end_at_ = now + times_.t4;
  state_ = reliable_ ? State::terminated : State::completed;
  return {.pass_response = true, .destroy = reliable_};
}

NonInviteClient::Actions NonInviteClient::on_timer(Time now) {
  if (state_ == State::terminated) return {};
  if (now >= end_at_) {
    const bool unanswered = state_ != State::completed;
    state_ = State::terminated;
    return {.timeout = unanswered, .destroy = true};
  }
  if (!retransmit_at_ || now < *retransmit_at_) return {};
  interval_ = std::min(2 * interval_, times_.t2);
  retransmit_at_ = now + interval_;
  return {.send_request = true};
}

NonInviteClient::Actions NonInviteClient::on_transport_error() {
  // In completed nothing of ours is under way: timer K ends it.
  if (state_ == State::completed || state_ == State::terminated) return {};
  state_ = State::terminated;
  return {.transport_error = true, .destroy = true};
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
