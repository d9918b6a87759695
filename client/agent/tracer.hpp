#pragma once

#include "client/control/event.hpp"
#include "protocol/sip/message.hpp"
#include "protocol/transaction/transport.hpp"

namespace beckon::client {

/// Stands before the transport and tells of every SIP message that leaves or comes, one line each, without
/// headers or bodies: nothing secret is in it.
class Tracer final : public transaction::Transport {
 public:
  Tracer(transaction::Transport& transport, Clock& clock, control::OnEvent emit, bool enabled);

  void send(const transaction::Hop& hop, SharedText message, std::function<void(ErrorCode)> failed) override;
  std::string sent_by(const transaction::Hop& hop) const override { return transport_.sent_by(hop); }
  void on_received(const transaction::Hop& from, const sip::Message& message, Now now);

 private:
  void tell(std::string_view direction, const transaction::Hop& hop, const sip::Message& message, Now now);

  transaction::Transport& transport_;
  Clock& clock_;
  control::OnEvent emit_;
  bool enabled_;
};

}  // namespace beckon::client
