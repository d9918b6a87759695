#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "client/account/context.hpp"
#include "client/account/registration.hpp"
#include "client/account/requester.hpp"
#include "client/account/sleep_watch.hpp"
#include "client/agent/tracer.hpp"
#include "client/agent/waits.hpp"
#include "client/archive/copies.hpp"
#include "client/archive/reader.hpp"
#include "client/call/book.hpp"
#include "client/contacts/contacts.hpp"
#include "client/control/cause.hpp"
#include "client/control/command.hpp"
#include "client/direct/keyring.hpp"
#include "client/direct/pins.hpp"
#include "client/direct/sessions.hpp"
#include "client/incoming/dispatcher.hpp"
#include "client/invite/calls.hpp"
#include "client/message/pager.hpp"
#include "client/presence/publication.hpp"
#include "client/presence/subscriptions.hpp"
#include "client/xcap/inbox.hpp"
#include "client/xcap/preview.hpp"
#include "client/xcap/rooms.hpp"
#include "client/xcap/rules.hpp"
#include "client/xcap/watch_log.hpp"

namespace beckon::client {

/// The whole user agent without sockets, clock and files: commands and SIP messages in, SIP messages and
/// events of the contract out. It is the same over real sockets and in the simulation. It joins the rooms and
/// executes the commands; the rooms know the protocols. One thread.
class Agent final : private control::Executor {
 public:
  struct Config {
    account::Account account;
    std::vector<transaction::Hop> servers;  ///< In the order to try (RFC 3263 4.3); at least one.
    std::string server_text;                ///< As the user wrote it, for the "ready" event.
    std::string xcap_root;                  ///< Path of the XCAP root on the server.
    Tracing tracing = Tracing::off;         ///< Events "trace".
    transaction::Times times;
    std::optional<Duration> keep_alive{};  ///< `account::Context::keep_alive`
    bool has_gruu_contact = true;          ///< `account::Context::has_gruu_contact`
    /// How peers take messages, whether they are displayed when they are reported, where the first is stored.
    message::Pager::Options messages{};
    presence::Publication::Kept published{};
    std::string xcap_origin{};  ///< What stands before `xcap_root`: "https://example.org:5443".
    invite::Options invite{};
  };
  /// What the shell provides; outlives the agent.
  struct Edges {
    transaction::Transport& transport;
    TimerQueue& timers;
    Clock& clock;
    Random& random;
    xcap::Http& http;
    direct::Port& port;
    direct::Pins& pins;                     ///< The identities that the user trusts; the agent changes them
    std::function<void()> on_pins_changed;  ///< and asks to store them.
    /// Every server has failed, or this machine may have another address: locate them again and call
    /// `set_servers`.
    std::function<void()> on_all_servers_failed{};
    /// `account::KeepAlive::Handlers::ping_stream`
    std::function<void(transaction::FlowId flow, Duration longest)> ping_stream{};
    /// Null: no calls by INVITE.
    invite::Ports* call_ports = nullptr;
    /// Closes a connection; `on_flow_closed` follows.
    std::function<void(transaction::FlowId flow)> close_flow{};
  };

  Agent(Config config, direct::Keyring keyring, Edges edges, control::OnEvent emit);
  ~Agent() override;

  /// Emits "ready".
  void start(Now now);
  /// The domain's servers, located again; at least one. A living connection is kept.
  void set_servers(std::vector<transaction::Hop> servers);
  /// What sessions play and record before any command `media`.
  void choose_files(const stream::Files& files);
  /// Every command ends with one "result" event that carries its id.
  void execute(const control::Command& command, Now now) { command.execute(*this, now); }
  /// Ends a line that could not be read as a command with a "result" event.
  void refuse(const control::Rejected& rejected, Now now);
  /// `quit` was executed, and publication and registration are removed, or the server did not answer. It does
  /// not wait for the ends of subscriptions.
  bool is_finished() const { return finished_; }

