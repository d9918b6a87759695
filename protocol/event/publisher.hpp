#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "protocol/base/bytes.hpp"
#include "protocol/base/time.hpp"
#include "protocol/event/expiry.hpp"

namespace beckon::event {

/// The client's side of one publication (RFC 3903 4): publishes the newest document, keeps it alive, and
/// removes it. One PUBLISH is in flight at a time; documents given meanwhile replace each other. The caller
/// builds the request and answers challenges (401, 407) around it.
class Publisher {
 public:
  enum class State {
    idle,     ///< Nothing is published and nothing is to be.
    sending,  ///< A PUBLISH is in flight.
    published,
    waiting,  ///< The last one failed; tried again at `deadline()`.
    failed,   ///< Refused for good (`status()`); the next `publish` tries again.
  };

  struct Config {
    std::chrono::seconds expires{3600};
    Duration first_retry = 5s;   ///< Pause after a failure; doubled each time...
    Duration max_retry = 30min;  ///< ...up to this.
  };

  struct Request {
    std::string if_match{};  ///< SIP-If-Match; empty: initial publication.
    std::uint32_t expires = 0;
    SharedText document{};  ///< Null: no body (refresh, remove).
    bool operator==(const Request&) const = default;
  };
  /// What the caller does next. After every call set one timer to `deadline()`.
  struct Actions {
    bool state_changed = false;
    std::optional<Request> request{};  ///< Send it; report its end by `on_response`.
    bool operator==(const Actions&) const = default;
  };

  explicit Publisher(Config config);

  /// The server may hold what this device published before its program ended: the first request changes or
  /// removes that, and begins anew where it does not (412). Before the first request.
  void resume(std::string etag) { etag_ = std::move(etag); }
  /// Publishes `document` (never null), or replaces what is published by it.
  Actions publish(SharedText document, Time now);
  Actions remove(Time now);
  /// Sends the whole document anew now (the network changed, the server lost it).
  Actions republish(Time now);

  /// What a final response says. 408 stands for a timeout too, 503 for a transport error.
  struct Response {
    int status = 0;
    std::string etag{};                          ///< SIP-ETag of a 2xx.
    std::optional<std::uint32_t> expires{};      ///< Expires of a 2xx, seconds.
    std::optional<std::uint32_t> min_expires{};  ///< Of a 423.
    std::optional<std::uint32_t> retry_after{};
  };
  Actions on_response(const Response& response, Time now);
  Actions on_timer(Time now);

  std::optional<Time> deadline() const;
  State state() const { return state_; }
  int status() const { return status_; }  ///< Of the last final response.
  const std::string& etag() const { return etag_; }

 private:
  Actions send();
  Actions on_success(const Response& response, Time now);
  Actions on_refused(const Response& response, Time now);
  Actions enter(State state);

  Config config_;
  std::chrono::seconds ask_;  ///< What to ask for: as configured, or what a 423 demanded.
  State state_ = State::idle;
  int status_ = 0;
  std::string etag_;       ///< Of what the server holds; empty: nothing we know of.
  SharedText document_;    ///< The newest; null: nothing is to be published.
  bool dirty_ = false;     ///< `document_` (or its absence) is not what was sent last.
  bool removing_ = false;  ///< What is in flight is a removal.
  bool initial_ = false;   ///< What is in flight names no entity-tag.
  bool raised_ = false;    ///< What is in flight asks for what a 423 demanded; another is a refusal.
  Backoff backoff_;
  std::optional<Time> refresh_at_;
  std::optional<Time> retry_at_;
};
std::string_view to_string(Publisher::State state);

}  // namespace beckon::event
