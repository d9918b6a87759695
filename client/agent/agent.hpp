#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "client/account/context.hpp"
#include "client/account/registration.hpp"
#include "client/account/requester.hpp"
#include "client/agent/tracer.hpp"
#include "client/control/cause.hpp"
#include "client/control/command.hpp"
#include "client/direct/calls.hpp"
#include "client/direct/keyring.hpp"
#include "client/direct/pins.hpp"
#include "client/message/pager.hpp"
#include "client/presence/publication.hpp"
#include "client/presence/subscription.hpp"
#include "client/presence/view.hpp"
#include "client/presence/watchers.hpp"
#include "client/xcap/rules.hpp"

namespace beckon::client {

/// The whole user agent without sockets, clock and files: commands and SIP messages in, SIP messages and
/// events of the contract out. The same behind real sockets and in the simulation. One thread.
class Agent final : public transaction::User {
 public:
  struct Config {
    account::Account account;
    std::vector<transaction::Hop> servers;  ///< In the order to try (RFC 3263 4.3); at least one.
    std::string server_text;                ///< As the user wrote it, for the "ready" event.
    std::string xcap_root;                  ///< Path of the XCAP root on the server.
    Tracing tracing = Tracing::off;         ///< Events "trace".
    transaction::Times times;
    std::optional<Duration> keep_alive{};  ///< `account::Context::keep_alive`
  };
  /// What the shell lends; outlives the agent.
  struct Edges {
    transaction::Transport& transport;
    TimerQueue& timers;
    Clock& clock;
    Random& random;
    xcap::Http& http;
    direct::Port& port;
    direct::Pins& pins;                     ///< What the user trusts; changed here,
    std::function<void()> on_pins_changed;  ///< and then to be stored.
    /// No server answers any more: locate them again and call `set_servers`.
    std::function<void()> on_all_servers_failed{};
    /// `account::KeepAlive::Handlers::ping_stream`
    std::function<void(transaction::FlowId flow, Duration longest)> ping_stream{};
  };

  Agent(Config config, direct::Keyring keyring, Edges edges, control::OnEvent emit);
  ~Agent() override;

  /// Emits "ready".
  void start(Now now);
  /// The domain's servers, located anew; at least one. The connection that lives is kept.
  void set_servers(std::vector<transaction::Hop> servers);
  /// What sessions to come play and record, before any command `media`.
  void choose_files(stream::Files files) { calls_.choose_files(std::move(files)); }
  /// Every command ends with one "result" event that carries its id.
  void execute(const control::Command& command, Now now);
  /// Tells why a line could not be read as a command.
  void refuse(const control::Rejected& rejected, Now now);
  /// `quit` was executed and everything was taken back (or could not be).
  bool is_finished() const { return finished_; }

  /// From the network.
  void on_message(const transaction::Hop& from, const sip::Message& message, Now now);
  /// Octets that are no SIP message: 400 where it can be answered. `text` is valid during the call.
  void on_malformed(const transaction::Hop& from, ErrorCode why, std::string_view text, Now now);
  void on_flow_opened(const transaction::Hop& flow, Now now);
  void on_flow_closed(transaction::FlowId flow, Now now);
  /// A STUN message on the port of SIP.
  void on_stun(const Address& from, ByteView datagram, Now now) {
    registration_.on_stun(from, datagram, now);
  }
  /// From the port of direct sessions.
  void on_datagram(const Address& from, ByteView datagram, Now now) {
    calls_.on_datagram(from, datagram, now);
  }
  void on_unreachable(const Address& to, Now now) { calls_.on_unreachable(to, now); }

 private:
  using Key = std::pair<std::string, std::string>;  ///< Whom, package.
  using Subscriptions = std::map<Key, std::unique_ptr<presence::Subscription>>;
  using Handler = void (Agent::*)(const control::Command&, Now);

  // transaction::User
  void on_request(transaction::TransactionId id, const transaction::Hop& from, const sip::Message& request,
                  Now now) override;
  void on_ack(const transaction::Hop&, const sip::Message&, Now) override {}
  void on_cancel(transaction::TransactionId, const sip::Message&, Now) override {}
  void on_response(const transaction::Hop&, const sip::Message&, Now) override {}

  void do_register(const control::Command& command, Now now);
  void do_unregister(const control::Command& command, Now now);
  void do_publish(const control::Command& command, Now now);
  void do_unpublish(const control::Command& command, Now now);
  void do_subscribe(const control::Command& command, Now now);
  void do_unsubscribe(const control::Command& command, Now now);
  void do_allow(const control::Command& command, Now now);
  void do_block(const control::Command& command, Now now);
  void do_forget(const control::Command& command, Now now);
  void do_message(const control::Command& command, Now now);
  void do_media(const control::Command& command, Now now);
  void do_call(const control::Command& command, Now now);
  void do_answer(const control::Command& command, Now now);
  void do_reject(const control::Command& command, Now now);
  void do_hangup(const control::Command& command, Now now);
  void do_statistics(const control::Command& command, Now now);
  void do_accept_key(const control::Command& command, Now now);
  void do_safety_number(const control::Command& command, Now now);
  void do_snapshot(const control::Command& command, Now now);
  void do_quit(const control::Command& command, Now now);
  static Handler handler_of(std::string_view command);

  /// The end of a command.
  void result(const control::Command& command, control::Cause cause, Now now, int status = 0,
              std::string_view reason = {}, boost::json::object more = {});
  /// The end of a command that a final SIP or HTTP status decides.
  void result_of_status(const control::Command& command, int status, std::string_view reason, Now now);
  void set_rule(const control::Command& command, std::optional<documents::Verdict> verdict, Now now);
  void adopt(transaction::FlowId flow);
  bool is_server(const transaction::Hop& from) const;
  int handle(const transaction::Hop& from, const sip::Message& request, Now now);
  void on_registered(Now now);
  void on_datagrams_failed(std::string_view why, Now now);
  void tell_connection(std::string_view state, std::string_view reason, Now now);
  void on_subscription_changed(const Key& key, Now now);
  void on_presence(const std::string& of, const sip::Message& notify, Now now);
  void on_winfo(const sip::Message& notify, Now now);
  /// Something the user should know.
  void warn(const std::string& text, Now now);
  void learn_identities(const std::string& of, const documents::Presence& presence, Now now);
  int answer_notify(const sip::Message& notify, Now now);
  void drop_ended();
  void update_reachability();
  presence::IsVerified is_verified() const;
  boost::json::array presence_json() const;
  boost::json::array subscriptions_json() const;

  Config config_;
  Edges edges_;
  direct::Keyring keyring_;
  control::OnEvent emit_;
  account::Connection connection_;
  Tracer tracer_;
  transaction::Layer layer_;
  account::Requester requester_;
  account::Context context_;
  account::Registration registration_;
  message::Pager pager_;
  xcap::Rules rules_;
  presence::Watchers watchers_;
  Subscriptions subscriptions_;
  std::vector<std::unique_ptr<presence::Subscription>> replaced_;  ///< Ended, and asked for anew since.
  Timer drop_timer_;  ///< Ended subscriptions go when nobody on the stack knows them.
  std::map<std::string, documents::Presence> presences_;  ///< Current documents of active subscriptions.
  direct::Calls calls_;
  presence::Publication publication_;
  bool finished_ = false;
};

}  // namespace beckon::client
