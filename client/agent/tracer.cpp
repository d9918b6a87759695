#include "client/agent/tracer.hpp"

namespace beckon::client {

using trace::Direction;

void Tracer::send(const transaction::Hop& hop, transaction::Outgoing message, transaction::OnFailed failed) {
  if (tracing_ != Tracing::off) {
    const SharedText text = message.join();
    report({clock_.now(), hop, Direction::sent, {}, text->size(), text, *text});
  }
  transport_.send(hop, std::move(message), std::move(failed));
}

void Tracer::on_received(const transaction::Hop& from, const sip::Message& message, Now now) {
  if (tracing_ == Tracing::off) return;
  report({now, from, Direction::received, {}, message.text().size(), message.shared_text(), message.text()});
}

void Tracer::on_malformed(const transaction::Hop& from, ErrorCode why, std::string_view text, Now now) {
  if (tracing_ != Tracing::off) report({now, from, Direction::received, why, text.size(), {}, text});
}

void Tracer::report(const trace::Entry& entry) {
  trace::Line line = trace::make_line(entry, tracing_ == Tracing::writing ? trace::Detail::writing
                                             : tracing_ == Tracing::full  ? trace::Detail::full
                                                                          : trace::Detail::line);
  line.repeated = repeats_.seen(entry);
  emit_(trace::to_json(line));
}

}  // namespace beckon::client
