#include "protocol/transaction/layer.hpp"

#include "protocol/transaction/client_table.hpp"
#include "protocol/transaction/context.hpp"
#include "protocol/transaction/server_table.hpp"

namespace beckon::transaction {

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
    impl_->clients.receive(from, message, now);
}

void Layer::answer(const Hop& from, const sip::Message& request, std::string response,
                   const sip::ViaView* via) {
  impl_->servers.answer(from, request, std::move(response), via);
}

std::string Layer::stateless_tag(const sip::Message& request) const {
  return impl_->servers.stateless_tag(request);
}

void Layer::refuse(const Hop& from, const sip::Message& request, int status, std::string_view reason) {
  impl_->servers.refuse(from, request, status, reason);
}

void Layer::respond(TransactionId id, std::string response, Now now) {
  impl_->servers.respond(id, std::move(response), now);
}

void Layer::release(TransactionId id) { impl_->servers.release(id); }

TransactionId Layer::send(std::string request, const Hop& to, OnOutcome on_outcome, Now now,
                          std::string_view branch_part, std::string_view branch_prefix) {
  return impl_->clients.send(std::move(request), to, std::move(on_outcome), now.mono, branch_part,
                             branch_prefix);
}

void Layer::send_ack(std::string ack, const Hop& to, Now now) {
  impl_->clients.send_ack(std::move(ack), to, now.mono);
}

void Layer::cancel(TransactionId id, std::string_view reason_header, Now now) {
  impl_->clients.cancel(id, reason_header, now);
}

void Layer::on_flow_closed(FlowId flow, Now now) { impl_->clients.on_flow_closed(flow, now); }

std::size_t Layer::size() const { return impl_->clients.size() + impl_->servers.size(); }

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
