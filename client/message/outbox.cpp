#include "client/message/outbox.hpp"

namespace beckon::client::message {

using sip::HeaderId;

namespace {

/// Octets of the Via that the transaction layer adds, with an IPv6 address.
constexpr std::size_t via_size = 130;

}  // namespace

sip::Builder Outbox::make(const Request& request, std::uint32_t cseq) const {
  // The tag stays the same in all requests of one Call-ID.
  auto builder = context_.request("MESSAGE", request.to, request.to, request.call_id.substr(0, 16),
                                  request.call_id, cseq);
  if (request.expires) builder.add(HeaderId::expires, *request.expires);
  return builder;
}

bool Outbox::fits(const Request& request) const {
  const std::size_t size = make(request, request.cseq).finish(request.content_type, request.body).size();
  return size + via_size + context_.requester.credentials_size(request.to) <= request_max;
}

bool Outbox::send(Request request, Now now) {
  if (size_ == requests_max) return false;
  ++size_;
  const std::string to = request.to;
  auto& queue = queues_[to];
  queue.push_back(std::move(request));
  if (queue.size() == 1) start(to, now);
  return true;
}

void Outbox::send_next(Request request, Now now) {
  const auto queue = queues_.find(request.to);
  if (queue == queues_.end()) {
    (void)send(std::move(request), now);
    return;
  }
  ++size_;
  queue->second.insert(queue->second.begin() + 1, std::move(request));
}

/// Sends the first request to `to`.
void Outbox::start(const std::string& to, Now now) {
  const Request& first = queues_.at(to).front();
  account::Requester::Request request{.method = sip::Method::message,
                                      .uri = to,
                                      .make = {},
                                      .content_type = first.content_type,
                                      .body = share(first.body),
                                      .owner = life_.watch()};
  // Its own copy: the answer may come after the request has left the queue.
  request.make = [this, to, call_id = first.call_id, expires = first.expires, on_made = first.on_made,
                  cseq = first.cseq]() mutable {
    if (on_made) on_made(cseq);
    return make({.to = to, .call_id = call_id, .expires = expires}, cseq++);
  };
  context_.requester.send(
      std::move(request), context_.hop(),
      [this, to](int status, const sip::Message* response, Now at) { on_final(to, status, response, at); },
      now);
}

void Outbox::on_final(const std::string& to, int status, const sip::Message* response, Now now) {
  // It keeps its place while `done` runs, so that what `done` sends to this URI goes before what waits.
  const Done done = std::move(queues_.at(to).front().done);
  done(status, response, now);
  const auto queue = queues_.find(to);
  queue->second.pop_front();
  --size_;
  if (queue->second.empty())
    queues_.erase(queue);
  else
    start(to, now);
}

}  // namespace beckon::client::message
