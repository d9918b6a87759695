#pragma once

#include <optional>
#include <string>
#include <vector>

#include "client/account/account.hpp"
#include "client/control/event.hpp"
#include "protocol/base/random.hpp"
#include "protocol/base/time.hpp"
#include "protocol/base/timers.hpp"
#include "protocol/sip/builder.hpp"
#include "protocol/transaction/layer.hpp"

namespace beckon::client::account {

class Requester;

/// The connection to the server as it stands now.
struct Connection {
  transaction::Hop server;         ///< The destination of every request.
  transaction::FlowId flow = 0;    ///< The stream connection to `server`; 0: none, or UDP.
  transaction::FlowId direct = 0;  ///< The flow on which the server offered direct sessions; 0: none.
  /// The domain's servers in the order to try, with `server` among them (RFC 3263 4.3). Empty: only one is
  /// known.
  std::vector<transaction::Hop> servers{};
  std::size_t failed = 0;  ///< How many of them failed in a row.
  /// Value of Route in requests outside dialogs, as the last 2xx to REGISTER asked for (RFC 3608 6.1); mostly
  /// empty.
  std::string service_route{};
  /// The device's public GRUU while it is registered (RFC 5627 4.2): "sip:alice@example.org;gr=urn:uuid:...".
  /// Empty: the registrar makes none.
  std::string gruu{};
  /// Since the last successful REGISTER the connection ended, or another server was chosen: subscriptions and
  /// publication must be made again.
  bool was_lost = false;

  /// A 2xx to REGISTER or PUBLISH says whether the server offers direct sessions on this connection
  /// (DIRECT_SESSIONS 3.1).
  void take_offer(const sip::Message& success);
  /// Sends later requests to `next`, on a connection of its own.
  void turn_to(const transaction::Hop& next);
  /// `server` has failed: turns to the next one. False if every server has failed since `on_answer`.
  bool fail_over();
  void on_answer() { failed = 0; }
  /// Did a message from there come from the account's own server?
  bool is_server(const transaction::Hop& from) const {
    return from.flow != 0 ? from.flow == flow : from.remote == server.remote;
  }
  bool offers_direct() const { return direct != 0 && direct == flow && is_secure(server.protocol); }
};

/// What the agent provides to its rooms. One per agent; outlives the rooms. One thread.
struct Context {
  const Account& account;
  Connection& connection;
  transaction::Transport& transport;
  transaction::Layer& layer;
  Requester& requester;
  TimerQueue& timers;
  Clock& clock;
  Random& random;
  control::OnEvent emit;
  /// The longest time between two keep-alives, if the user sets one (RFC 5626 4.4).
  std::optional<Duration> keep_alive{};
  /// Dialogs are made with the device's GRUU as Contact (RFC 5627 4.4), where it has one.
  bool has_gruu_contact = true;

  /// The destination of a request: the living connection, so that the request fails when the connection ends;
  /// without one the server's address, which the transport connects to.
  transaction::Hop hop() const;
  /// Value of the own Contact: "<sip:alice@127.0.0.1:40001;transport=tls>".
  std::string contact() const;
  /// Value of Contact in requests that make a dialog, and in it: the GRUU, which reaches this device whatever
  /// connection it has by then (RFC 5627 4.4); else `contact`.
  std::string dialog_contact() const;
  /// A request outside any dialog: From with `from_tag`, To, Call-ID, CSeq, Max-Forwards, User-Agent, and
  /// Route but in a REGISTER.
  sip::Builder request(std::string_view method, std::string_view uri, std::string_view to,
                       std::string_view from_tag, std::string_view call_id, std::uint32_t cseq) const;
};

}  // namespace beckon::client::account
