#include "protocol/transaction/layer.hpp"

#include <cassert>
#include <utility>

#include "protocol/transaction/client_table.hpp"
#include "protocol/transaction/context.hpp"
#include "protocol/transaction/server_table.hpp"

namespace beckon::transaction {

std::pair<std::string_view, std::string_view> cut_request_line(std::string_view request) {
  const auto end = request.find("\r\n");
  assert(end != std::string_view::npos);
  return {request.substr(0, end + 2), request.substr(end + 2)};
}

struct Layer::Impl {
  Context context;
  ClientTable clients{context};
  ServerTable servers{context};
};

Layer::Layer(Config config, Transport& transport, TimerQueue& timers, Clock& clock, Random& random,
             User& user)
    : impl_(new Impl{.context = {std::move(config), transport, timers, clock, random, user}}) {}
Layer::~Layer() = default;

void Layer::receive(const Hop& from, const sip::Message& message, Now now, const sip::ViaView* via,
                    const OnNew& on_new) {
  if (message.is_request())
    impl_->servers.receive(from, message, via, on_new, now);
  else
    impl_->clients.receive(from, message, via, now);
}

bool Layer::retire(const QuickResponse& response, Now now, const Callback<void()>& before) {
  return impl_->clients.retire(response, now, before);
}

void Layer::answer(const Hop& from, const sip::Message& request, std::string_view response,
                   const sip::ViaView* via) {
  impl_->servers.answer(from, request, response, via);
}

std::string Layer::stateless_tag(const sip::Message& request) const {
  return impl_->servers.stateless_tag(request);
}

void Layer::refuse(const Hop& from, const sip::Message& request, int status, std::string_view reason) {
  impl_->servers.refuse(from, request, status, reason);
}

void Layer::respond(TransactionId id, std::string_view response, Now now) {
  impl_->servers.respond(id, response, now);
}

void Layer::release(TransactionId id) { impl_->servers.release(id); }

TransactionId Layer::send(const Draft& draft, const Hop& to, OnOutcome on_outcome, Now now) {
  return impl_->clients.send(draft, to, std::move(on_outcome), now.mono);
}

TransactionId Layer::send(std::string_view request, const Hop& to, OnOutcome on_outcome, Now now,
                          std::string_view branch_part) {
  const auto [line, headers] = cut_request_line(request);
  return send({.line = line, .headers = {&headers, 1}, .branch_part = branch_part}, to, std::move(on_outcome),
              now);
}

void Layer::send_ack(std::string_view ack, const Hop& to, Now now) {
  const auto [line, headers] = cut_request_line(ack);
  impl_->clients.send_ack({.line = line, .headers = {&headers, 1}}, to, now.mono);
}

void Layer::cancel(TransactionId id, std::string_view reason_header, Now now) {
  impl_->clients.cancel(id, reason_header, now);
}

void Layer::on_flow_opened(const Hop& flow) { impl_->clients.on_flow_opened(flow); }

void Layer::on_flow_closed(FlowId flow, Now now) { impl_->clients.on_flow_closed(flow, now); }

std::size_t Layer::size() const { return impl_->clients.size() + impl_->servers.size(); }

Layer::Resent Layer::resent() const { return {impl_->clients.resent(), impl_->servers.resent()}; }

void Layer::dump(const std::function<void(const Row&)>& visit) const {
  impl_->servers.dump(visit);
  impl_->clients.dump(visit);
}

std::string_view to_string(Failure value) {
  switch (value) {
    case Failure::no_ack:
      return "no ACK";
    case Failure::transport_error:
      return "transport error";
  }
  return "";
}

}  // namespace beckon::transaction
