#pragma once

#include <functional>
#include <optional>
#include <string_view>

#include "client/account/context.hpp"
#include "client/account/requester.hpp"
#include "protocol/base/timers.hpp"
#include "protocol/stun/message.hpp"

namespace beckon::client::account {

/// Keeps the way to the server open, and finds out that it is not (RFC 5626 4.4), once the server has
/// promised to answer (`outbound` in the Require of a 2xx to REGISTER). Over UDP with STUN on the port of SIP
/// (4.4.2); the pings of a stream (4.4.1) are its transport's affair, which is told how often.
class KeepAlive {
 public:
  struct Handlers {
    /// A stream is to be pinged at least that often, and closed when no answer comes.
    std::function<void(transaction::FlowId flow, Duration longest)> ping_stream{};
    /// The UDP flow has failed: no answer, an error, or we are somewhere else behind the NAT. Nothing more is
    /// sent.
    std::function<void(std::string_view why, Now now)> on_failed{};
  };
  /// The longest pauses where neither the user nor the server says another: below what NATs remember of UDP
  /// (RFC 5626 4.4.2), and of TCP (4.4.1).
  static constexpr Duration longest_udp = 29s, longest_stream = 120s;
  static constexpr Duration rto = 500ms;       ///< RFC 8489 6.2.1
  static constexpr int requests = 7;           ///< RFC 8489 6.2.1 Rc
  static constexpr int last_wait_in_rto = 16;  ///< RFC 8489 6.2.1 Rm

  KeepAlive(Context& context, Handlers handlers);

  /// A 2xx made or kept our binding: keep-alives come every 5/6 to 1 of the longest pause or of the server's
  /// Flow-Timer, whichever is less, or no more if the server does not promise to answer them.
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
  std::optional<transaction::Hop> to_;  ///< The UDP flow that is kept.
  std::optional<Address> mapped_;       ///< Where the server has seen us on it.
  std::optional<stun::TransactionId> asked_;
  Time asked_at_{};
  int sent_ = 0;  ///< Of `asked_`.
  Life life_;
};

}  // namespace beckon::client::account
