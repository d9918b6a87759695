#pragma once

#include <functional>
#include <optional>
#include <string_view>

#include "client/account/context.hpp"
#include "client/account/requester.hpp"
#include "protocol/base/timers.hpp"
#include "protocol/stun/message.hpp"

namespace beckon::client::account {

/// Keeps the flow to the server open and detects its failure (RFC 5626 4.4), once the server has promised to
/// answer keep-alives (`outbound` in the Require of a 2xx to REGISTER). Over UDP it sends STUN on the port of
/// SIP (4.4.2); the transport of a stream sends the pings itself (4.4.1), as often as `ping_stream` says.
class KeepAlive {
 public:
  struct Handlers {
    /// Ping this stream at least that often, and close it when no answer comes.
    std::function<void(transaction::FlowId flow, Duration longest)> ping_stream{};
    /// The UDP flow has failed: no answer, an error, or another mapped address behind the NAT. Keep-alives
    /// stop.
    std::function<void(std::string_view why, Now now)> on_failed{};
  };
  /// The longest pauses, unless the user or the server sets others: shorter than the lifetime of NAT bindings
  /// for UDP (RFC 5626 4.4.2) and TCP (4.4.1).
  static constexpr Duration longest_udp = 29s, longest_stream = 120s;
  static constexpr Duration rto = 500ms;       ///< RFC 8489 6.2.1
  static constexpr int requests = 7;           ///< RFC 8489 6.2.1 Rc
  static constexpr int last_wait_in_rto = 16;  ///< RFC 8489 6.2.1 Rm

  KeepAlive(Context& context, Handlers handlers);

  /// A 2xx made or refreshed the binding: keep-alives follow after 5/6 to 1 of the longest pause or of the
  /// server's Flow-Timer, whichever is less. They stop if the server does not promise to answer them.
  void on_registered(const sip::Message& success, Now now);
  void stop();
  /// A STUN message from the network.
  void on_datagram(const Address& from, ByteView datagram, Now now);

 private:
  void keep(const transaction::Hop& to, Time from);
  void ask(Now now);
  void repeat(Now now);
  void on_answer(const stun::Message& answer, Now now);
  void fail(std::string_view why, Now now);

  Context& context_;
  Handlers handlers_;
  Timer timer_;
  Duration longest_{};
  std::optional<transaction::Hop> to_;  ///< The UDP flow that is kept open.
  std::optional<Address> mapped_;       ///< Its mapped address, as the server sees it.
  std::optional<stun::TransactionId> asked_;
  Time asked_at_{};
  int sent_ = 0;  ///< Copies of the request `asked_`.
  Life life_;
};

}  // namespace beckon::client::account
