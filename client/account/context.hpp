#pragma once

#include <optional>
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
  transaction::Hop server;         ///< Where every request of the account goes.
  transaction::FlowId flow = 0;    ///< The stream connection messages came in on last; 0: none (or UDP).
  transaction::FlowId direct = 0;  ///< The flow on which the server offered direct sessions; 0: none.
  /// The domain's servers in the order to try, `server` among them (RFC 3263 4.3). Empty: there is only one.
  std::vector<transaction::Hop> servers{};
  std::size_t failed = 0;  ///< Of them in a row.
  /// It ended, or became one to another server, since the last REGISTER succeeded: what the server keeps for
  /// us is to be asked for anew.
  bool was_lost = false;

  /// The server's word in a 2xx to REGISTER or PUBLISH, which holds for this connection
  /// (DIRECT_SESSIONS 3.1).
  void take_offer(const sip::Message& success);
  /// From now on requests go to `next`, down a connection of its own.
  void turn_to(const transaction::Hop& next);
  /// `server` has failed: turns to the next one. False when each of them has failed since `on_answer`.
  bool fail_over();
  void on_answer() { failed = 0; }
  bool offers_direct() const { return direct != 0 && direct == flow && is_secure(server.protocol); }
};

/// What the agent offers its rooms. One per agent, outlives them all; one thread.
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
  /// The user's word on the longest time between two keep-alives (RFC 5626 4.4).
  std::optional<Duration> keep_alive{};

  /// Where a request goes: down the living connection, so that its end is the request's end, too; else the
  /// server's address, which is dialled.
  transaction::Hop hop() const;
  /// Value of our Contact: "<sip:alice@127.0.0.1:40001;transport=tls>".
  std::string contact() const;
  /// A request outside any dialog: From with `from_tag`, To, Call-ID, CSeq, Max-Forwards, User-Agent.
  sip::Builder request(std::string_view method, std::string_view uri, std::string_view to,
                       std::string_view from_tag, std::string_view call_id, std::uint32_t cseq) const;
};

}  // namespace beckon::client::account