  /// From the network.
  void on_message(const transaction::Hop& from, const sip::Message& message, Now now);
  /// Octets that are not a SIP message: answered with 400 if they can be. `text` is valid during the call.
  void on_malformed(const transaction::Hop& from, ErrorCode why, std::string_view text, Now now);
  void on_flow_opened(const transaction::Hop& flow, Now now);
  void on_flow_closed(transaction::FlowId flow, Now now);
  /// A STUN message on the port of SIP.
  void on_stun(const Address& from, ByteView datagram, Now now) {
    registration_.on_stun(from, datagram, now);
  }
  /// From the port of direct sessions.
  void on_datagram(const Address& from, ByteView datagram, Now now) {
    sessions_.on_datagram(from, datagram, now);
  }
  void on_unreachable(const Address& to, Now now) { sessions_.on_unreachable(to, now); }

 private:
  // control::Executor
  void do_register(const control::Command& command, Now now) override;
  void do_unregister(const control::Command& command, Now now) override;
  void do_publish(const control::Command& command, Now now) override;
  void do_unpublish(const control::Command& command, Now now) override;
  void do_subscribe(const control::Command& command, Now now) override;
  void do_watchers(const control::Command& command, Now now) override;
  void do_welcome(const control::Command& command, Now now) override;
  void do_watch(const control::Command& command, Now now) override;
  void do_unsubscribe(const control::Command& command, Now now) override;
  void do_allow(const control::Command& command, Now now) override;
  void do_block(const control::Command& command, Now now) override;
  void do_politely_block(const control::Command& command, Now now) override;
  void do_confirm(const control::Command& command, Now now) override;
  void do_forget(const control::Command& command, Now now) override;
  void do_rules_show(const control::Command& command, Now now) override;
  void do_view_as(const control::Command& command, Now now) override;
  void do_contacts_list(const control::Command& command, Now now) override;
  void do_contacts_add(const control::Command& command, Now now) override;
  void do_contacts_remove(const control::Command& command, Now now) override;
  void do_contacts_group(const control::Command& command, Now now) override;
  void do_message(const control::Command& command, Now now) override;
  void do_typing(const control::Command& command, Now now) override;
  void do_inbox(const control::Command& command, Now now) override;
  void do_history(const control::Command& command, Now now) override;
  void do_read(const control::Command& command, Now now) override;
  void do_erase(const control::Command& command, Now now) override;
  void do_keep_history(const control::Command& command, Now now) override;
  void do_rooms(const control::Command& command, Now now) override;
  void do_room(const control::Command& command, Now now) override;
  void do_media(const control::Command& command, Now now) override;
  void do_call(const control::Command& command, Now now) override;
  void do_talk(const control::Command& command, Now now) override;
  void do_answer(const control::Command& command, Now now) override;
  void do_reject(const control::Command& command, Now now) override;
  void do_hangup(const control::Command& command, Now now) override;
  void do_hold(const control::Command& command, Now now) override;
  void do_resume(const control::Command& command, Now now) override;
  void do_dtmf(const control::Command& command, Now now) override;
  void do_statistics(const control::Command& command, Now now) override;
  void do_accept_key(const control::Command& command, Now now) override;
  void do_safety_number(const control::Command& command, Now now) override;
  void do_wait_presence(const control::Command& command, Now now) override;
  void do_wait_message(const control::Command& command, Now now) override;
  void do_wait_watcher(const control::Command& command, Now now) override;
  void do_wait_audio(const control::Command& command, Now now) override;
  void do_snapshot(const control::Command& command, Now now) override;
  void do_quit(const control::Command& command, Now now) override;

