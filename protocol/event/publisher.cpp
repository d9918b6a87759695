#include "protocol/event/publisher.hpp"

#include <algorithm>
#include <utility>

namespace beckon::event {

Publisher::Publisher(Config config)
    : config_(config), ask_(config.expires), backoff_(config.first_retry, config.max_retry) {}

Publisher::Actions Publisher::publish(SharedText document, Time) {
  document_ = std::move(document);
  dirty_ = true;
  if (state_ == State::sending || state_ == State::waiting) return {};
  return send();
}

Publisher::Actions Publisher::remove(Time) {
  document_ = nullptr;
  dirty_ = true;
  if (state_ == State::sending || (state_ == State::waiting && !etag_.empty())) return {};
  return send();
}

Publisher::Actions Publisher::republish(Time) {
  if (!document_) return {};
  dirty_ = true;
  if (state_ == State::sending) return {};
  return send();
}

Publisher::Actions Publisher::on_response(const Response& response, Time now) {
  if (state_ != State::sending) return {};
  status_ = response.status;
  return response.status < 300 ? on_success(response, now) : on_refused(response, now);
}

Publisher::Actions Publisher::on_success(const Response& response, Time now) {
  backoff_.reset();
  etag_ = removing_ ? std::string{} : response.etag;
  if (dirty_ || !document_) return send();
  // COMPAT: a 2xx without Expires, or with 0, grants what was asked for.
  const auto granted = response.expires.value_or(0);
  refresh_at_ = refresh_time(now, granted == 0 ? ask_ : std::chrono::seconds(granted));
  return enter(State::published);
}

Publisher::Actions Publisher::on_refused(const Response& response, Time now) {
  if (response.status == 412 &&
      !initial_) {  // the server does not know it any more: begin anew (RFC 3903 4.3)
    etag_.clear();
    dirty_ = true;
    return send();
  }
  const std::chrono::seconds min(response.min_expires.value_or(0));
  dirty_ = true;  // what was sent did not arrive
  if (response.status == 423 && min > ask_ && !raised_) {
    ask_ = min;
    auto actions = send();
    raised_ = true;
    return actions;
  }
  if (may_retry(response.status) || response.retry_after) {
    const Duration asked = std::chrono::seconds(response.retry_after.value_or(0));
    retry_at_ = now + std::max(asked, backoff_.next());
    return enter(State::waiting);
  }
  if (!removing_) return enter(State::failed);
  etag_.clear();  // refused for good: it goes when its lifetime ends
  return document_ ? send() : enter(State::idle);
}

Publisher::Actions Publisher::on_timer(Time now) {
  if (const auto due = deadline(); !due || *due > now) return {};
  return send();
}

std::optional<Time> Publisher::deadline() const {
  switch (state_) {
    case State::published:
      return refresh_at_;
    case State::waiting:
      return retry_at_;
    case State::idle:
    case State::sending:
    case State::failed:
      break;
  }
  return std::nullopt;
}

/// RFC 3903 4.1, table 1: initial, refresh (no body), modify, remove (no body, Expires 0).
Publisher::Actions Publisher::send() {
  refresh_at_.reset();
  retry_at_.reset();
  if (!document_ && etag_.empty()) {
    dirty_ = false;
    return enter(State::idle);
  }
  raised_ = false;
  removing_ = !document_;
  initial_ = etag_.empty();
  const bool whole = std::exchange(dirty_, false) || initial_;
  auto actions = enter(State::sending);
  actions.request = Request{.if_match = etag_,
                            .expires = removing_ ? 0 : static_cast<std::uint32_t>(ask_.count()),
                            .document = whole ? document_ : nullptr};
  return actions;
}

Publisher::Actions Publisher::enter(State state) {
  const bool changed = std::exchange(state_, state) != state;
  return {.state_changed = changed};
}

std::string_view to_string(Publisher::State state) {
  switch (state) {
    case Publisher::State::idle:
      return "idle";
    case Publisher::State::sending:
      return "sending";
    case Publisher::State::published:
      return "published";
    case Publisher::State::waiting:
      return "waiting";
    case Publisher::State::failed:
      return "failed";
  }
  return "";
}

}  // namespace beckon::event
