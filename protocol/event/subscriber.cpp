#include "protocol/event/subscriber.hpp"

#include <algorithm>

#include "protocol/event/notifier.hpp"

namespace beckon::event {
namespace {

std::optional<Duration> as_pause(std::optional<std::uint32_t> seconds) {
  if (!seconds) return std::nullopt;
  return std::chrono::seconds(*seconds);
}

std::string status_reason(int status) { return "status " + std::to_string(status); }

/// Reasons after which "clients SHOULD NOT attempt to re-subscribe" (RFC 6665 4.1.3).
bool is_last_word(std::string_view reason) {
  return reason == "rejected" || reason == "noresource" || reason == "invariant";
}

}  // namespace

Subscriber::Subscriber(Config config)
    : config_(config), ask_(config.expires), backoff_(config.first_retry, config.max_retry) {}

Subscriber::Actions Subscriber::start(Time now) {
  if (state_ != State::idle && state_ != State::ended) return {};
  backoff_.reset();
  if (!in_flight_) return send(/*new_dialog=*/true, ask_);
  retry_at_ = now;  // the answer to an older SUBSCRIBE is still to come
  return enter(State::waiting);
}

Subscriber::Actions Subscriber::stop(Time) {
  switch (state_) {
    case State::idle:
    case State::waiting:
      return end("stopped");
    case State::notify_wait:
    case State::pending:
    case State::active:
      return in_flight_ ? enter(State::stopping) : unsubscribe();
    case State::stopping:
    case State::ended:
      break;
  }
  return {};
}

Subscriber::Actions Subscriber::refresh(Time) {
  if (state_ == State::waiting && !in_flight_) return send(/*new_dialog=*/true, ask_);
  if (state_ != State::pending && state_ != State::active) return {};
  if (!in_flight_) return send(/*new_dialog=*/false, ask_);
  again_ = true;
  return {};
}

Subscriber::Actions Subscriber::on_response(const Response& response, Time now) {
  if (!in_flight_) return {};
  in_flight_ = false;
  switch (state_) {
    case State::idle:
    case State::waiting:
    case State::ended:
      return {};  // it belonged to a subscription that is over
    case State::stopping:
      if (unsubscribing_ && response.status == 204)
        return end("stopped");  // no NOTIFY follows (RFC 5839 5.7)
      if (unsubscribing_ ? response.status < 300 : response.status < 300 || opened_at_) break;
      return end("stopped");
    case State::notify_wait:
      if (response.status >= 300) return on_refused(response, now);
      break;
    case State::pending:
    case State::active:
      if (response.status >= 300) return on_refresh_refused(response, now);
      break;
  }
  return on_success(response, now);
}

Subscriber::Actions Subscriber::on_success(const Response& response, Time now) {
  if (state_ == State::stopping && !unsubscribing_) return unsubscribe();
  // "204: no NOTIFY request will be generated" (RFC 6665 4.1.2.2, RFC 5839).
  if (state_ == State::stopping || (!notified_ && response.status != 204)) notify_by_ = now + config_.timer_n;
  if (state_ == State::stopping) return {};
  // COMPAT: a 2xx without Expires grants what was asked for.
  grant(response.expires.value_or(static_cast<std::uint32_t>(ask_.count())), now);
  if (!std::exchange(again_, false) || state_ == State::notify_wait) return {};
  return send(/*new_dialog=*/false, ask_);
}

Subscriber::Actions Subscriber::on_refused(const Response& response, Time now) {
  if (raise_expires(response)) return send_raised(/*new_dialog=*/true);
  if (may_retry(response.status) || response.retry_after)
    return lose(status_reason(response.status),
                std::max(as_pause(response.retry_after).value_or(0s), Duration(1s)), now);
  return end(status_reason(response.status));
}

/// RFC 6665 4.1.2.2: some answers end the subscription, after the others it lives until it expires.
Subscriber::Actions Subscriber::on_refresh_refused(const Response& response, Time now) {
  if (raise_expires(response)) return send_raised(/*new_dialog=*/false);
  again_ = false;
  if (response.status == 481) return lose(status_reason(481), std::nullopt, now);
  if (ends_subscription(response.status)) {
    if (may_retry(response.status)) return lose(status_reason(response.status), Duration(1s), now);
    return end(status_reason(response.status));
  }
  const Duration left = expires_ ? *expires_ - now : Duration(config_.expires);
  refresh_at_ =
      now + as_pause(response.retry_after).value_or(std::max<Duration>(left / 2, config_.first_retry));
  if (!expires_) grant(static_cast<std::uint32_t>(ask_.count()), now);
  return {};
}

Subscriber::Actions Subscriber::on_notify(const sip::SubscriptionState& state, Time now) {
  if (!is_open()) return {};
  if (state.state == "terminated") return on_terminated(state, now);
  if (!opened_at_) opened_at_ = now;
  if (state_ == State::stopping) return {};
  notified_ = true;
  notify_by_.reset();
  if (state.expires) grant(*state.expires, now);
  return enter(state.state == "pending" ? State::pending : State::active);
}

Subscriber::Actions Subscriber::on_terminated(const sip::SubscriptionState& state, Time now) {
  if (state_ == State::stopping) return end("stopped");
  const auto& reason = state.reason;
  if (is_last_word(reason) || config_.expires == 0s) return end(reason.empty() ? "terminated" : reason);
  if (reason == "deactivated" || reason == "timeout") return lose(reason, std::nullopt, now);
  if (reason == "probation" || reason == "giveup")
    return lose(reason, as_pause(state.retry_after).value_or(config_.first_retry), now);
  return lose(reason.empty() ? "terminated" : reason, as_pause(state.retry_after), now);
}

Subscriber::Actions Subscriber::on_timer(Time now) {
  const auto due = [now](const std::optional<Time>& time) { return time && *time <= now; };
  switch (state_) {
    case State::waiting:
      if (!in_flight_ && due(retry_at_)) return send(/*new_dialog=*/true, ask_);
      break;
    case State::notify_wait:
      if (due(notify_by_)) return lose("no notify", Duration(1s), now);
      break;
    case State::stopping:
      if (due(notify_by_)) return end("stopped");
      break;
    case State::pending:
    case State::active:
      if (in_flight_) break;
      if (due(notify_by_)) return lose("no notify", Duration(1s), now);
      if (due(expires_)) return lose("expired", std::nullopt, now);
      if (due(refresh_at_)) return send(/*new_dialog=*/false, ask_);
      break;
    case State::idle:
    case State::ended:
      break;
  }
  return {};
}

std::optional<Time> Subscriber::deadline() const {
  switch (state_) {
    case State::waiting:
      return in_flight_ ? std::nullopt : retry_at_;
    case State::notify_wait:
    case State::stopping:
      return notify_by_;
    case State::pending:
    case State::active:
      if (in_flight_ || !expires_) return std::nullopt;
      return std::min({refresh_at_.value_or(*expires_), notify_by_.value_or(*expires_), *expires_});
    case State::idle:
    case State::ended:
      break;
  }
  return std::nullopt;
}

bool Subscriber::is_open() const {
  return state_ != State::idle && state_ != State::waiting && state_ != State::ended;
}

Subscriber::Actions Subscriber::send(bool new_dialog, std::chrono::seconds expires) {
  Actions actions;
  if (new_dialog) {
    actions = enter(State::notify_wait);
    opened_at_.reset();
    expires_.reset();
    unsubscribing_ = again_ = false;
    ask_ = std::max(ask_, config_.expires);
  }
  in_flight_ = true;
  raised_ = false;
  notified_ = false;
  retry_at_.reset();
  refresh_at_.reset();
  notify_by_.reset();
  actions.subscribe =
      Subscribe{.expires = static_cast<std::uint32_t>(expires.count()), .new_dialog = new_dialog};
  return actions;
}

Subscriber::Actions Subscriber::unsubscribe() {
  auto actions = send(/*new_dialog=*/false, 0s);
  unsubscribing_ = true;
  actions.state_changed = enter(State::stopping).state_changed;
  return actions;
}

/// `pause` absent: the server invites us at once, and gets us so if the last subscription was no failure.
Subscriber::Actions Subscriber::lose(std::string reason, std::optional<Duration> pause, Time now) {
  if (opened_at_ && now - *opened_at_ >= config_.proven) backoff_.reset();
  const bool first = backoff_.failures() == 0;
  const Duration wait = backoff_.next();
  retry_at_ = now + (pause ? std::max(*pause, wait) : first ? Duration(0s) : wait);
  expires_.reset();
  refresh_at_.reset();
  notify_by_.reset();
  reason_ = std::move(reason);
  state_ = State::waiting;
  return {.drop_dialog = true, .state_changed = true};
}

Subscriber::Actions Subscriber::end(std::string reason) {
  const bool was_open = is_open();
  reason_ = std::move(reason);
  auto actions = enter(State::ended);
  actions.drop_dialog = was_open;
  expires_.reset();
  return actions;
}

Subscriber::Actions Subscriber::enter(State state) {
  const bool changed = std::exchange(state_, state) != state;
  return {.state_changed = changed};
}

Subscriber::Actions Subscriber::send_raised(bool new_dialog) {
  auto actions = send(new_dialog, ask_);
  raised_ = true;
  return actions;
}

/// 423: takes over what the server asks for, once for each attempt; another one is a refusal.
bool Subscriber::raise_expires(const Response& response) {
  if (response.status != 423 || !response.min_expires || raised_) return false;
  const std::chrono::seconds min(*response.min_expires);
  if (min <= ask_ || ask_ == 0s) return false;
  ask_ = min;
  return true;
}

void Subscriber::grant(std::uint32_t seconds, Time now) {
  expires_ = now + std::chrono::seconds(seconds);
  refresh_at_ = refresh_time(now, std::chrono::seconds(seconds));
}

std::string_view to_string(Subscriber::State state) {
  switch (state) {
    case Subscriber::State::idle:
      return "idle";
    case Subscriber::State::notify_wait:
      return "notify_wait";
    case Subscriber::State::pending:
      return "pending";
    case Subscriber::State::active:
      return "active";
    case Subscriber::State::waiting:
      return "waiting";
    case Subscriber::State::stopping:
      return "stopping";
    case Subscriber::State::ended:
      return "ended";
  }
  return "";
}

}  // namespace beckon::event
