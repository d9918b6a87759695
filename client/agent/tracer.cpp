#include "client/agent/tracer.hpp"

#include "protocol/base/text.hpp"

namespace beckon::client {

using sip::HeaderId;

namespace {

/// "SUBSCRIBE sip:alice@example.org (presence)", "200 OK (SUBSCRIBE)", "NOTIFY sip:… (presence, active)".
std::string summary(const sip::Message& message) {
  if (message.is_response()) {
    const auto cseq = message.cseq();
    return std::to_string(message.status()) + " " + std::string(message.reason()) +
           (cseq ? " (" + cseq->method + ")" : std::string());
  }
  std::string out = std::string(message.method_text()) + " " + std::string(message.request_uri_text());
  if (!message.has(HeaderId::event)) return out;
  out += " (" + std::string(message.header(HeaderId::event));
  if (message.has(HeaderId::subscription_state)) {
    out += ", " + std::string(cut(message.header(HeaderId::subscription_state), ';').first);
  }
  return out + ")";
}

}  // namespace

Tracer::Tracer(transaction::Transport& transport, Clock& clock, control::OnEvent emit, bool enabled)
    : transport_(transport), clock_(clock), emit_(std::move(emit)), enabled_(enabled) {}

void Tracer::send(const transaction::Hop& hop, SharedText message, std::function<void(ErrorCode)> failed) {
  if (enabled_) {
    if (const auto parsed = sip::Message::parse(message)) tell("sent", hop, *parsed, clock_.now());
  }
  transport_.send(hop, std::move(message), std::move(failed));
}

void Tracer::on_received(const transaction::Hop& from, const sip::Message& message, Now now) {
  if (enabled_) tell("received", from, message, now);
}

void Tracer::tell(std::string_view direction, const transaction::Hop& hop, const sip::Message& message,
                  Now now) {
  boost::json::object event = control::make_event("trace", now);
  event["direction"] = direction;
  event["protocol"] = to_lower(transaction::via_name(hop.protocol));
  event["peer"] = print(hop.remote);
  event["summary"] = summary(message);
  event["call_id"] = message.call_id();
  event["cseq"] = message.header(HeaderId::cseq);
  emit_(std::move(event));
}

}  // namespace beckon::client
