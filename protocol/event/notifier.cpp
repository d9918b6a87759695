#include "protocol/event/notifier.hpp"

#include <algorithm>
#include <utility>

namespace beckon::event {
namespace {

static_assert(sizeof(void*) != 8 || sizeof(Notifier) <= 72, "a million subscriptions have one each");

std::uint32_t seconds_left(Time end, Time now) {
  const auto left = std::chrono::ceil<std::chrono::seconds>(end - now).count();
  return static_cast<std::uint32_t>(std::max<std::int64_t>(left, 0));
}

}  // namespace

Notifier::Notifier(Config config, State state, Time expires)
    : expires_(expires), config_(config), state_(state) {}

Notifier::Actions Notifier::on_subscribe(Time expires, Time now) {
  if (state_ == State::terminated) return {};
  expires_ = expires;
  failures_ = 0;  // the watcher lives
  if (expires <= now) return finish("timeout", Body::full, now);
  return want(Body::full, Haste::at_once, now);
}

Notifier::Actions Notifier::on_quiet_subscribe(Time expires, Time now) {
  if (state_ == State::terminated) return {};
  expires_ = expires;
  failures_ = 0;
  if (expires > now) return {};
  state_ = State::terminated;
  reason_ = "timeout";
  return {.terminated = true, .destroy = true};
}

void Notifier::take_back(const Notify& notify) {
  in_flight_ = false;
  last_sent_ = notify.last;
}

Notifier::Actions Notifier::on_silence(Time now) {
  return may_repeat() ? want(Body::partial, Haste::urgent, now) : Actions{};
}

void Notifier::resume(Time when) {
  wanted_ = Body::full;
  not_before_ = when;
}

Notifier::Actions Notifier::release(Time now) {
  held_ = false;
  return send_or_wait(now);
}

void Notifier::abandon() {
  if (!in_flight_) return;
  in_flight_ = false;
  if (state_ != State::terminated) wanted_ = Body::full;
}

Notifier::Actions Notifier::on_change(Time now) {
  if (state_ != State::active) return {};
  return want(Body::partial, Haste::paced, now);
}

Notifier::Actions Notifier::on_urgent_change(Time now) {
  if (state_ != State::active) return {};
  return want(Body::partial, Haste::urgent, now);
}

Notifier::Actions Notifier::approve(Time now) {
  if (state_ != State::pending) return {};
  state_ = State::active;
  return want(Body::full, Haste::at_once, now);
}

Notifier::Actions Notifier::suspend(Time now) {
  if (state_ != State::active) return {};
  state_ = State::pending;
  return want(Body::full, Haste::urgent, now);
}

Notifier::Actions Notifier::terminate(std::string_view reason, std::optional<std::uint32_t> retry_after,
                                      Time now) {
  if (state_ == State::terminated) return {};
  retry_after_ = retry_after;
  return finish(reason, Body::none, now);
}

Notifier::Actions Notifier::on_notify_end(int status, std::optional<std::uint32_t> retry_after, Time now) {
  if (!in_flight_) return {};
  in_flight_ = false;
  if (state_ == State::terminated) {
    if (!wanted_ || ends_subscription(status)) return {.destroy = true};
    return send_or_wait(now);
  }
  if (status < 300) {
    failures_ = 0;
    told_ = sent_;
    return send_or_wait(now);
  }
  ++failures_;
  if (ends_subscription(status) || failures_ >= config_.max_failures) return give_up();
  wanted_ = Body::full;  // what was lost cannot be built upon
  const unsigned doublings = std::min(failures_ - 1U, 10U);
  not_before_ = now + (retry_after ? Duration(std::chrono::seconds(*retry_after))
                                   : Duration(config_.retry_pause) * (1 << doublings));
  return {};
}

Notifier::Actions Notifier::on_timer(Time now) {
  if (state_ == State::terminated) return {};
  if (now >= expires_) return finish("timeout", Body::none, now);
  return send_or_wait(now);
}

std::optional<Time> Notifier::deadline() const {
  if (state_ == State::terminated) return std::nullopt;
  if (!wanted_ || in_flight_ || held_) return expires_;
  return std::min(not_before_, expires_);
}

Notifier::Actions Notifier::want(Body body, Haste haste, Time now) {
  wanted_ = std::max(wanted_.value_or(Body::none), body);
  const bool has_sent = last_sent_ != Time::min();
  if (haste == Haste::at_once)
    not_before_ = Time::min();
  else if (haste == Haste::urgent)
    not_before_ = has_sent && spacing_ != Pause{} ? last_sent_ + spacing_ : Time::min();
  else if (has_sent)
    not_before_ = std::max(not_before_, last_sent_ + std::max(config_.min_interval, spacing_));
  return send_or_wait(now);
}

void Notifier::set_spacing(Pause spacing) {
  const Pause before = std::exchange(spacing_, spacing);
  // What waits for the old pace waits for the new one.
  if (wanted_ && before != Pause{} && not_before_ == last_sent_ + std::max(config_.min_interval, before))
    not_before_ = last_sent_ + std::max(config_.min_interval, spacing);
}

Notifier::Actions Notifier::send_or_wait(Time now) {
  if (held_ || in_flight_ || !wanted_ || now < not_before_) return {};
  Actions actions{.notify = make_notify(now)};
  in_flight_ = true;
  sent_ = state_;
  last_sent_ = now;
  wanted_.reset();
  not_before_ = Time::min();
  return actions;
}

Notifier::Actions Notifier::finish(std::string_view reason, Body body, Time now) {
  state_ = State::terminated;
  reason_ = reason;
  wanted_ = body;
  not_before_ = Time::min();
  auto actions = send_or_wait(now);
  actions.terminated = true;
  return actions;
}

/// No NOTIFY follows: the watcher does not answer.
Notifier::Actions Notifier::give_up() {
  state_ = State::terminated;
  reason_ = "timeout";
  return {.terminated = true, .destroy = true};
}

Notifier::Notify Notifier::make_notify(Time now) const {
  Notify notify{.body = *wanted_, .says_state = !has_told_state(), .last = last_sent_};
  notify.state.state = to_string(state_);
  if (state_ == State::terminated) {
    notify.state.reason = reason_;
    notify.state.retry_after = retry_after_;
  } else {
    notify.state.expires = seconds_left(expires_, now);
  }
  return notify;
}

bool Notifier::Notify::operator==(const Notify& other) const {
  return body == other.body && sip::print(state) == sip::print(other.state);
}

std::string_view to_string(Notifier::State state) {
  switch (state) {
    case Notifier::State::pending:
      return "pending";
    case Notifier::State::active:
      return "active";
    case Notifier::State::terminated:
      return "terminated";
  }
  return "";
}

bool ends_subscription(int status) {
  switch (status) {
    case 404:
    case 405:
    case 410:
    case 416:
    case 489:
    case 501:
    case 502:  // destroys the dialog (RFC 5057 5.1)
    case 604:
      return true;
    default:
      return status >= 480 && status <= 485;
  }
}

}  // namespace beckon::event
