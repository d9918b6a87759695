#pragma once

#include <doctest/doctest.h>

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "protocol/sip/message.hpp"
#include "protocol/transaction/transport.hpp"

namespace beckon::test {

/// A SIP message that left.
struct Sent {
  transaction::Hop to;
  sip::Message message;
  std::function<void(ErrorCode)> failed{};  ///< Reports that it has not left after all.
};

/// The network of a unit test: what is sent waits in a list until the test takes it.
class Wire final : public transaction::Transport {
 public:
  void send(const transaction::Hop& hop, transaction::Outgoing outgoing,
            transaction::OnFailed failed) override {
    last_hop = hop;
    auto report = [shared = std::make_shared<transaction::OnFailed>(std::move(failed))](ErrorCode error) {
      if (*shared) (*shared)(error);
    };
    SharedText text = outgoing.join();
    if (static_cast<unsigned char>(text->front()) <= 3) {  // STUN (RFC 7983 7)
      datagrams.emplace_back(*text);
      last_failed = std::move(report);
      return;
    }
    const auto message = sip::Message::parse(std::move(text), {.via = 100});  // a peer may take that many
    REQUIRE(message.has_value());
    sent.push_back({hop, *message, std::move(report)});
  }
  std::string sent_by(const transaction::Hop& hop) const override {
    if (!own_address.empty()) return own_address;
    return transaction::is_secure(hop.protocol) ? "192.0.2.1:5061" : "192.0.2.1:5060";
  }

  /// The oldest message that was not taken yet.
  Sent take() {
    REQUIRE_FALSE(sent.empty());
    Sent first = std::move(sent.front());
    sent.pop_front();
    return first;
  }
  bool is_silent() const { return sent.empty(); }

  std::string own_address;  ///< Of this side, where a test has another than the usual one.
  std::deque<Sent> sent;
  std::vector<std::string> datagrams;          ///< What was not SIP.
  std::function<void(ErrorCode)> last_failed;  ///< Of the newest of them.
  transaction::Hop last_hop;                   ///< Of the newest message or datagram.
};

}  // namespace beckon::test
