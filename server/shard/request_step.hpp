#pragma once

#include <string>
#include <utility>

#include "protocol/base/log.hpp"
#include "server/shard/replay.hpp"
#include "server/shard/services.hpp"
#include "server/store/error.hpp"
#include "server/store/sequence.hpp"

namespace beckon::server {

/// A step that a request asks for. It answers the request: with what `promise` was given once the store has
/// the batch, with 503 where too much waits or the client has given up, with 404 where the user was removed
/// meanwhile, with 500 where the store failed.
class RequestStep : public store::Step {
 public:
  /// `services` outlives the step.
  RequestStep(Services& services, RequestPtr request) : services_(services), request_(std::move(request)) {}

  void answer(Now) override { services_.respond(*request_, std::move(response_)); }
  void refuse(ErrorCode why, Now) override {
    log::debug("shard", "{} {} refused: {}", request_->message.method_text(), request_->message.call_id(),
               why.message());
    services_.respond(*request_, store::status_of(why));
  }

 protected:
  const Request& request() const { return *request_; }
  Services& services() const { return services_; }
  /// Ends `prepare` of a step that changes something: `response` is sent once the store has `batch`, and
  /// again to a retransmission after a restart.
  void promise(store::Batch& batch, std::string response) {
    if (batch.is_kept) batch.answer = services_.answer(*request_, batch.aor, response);
    batch.deadline = request_->now.mono + replay_time;
    response_ = std::move(response);
  }

 private:
  Services& services_;
  RequestPtr request_;
  std::string response_;
};

}  // namespace beckon::server
