#pragma once

#include <string>
#include <utility>

#include "protocol/trace/recorder.hpp"

namespace beckon::trace {

/// Stands before a transport and records what is sent; who hears what comes in calls the recorder himself.
class Tap final : public transaction::Transport {
 public:
  Tap(transaction::Transport& transport, Recorder& recorder) : transport_(transport), recorder_(recorder) {}

  void send(const transaction::Hop& hop, transaction::Outgoing message,
            transaction::OnFailed failed) override {
    recorder_.sent(hop, message);
    transport_.send(hop, std::move(message), std::move(failed));
  }
  std::string sent_by(const transaction::Hop& hop) const override { return transport_.sent_by(hop); }

 private:
  transaction::Transport& transport_;
  Recorder& recorder_;
};

}  // namespace beckon::trace
