#include "client/incoming/request.hpp"

namespace beckon::client::incoming {

Request::Request(const account::Context& context, transaction::TransactionId id, const transaction::Hop& from,
                 const sip::Message& message)
    : context_(&context), id_(id), from_(from), message_(message), to_tag_(context.random.token(6)) {}

sip::Builder Request::reply(int status, std::string_view reason) const {
  auto builder = sip::Builder::reply(message_, status, to_tag_, reason);
  builder.add(sip::HeaderId::server, "beckon/" BECKON_VERSION);
  return builder;
}

void Request::respond(sip::Builder reply, Now now) const {
  context_->layer.respond(id_, std::move(reply).finish(), now);
}

}  // namespace beckon::client::incoming