  /// The end of a command.
  void result(const control::Command& command, control::Cause cause, Now now, int status = 0,
              std::string_view reason = {}, boost::json::object more = {});
  /// The end of a command that a final SIP or HTTP status decides.
  void result_of_status(const control::Command& command, int status, std::string_view reason, Now now,
                        boost::json::object more = {});
  void set_rule(const control::Command& command, std::optional<documents::Verdict> verdict, Now now);
  /// The end of a command that a room's search decides.
  void result_of_call(const control::Command& command, call::Book::Found found, std::string_view what,
                      Now now);
  /// What came of a call that a command asks for: its number, or 0 and why there is none.
  struct Dialling {
    call::Number call = 0;
    control::Cause cause = control::Cause::done;
    std::string why{};
  };
  Dialling dial(const control::Command& command, Now now);
  Dialling dial_invite(const control::Command& command, const std::string& why_not_direct, Now now);
  void fall_back(const control::Command& command, const direct::Fallback& fallback, Now now);
  /// A command `talk` whose call has begun.
  struct Talk {
    control::Command command;
    std::optional<Duration> lasts;  ///< From when both ends have confirmed the call.
    bool was_taken = false;
    bool rang_out = false;
    std::unique_ptr<Timer> timer;
  };
  void begin_talk(const control::Command& command, Now now);
  void follow_talk(const boost::json::object& event, Now now);
  void end_talk(call::Number number, control::Cause cause, const std::string& why, Now now);
  void write_instead(const control::Command& command, control::Cause cause, const std::string& why, Now now);
  bool needs_consent(const control::Command& command) const;
  void warn(std::string_view text, Now now);
  void result_of_call(const control::Command& command, bool found, Now now);
  /// A room's `Done` for a command.
  std::function<void(int status, Now now)> ends(const control::Command& command);
  std::function<void(int status, const std::string& reason, Now now)> ends_with_reason(
      const control::Command& command);
  archive::Reader::Done ends_at_archive(const control::Command& command);
  void show_view(const std::string& watcher, const std::string& rule, const xcap::Preview::View& view,
                 Now now);
  std::optional<Waits::Number> wait_for(const control::Command& command, Waits::Matches matches, Now now);
  void watch_list(const control::Command& command, const std::string& uri, Now now);
  void show_history(const control::Command& command, int status, const std::string& reason,
                    const documents::MessageArchive& page, Now now);
  void show_room(const control::Command& command, const std::string& room);
  void add_room(const control::Command& command, const std::string& room);
  void catch_up_copies(std::uint64_t after);

  bool adopt(const transaction::Hop& from);
  void on_registered(Now now);
  void on_datagrams_failed(std::string_view why, Now now);
  void on_awake(Duration asleep, Now now);
  void report_connection(std::string_view state, std::string_view reason, Now now);
  void greet(const std::string& user, const std::string& contact, Now now);
  void learn_identities(const std::string& of, const documents::Presence& presence, Now now);
  void update_reachability();

  Config config_;
  Edges edges_;
  direct::Keyring keyring_;
  Waits waits_;
  std::map<call::Number, Talk> talks_;
  control::OnEvent emit_;  ///< Tells what waits, too.
  account::Connection connection_;
  Tracer tracer_;
  transaction::Layer layer_;
  account::Requester requester_;
  account::Context context_;
  incoming::Dispatcher dispatcher_;
  account::Registration registration_;
  message::Pager pager_;
  xcap::Rules rules_;
  xcap::Preview preview_;
  xcap::WatchLog watch_log_;
  xcap::Inbox inbox_;
  xcap::Rooms rooms_;
  contacts::Contacts contacts_;
  archive::Reader archive_;
  archive::Copies copies_;
  std::map<std::string, std::string> welcomes_;  ///< Text, by the AOR of the user whose devices get it.
  presence::Subscriptions subscriptions_;
  call::Book book_;
  direct::Sessions sessions_;
  std::optional<invite::Calls> invites_;  ///< Where there are ports.
  presence::Publication publication_;
  account::SleepWatch sleep_watch_;
  bool finished_ = false;
};

}  // namespace beckon::client
