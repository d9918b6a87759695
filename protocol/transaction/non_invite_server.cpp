#include "protocol/transaction/non_invite_server.hpp"

#include <algorithm>

namespace beckon::transaction {

NonInviteServer::NonInviteServer(bool reliable, const Times& times, Time now)
    : times_(times), reliable_(reliable), trying_at_(now + times.late()), end_at_(now + times.timeout()) {}

NonInviteServer::Actions NonInviteServer::on(Event event, Time now) {
  switch (event) {
    case Event::request_again:
      return {.resend = state_ == State::proceeding || state_ == State::completed};
    case Event::send_provisional:
      return on_provisional(now);
    case Event::send_final:
      return on_final(now);
    case Event::send_timeout:
      return {};
    case Event::timer:
      return on_timer(now);
  }
  return {};
}

NonInviteServer::Actions NonInviteServer::on_provisional(Time now) {
  if (state_ != State::trying && state_ != State::proceeding) return {};
  if (!reliable_ && now < trying_at_) return {};
  state_ = State::proceeding;
  return {.send_response = true};
}

NonInviteServer::Actions NonInviteServer::on_final(Time now) {
  if (state_ != State::trying && state_ != State::proceeding) return {};
  end_at_ = now + times_.timeout();
  state_ = reliable_ ? State::terminated : State::completed;  // timer J is zero on a stream
  return {.send_response = true, .destroy = reliable_};
}

NonInviteServer::Actions NonInviteServer::on_timer(Time now) {
  if (state_ == State::terminated) return {};
  if (now >= end_at_) {
    state_ = State::terminated;
    return {.destroy = true};
  }
  if (state_ != State::trying || now < trying_at_) return {};
  state_ = State::proceeding;
  return {.send_trying = true};
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
