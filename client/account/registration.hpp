#pragma once

#include <deque>
#include <functional>
#include <optional>
#include <string>

#include "client/account/context.hpp"
#include "client/account/keep_alive.hpp"
#include "client/account/requester.hpp"
#include "protocol/base/timers.hpp"

namespace beckon::client::account {

/// This device's binding (RFC 3261 10.2, RFC 5626 4.2). It is registered, refreshed, registered again after
/// the connection was lost or at the domain's next server when one fails (RFC 3263 4.3), and removed. One
/// REGISTER is in flight at a time.
class Registration {
 public:
  enum class State {
    unregistered,
    registering,  ///< Requested, or lost and requested again.
    registered,
    failed,  ///< Refused permanently; the next `start` tries again.
  };
  /// The end of a `start` or `stop`: the final status, 0 without answer. Each is called once.
  using Done = std::function<void(int status, Now now)>;
  /// Called after each 2xx to a REGISTER that made or refreshed the binding.
  using OnRegistered = std::function<void(Now now)>;
  /// Called when every server of the domain has failed: the DNS may know others by now.
  using OnAllFailed = std::function<void()>;

  Registration(Context& context, OnRegistered on_registered, OnAllFailed on_all_failed = {},
               KeepAlive::Handlers keep_alive = {});

  void start(std::uint32_t expires_seconds, Done done, Now now);
  void stop(Done done, Now now);
  /// The connection is lost. If the user wants to be registered, tries again soon, then after rising pauses.
  /// A failure is reported once, and again when it becomes another one.
  void on_connection_lost(Now now);

  /// A STUN message from the network, which may answer a keep-alive.
  void on_stun(const Address& from, ByteView datagram, Now now) {
    keep_alive_.on_datagram(from, datagram, now);
  }

  State state() const { return state_; }

 private:
  /// A REGISTER to be sent.
  struct Order {
    std::uint32_t expires = 0;
    Done done;
    bool raised = false;  ///< To what a 423 asked for.
  };
  void place(Order order, Now now);
  void send(Order order, Now now);
  sip::Builder make(const std::string& uri, std::uint32_t expires);
  void on_final(Order order, int status, const sip::Message* response, Now now);
  bool take_demand(Order& order, int status, const sip::Message* response);
  bool fail_over(int status, const sip::Message* response);
  void on_success(std::uint32_t asked, const sip::Message& response, Now now);
  void on_failure(bool is_asked, int status, const sip::Message* response, Now now);
  std::string reason_of(int status, const sip::Message* response) const;
  void refresh(Time mono);
  void retry_later(Duration at_least, Now now);
  void enter(State state, int status, std::string_view reason, std::uint32_t expires, Now now);

  Context& context_;
  OnRegistered on_registered_;
  OnAllFailed on_all_failed_;
  Timer timer_;
  KeepAlive keep_alive_;
  State state_ = State::unregistered;
  bool wanted_ = false;  ///< The user wants to be registered.
  std::uint32_t asked_ = 0;
  std::string call_id_, tag_;
  std::string contact_;  ///< As the newest REGISTER names it; a new connection has another.
  std::uint32_t cseq_ = 0;
  /// Where a 439 said that the first hop does not know outbound.
  std::optional<transaction::Hop> without_outbound_;
  int failures_ = 0;
  int refused_passwords_ = 0;  ///< In a row, of a password that was accepted once.
  bool accepted_ = false;
  /// The failure that was reported last, and not again while it is tried again and again.
  std::optional<std::pair<int, std::string>> reported_;
  bool in_flight_ = false;
  std::deque<Order> orders_;  ///< They wait for the REGISTER in flight.
  Life life_;
};
const char* to_string(Registration::State state);

}  // namespace beckon::client::account
