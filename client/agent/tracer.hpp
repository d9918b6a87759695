#pragma once

#include "client/control/event.hpp"
#include "protocol/trace/line.hpp"
#include "protocol/transaction/transport.hpp"

namespace beckon::client {

/// What the user sees of SIP messages.
enum class Tracing : std::uint8_t {
  off,
  lines,
  full,     ///< Whole messages, but for what people write to each other,
  writing,  ///< and that.
};

/// Wraps the transport and reports every SIP message, sent or received, as an event "trace". Secrets are
/// masked (protocol/trace).
class Tracer final : public transaction::Transport {
 public:
  Tracer(transaction::Transport& transport, Clock& clock, control::OnEvent emit, Tracing tracing)
      : transport_(transport), clock_(clock), emit_(std::move(emit)), tracing_(tracing) {}

  void send(const transaction::Hop& hop, transaction::Outgoing message,
            transaction::OnFailed failed) override;
  std::string sent_by(const transaction::Hop& hop) const override { return transport_.sent_by(hop); }
  void on_received(const transaction::Hop& from, const sip::Message& message, Now now);
  void on_malformed(const transaction::Hop& from, ErrorCode why, std::string_view text, Now now);

 private:
  void report(const trace::Entry& entry);

  transaction::Transport& transport_;
  Clock& clock_;
  control::OnEvent emit_;
  Tracing tracing_;
  trace::Repeats repeats_;
};

}  // namespace beckon::client
