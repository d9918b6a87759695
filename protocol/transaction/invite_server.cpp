#include "protocol/transaction/invite_server.hpp"

#include <algorithm>

namespace beckon::transaction {

InviteServer::InviteServer(bool reliable, const Times& times, Time now)
    : times_(times), reliable_(reliable), interval_(times.t1), again_at_(now + times.trying) {}

InviteServer::Actions InviteServer::on(Event event, Time now) {
  switch (event) {
    case Event::request_again:
      return {.resend = state_ == State::proceeding || state_ == State::completed};
    case Event::ack:
      return on_ack(now);
    case Event::send_provisional:
    case Event::send_success:
    case Event::send_failure:
      return on_send(event, now);
    case Event::timer:
      return on_timer(now);
  }
  return {};
}

InviteServer::Actions InviteServer::on_ack(Time now) {
  if (state_ == State::accepted) return {.pass_ack = true};
  if (state_ != State::completed) return {};
  again_at_.reset();
  end_at_ = now + times_.t4;
  state_ = reliable_ ? State::terminated : State::confirmed;  // timer I is zero on a stream
  return {.destroy = reliable_};
}

InviteServer::Actions InviteServer::on_send(Event event, Time now) {
  if (state_ == State::accepted) return {.send_response = event == Event::send_success};
  if (state_ != State::proceeding) return {};
  again_at_.reset();
  if (event == Event::send_success) {
    state_ = State::accepted;
    end_at_ = now + times_.timeout();
  } else if (event == Event::send_failure) {
    state_ = State::completed;
    end_at_ = now + times_.timeout();
    if (!reliable_) again_at_ = now + interval_;
  }
  return {.send_response = true};
}

InviteServer::Actions InviteServer::on_timer(Time now) {
  if (state_ == State::terminated) return {};
  if (end_at_ && now >= *end_at_) {
    state_ = State::terminated;
    return {.destroy = true};
  }
  if (!again_at_ || now < *again_at_) return {};
  if (state_ == State::proceeding) {
    again_at_.reset();
    return {.send_trying = true};
  }
  interval_ = std::min(2 * interval_, times_.t2);
  again_at_ = now + interval_;
  return {.resend = true};
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
