#include "protocol/transaction/client_table.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

#include "protocol/base/log.hpp"
#include "protocol/base/text.hpp"
#include "protocol/transaction/text_edit.hpp"

namespace beckon::transaction {
namespace {

/// How long a peer without TCP is not tried again: each attempt costs a round trip, or the timeout of a
/// connection if a firewall drops it.
constexpr Duration tcp_pause = 10min;
constexpr std::size_t no_tcp_max = 4096;  // peers remembered for that

constexpr std::string_view via_name_part = "Via: ";
constexpr std::string_view line_end = "\r\n";

/// Of the top Via of a request that we made.
std::string branch_in(const Outgoing& request) {
  const auto message = sip::Message::parse(request.join(), no_limits);
  return message ? std::string(message->top_via_view()->branch) : std::string();
}

Outcome::Kind kind_of(const ClientActions& actions, bool ends) {
  using Kind = Outcome::Kind;
  if (actions.timeout) return Kind::timeout;
  if (actions.transport_error) return Kind::transport_error;
  return ends ? Kind::final : Kind::provisional;
}

}  // namespace

// ---- our Via

BranchToken ClientTable::mint(TransactionId id) {
  const auto slot = static_cast<std::uint32_t>(SlotTable<Client>::index_of(id));
  return make_branch_token(slot, id >> SlotTable<Client>::index_bits, context_.random.next());
}

/// To `branch_`.
void ClientTable::write_branch(const BranchToken& token, std::string_view tag, std::string_view part) {
  branch_ = sip::magic_cookie;
  const auto text = print(token);
  branch_.append(text.data(), text.size()).append(tag).append(part);
}

/// To `via_`.
void ClientTable::write_via(const Hop& to, std::string_view branch) {
  via_ = "SIP/2.0/";
  via_.append(via_name(to.protocol)).append(" ").append(context_.transport.sent_by(to));
  if (!is_reliable(to.protocol)) via_ += ";rport";
  if (context_.config.alias && to.protocol == Protocol::tls && to.flow == 0) via_ += ";alias";
  via_.append(";branch=").append(branch);
}

bool ClientTable::write_head(const Draft& draft, std::string_view branch, Hop& to, Time now,
                             SharedText& head) {
  write_via(to, branch);
  std::size_t rest = draft.line.size() + via_name_part.size() + line_end.size();
  for (const auto piece : draft.headers) rest += piece.size();
  const std::size_t size = rest + via_.size() + (draft.body ? draft.body->size() : 0);
  const bool datagram = to.protocol == Protocol::udp && to.flow == 0;
  const bool is_message = draft.line.starts_with("MESSAGE ");
  const bool switches =
      datagram && size > context_.config.max_datagram && (is_message || !has_no_tcp(to.remote, now));
  if (switches) {
    to.protocol = Protocol::tcp;
    write_via(to, branch);
  }
  head = SharedText::make(rest + via_.size(), [&](char* out) {
    char* end = out;
    const auto write = [&end](std::string_view piece) { end = std::copy(piece.begin(), piece.end(), end); };
    for (const auto piece : {draft.line, via_name_part, std::string_view(via_), line_end}) write(piece);
    for (const auto piece : draft.headers) write(piece);
    return static_cast<std::size_t>(end - out);
  });
  return switches;
}

// ---- sending

TransactionId ClientTable::send(const Draft& draft, const Hop& to, OnOutcome on_outcome, Time now) {
  const auto method = draft.line.substr(0, draft.line.find(' '));
  assert(!method.empty() && method != "ACK");
  const bool invite = method == "INVITE";
  Client* added = clients_.add(make_machine(invite, is_reliable(to.protocol), now), to, context_.timers);
  if (added == nullptr) return refuse(std::move(on_outcome));
  is_full_ = false;
  Client& client = *added;
  client.token = mint(client.id);
  client.method = method;
  client.on_outcome = std::move(on_outcome);
  client.status_only = draft.status_only;
  client.each_success = invite && draft.each_success;
  write_branch(client.token, draft.branch_tag, draft.branch_part);
  Outgoing request(nullptr, draft.body);
  const bool switched = write_head(draft, branch_, client.hop, now, request.head);
  if (switched) client.machine = make_machine(invite, true, now);
  const bool is_message = method == "MESSAGE";
  client.switched = switched && !is_message;
  client.stream_only = switched && is_message;
  if (invite || client.switched || !is_reliable(client.hop.protocol)) client.request = request;
  if (client.hop.flow != 0) join_flow(client);
  arm(client);
  const auto id = client.id;
  transmit(client, std::move(request));
  return id;
}

/// The table is full. The end is reported as every other, after the call.
TransactionId ClientTable::refuse(OnOutcome on_outcome) {
  if (!std::exchange(is_full_, true))
    log::warn("transaction", "{} requests wait for a response: no further one is sent", clients_.size());
  context_.timers.set(context_.clock.now().mono, [this, alive = std::weak_ptr(context_.alive),
                                                  on_outcome = std::move(on_outcome)](Time) {
    constexpr int unavailable = 503;
    if (on_outcome && !alive.expired())
      on_outcome({.kind = Outcome::Kind::transport_error, .status = unavailable}, context_.clock.now());
  });
  return 0;
}

void ClientTable::send_ack(const Draft& ack, const Hop& to, Time now) {
  // Its branch is as unique as any; no response will come to it (RFC 3261 13.2.2.4).
  write_branch(make_branch_token(0, context_.random.next(), context_.random.next()), {}, {});
  Hop hop = to;
  SharedText text;
  OnFailed failed;
  if (write_head(ack, branch_, hop, now, text)) {
    failed = [this, to, branch = branch_, text, alive = std::weak_ptr(context_.alive)](ErrorCode) {
      if (alive.expired()) return;
      note_no_tcp(to.remote, context_.clock.now().mono);
      write_via(to, branch);
      context_.transport.send(to, with_top_via(*text, via_), nullptr);
    };
  }
  context_.transport.send(hop, std::move(text), std::move(failed));
}

bool ClientTable::has_no_tcp(const Address& remote, Time now) {
  const auto known = no_tcp_.find(remote);
  if (known == no_tcp_.end()) return false;
  if (now < known->second) return true;
  no_tcp_.erase(known);
  return false;
}

void ClientTable::note_no_tcp(const Address& remote, Time now) {
  if (no_tcp_.size() >= no_tcp_max) no_tcp_.clear();
  no_tcp_[remote] = now + tcp_pause;
}

ClientTable::Machine ClientTable::make_machine(bool invite, bool reliable, Time now) const {
  const auto& times = context_.config.times;
  if (invite) return InviteClient(reliable, times, now);
  return NonInviteClient(reliable, times, now);
}

/// The peer does not accept TCP: the same request goes in a datagram, and its timers start anew (RFC
/// 3261 18.1.1).
void ClientTable::fall_back(Client& client, Now now) {
  note_no_tcp(client.hop.remote, now.mono);
  client.switched = false;
  client.hop.protocol = Protocol::udp;
  write_via(client.hop, branch_in(client.request));
  client.request.head = with_top_via(*client.request.head, via_);
  client.machine = make_machine(client.is_invite(), false, now.mono);
  if (client.cancelled) std::get<InviteClient>(client.machine).on(InviteClient::Event::cancel, now.mono);
  arm(client);
  transmit(client, client.request);
}

void ClientTable::transmit(const Client& client, Outgoing text) {
  context_.transport.send(client.hop, std::move(text),
                          [this, id = client.id, alive = std::weak_ptr(context_.alive)](ErrorCode why) {
                            if (!alive.expired()) on_transport_error(id, context_.clock.now(), why);
                          });
}

void ClientTable::cancel(TransactionId id, std::string_view reason, Now now) {
  Client* client = clients_.find(id);
  if (client == nullptr || !client->is_invite()) return;
  client->cancelled = true;
  client->cancel_reason = reason;
  perform(*client, std::get<InviteClient>(client->machine).on(InviteClient::Event::cancel, now.mono), {},
          now);
}

// ---- what comes in

/// RFC 3261 17.1.3: the branch of the top Via, and the method of CSeq, as a CANCEL has the branch of its
/// INVITE.
ClientTable::Client* ClientTable::find(std::string_view branch, std::string_view method) const {
  const auto token = parse_branch_token(after_cookie(branch));
  if (!token) return nullptr;
  Client* client = clients_.at(token->slot);
  if (client != nullptr && client->token == *token && client->method == method) return client;
  if (method != "CANCEL") return nullptr;
  const auto cancel = cancels_.find(token->secret);
  client = cancel == cancels_.end() ? nullptr : clients_.find(cancel->second);
  return client != nullptr && client->token == *token ? client : nullptr;
}

void ClientTable::receive(const Hop& from, const sip::Message& response, const sip::ViaView* via, Now now) {
  if (via == nullptr) {
    const auto read = response.top_via_view();
    if (read) receive(from, response, &*read, now);
    return;
  }
  const auto cseq = sip::view_cseq(response.header(sip::HeaderId::cseq));
  if (!cseq) return;
  const int status = response.status();
  Client* client = find(via->branch, cseq->method);
  if (client == nullptr) {
    log::debug("transaction", "{} {} {}: response {} matches no transaction", print(from.remote),
               response.call_id(), cseq->method, status);
    return;
  }
  if (client->is_lost && !follow(*client, from, *via)) return;
  client->switched = false;
  ClientActions actions;
  if (auto* invite = std::get_if<InviteClient>(&client->machine)) {
    using Event = InviteClient::Event;
    actions = invite->on(status < 200   ? Event::provisional
                         : status < 300 ? Event::success
                                        : Event::failure,
                         now.mono);
  } else {
    using Event = NonInviteClient::Event;
    actions = std::get<NonInviteClient>(client->machine)
                  .on(status < 200 ? Event::provisional : Event::final, now.mono);
  }
  perform(*client, actions, {&from, &response, status}, now);
}

bool ClientTable::retire(const QuickResponse& response, Now now, const Callback<void()>& before) {
  Client* client = find(response.branch, response.method);
  if (client == nullptr || !client->status_only || client->is_invite()) return false;
  if (before) before();
  const auto actions = std::get<NonInviteClient>(client->machine).on(NonInviteClient::Event::final, now.mono);
  perform(*client, actions, {nullptr, nullptr, response.status}, now);
  return true;
}

/// What went over TCP only for its size goes over UDP when its connection fails, and stays as it is.
void ClientTable::on_flow_opened(const Hop& flow) {
  clients_.each([&](Client& client) {
    const Hop& hop = client.hop;
    const bool waits = !client.ended && !client.closed && !client.switched && hop.flow == 0 &&
                       hop.protocol == flow.protocol && hop.remote == flow.remote;
    if (!waits) return;
    client.hop.flow = flow.flow;
    join_flow(client);
  });
}

void ClientTable::on_flow_closed(FlowId flow, Now now) {
  if (!by_flow_.contains(flow)) return;
  closed_.push_back(flow);
  end_lost(now);
}

void ClientTable::end_lost(Now now) {
  for (unsigned left = lost_per_turn; !closed_.empty() && left > 0;) {
    const auto waiting = by_flow_.find(closed_.front());
    if (waiting == by_flow_.end()) {
      closed_.pop_front();
      continue;
    }
    Client& client = *waiting->second;
    leave_flow(client);
    on_connection_lost(client, now);
    --left;
  }
  if (closed_.empty() || closing_.is_set()) return;
  closing_.set(now.mono, [this](Time) { end_lost(context_.clock.now()); });
}

void ClientTable::on_connection_lost(Client& client, Now now) {
  auto* invite = std::get_if<InviteClient>(&client.machine);
  if (invite == nullptr || !context_.config.is_reachable) return on_transport_error(client.id, now);
  client.is_lost = true;
  perform(client, invite->on(InviteClient::Event::connection_lost, now.mono), {}, now);
}

/// A response has come over another connection than its INVITE left on, which is gone. Its branch, which
/// nobody can guess, and its sent-by prove that it answers that INVITE. What is left to send, an ACK or a
/// CANCEL, goes the same way. False: it names somebody else in its Via, and is dropped (RFC 3261 18.1.2).
bool ClientTable::follow(Client& client, const Hop& from, const sip::ViaView& via) {
  write_via(client.hop, via.branch);
  const auto ours = sip::view_via(via_);
  if (!ours || !iequals(ours->host, via.host) || ours->port != via.port) return false;
  if (from.flow == 0) return true;
  client.is_lost = false;
  client.hop.protocol = from.protocol;
  client.hop.remote = from.remote;
  client.hop.local = from.local;
  client.hop.flow = from.flow;
  join_flow(client);
  return true;
}

void ClientTable::on_timer(TransactionId id, Now now) {
  Client* client = clients_.find(id);
  if (client == nullptr) return;
  const auto actions = std::visit(
      [&](auto& machine) { return machine.on(std::decay_t<decltype(machine)>::Event::timer, now.mono); },
      client->machine);
  perform(*client, actions, {}, now);
}

void ClientTable::on_transport_error(TransactionId id, Now now, ErrorCode why) {
  Client* client = clients_.find(id);
  if (client == nullptr) return;
  if (client->switched) return fall_back(*client, now);
  const auto actions = std::visit(
      [&](auto& machine) {
        return machine.on(std::decay_t<decltype(machine)>::Event::transport_error, now.mono);
      },
      client->machine);
  perform(*client, actions, {.error = why}, now);
}

// ---- what the machines say

/// The table is in order before the user is called: the call may send, cancel and end transactions.
void ClientTable::perform(Client& client, const ClientActions& actions, const Input& input, Now now) {
  if (actions.send_request) {
    ++resent_;
    transmit(client, client.request);
  }
  if (actions.send_ack) perform_ack(client, input.response);
  if (actions.send_cancel) perform_cancel(client, now);

  const int status = actions.pass_response ? input.status : actions.timeout ? 408 : 503;
  const bool reports = actions.pass_response || actions.timeout || actions.transport_error;
  const bool ends = reports && status >= 200;
  if (!reports) return actions.destroy ? close(client) : arm(client);
  const bool is_2xx_to_invite = actions.pass_response && client.is_invite() && status / 100 == 2;
  if (client.ended) {
    if (is_2xx_to_invite) return report_again(client, input, now);
    return actions.destroy ? close(client) : arm(client);
  }
  const Outcome outcome{.kind = kind_of(actions, ends),
                        .response = actions.pass_response ? input.response : nullptr,
                        .status = status,
                        .too_long = actions.transport_error && client.stream_only,
                        .error = input.error,
                        .from = actions.pass_response ? input.from : nullptr};
  client.ended = ends;
  if (ends) {
    client.request = {};
    leave_flow(client);
  }
  // A completed machine only absorbs copies of the response (17.1.2.2), and those are dropped without it.
  const bool is_over = actions.destroy || (ends && !client.is_invite());
  ++client.calls;
  is_over ? close(client) : arm(client);
  if (client.on_outcome)
    client.on_outcome(outcome, now);
  else if (is_2xx_to_invite)
    context_.user.on_response(*input.from, *input.response, now);
  end_call(client);
}

/// A copy of a 2xx, or one of another fork further on. The machine waits on for the next.
void ClientTable::report_again(Client& client, const Input& input, Now now) {
  if (!client.each_success) return context_.user.on_response(*input.from, *input.response, now);
  ++client.calls;
  client.on_outcome({.kind = Outcome::Kind::final,
                     .response = input.response,
                     .status = input.status,
                     .from = input.from,
                     .again = true},
                    now);
  end_call(client);
}

void ClientTable::end_call(Client& client) {
  if (--client.calls != 0) return;
  if (client.ended && !client.each_success) client.on_outcome = nullptr;
  if (client.closed) clients_.destroy(client);
}

void ClientTable::perform_ack(Client& client, const sip::Message* response) {
  if (!client.ack) {
    if (!client.request.head) return;
    const auto invite = sip::Message::parse(client.request.join(), no_limits);
    if (!invite) return;
    client.ack = share(make_ack(*invite, *response));
  }
  transmit(client, client.ack);
}

void ClientTable::perform_cancel(const Client& client, Now now) {
  if (!client.request.head) return;
  const auto invite = sip::Message::parse(client.request.join(), no_limits);
  if (!invite) return;
  const bool reliable = is_reliable(client.hop.protocol);
  Client* added = clients_.add(make_machine(false, reliable, now.mono), client.hop, context_.timers);
  if (added == nullptr) return;  // the INVITE ends by itself, within 64*T1 (9.1)
  Client& cancel = *added;
  cancel.token = client.token;
  cancel.method = "CANCEL";
  cancel.request = share(make_cancel(*invite, client.cancel_reason));
  cancels_.insert_or_assign(cancel.token.secret, cancel.id);
  if (cancel.hop.flow != 0) join_flow(cancel);
  arm(cancel);
  transmit(cancel, cancel.request);
}

void ClientTable::arm(Client& client) {
  const auto deadline = std::visit([](auto& machine) { return machine.deadline(); }, client.machine);
  if (!deadline) return client.timer.cancel();
  client.timer.set(*deadline,
                   [this, id = client.id](Time time) { on_timer(id, {time, context_.clock.now().wall}); });
}

/// A client whose user is being called is destroyed when the call returns.
void ClientTable::close(Client& client) {
  client.timer.cancel();
  leave_flow(client);
  if (client.method == "CANCEL") cancels_.erase(client.token.secret);
  client.closed = true;
  clients_.retire(client);
  if (client.calls == 0) clients_.destroy(client);
}

void ClientTable::join_flow(Client& client) {
  const auto [known, is_first] = by_flow_.try_emplace(client.hop.flow, &client);
  Client& first = *known->second;
  client.flow_next = &first;
  client.flow_previous = is_first ? &client : first.flow_previous;
  client.flow_previous->flow_next = &client;
  first.flow_previous = &client;
}

void ClientTable::leave_flow(Client& client) {
  if (client.flow_next == nullptr) return;
  const auto known = by_flow_.find(client.hop.flow);
  if (client.flow_next == &client) {
    by_flow_.erase(known);
  } else {
    if (known->second == &client) known->second = client.flow_next;
    client.flow_previous->flow_next = client.flow_next;
    client.flow_next->flow_previous = client.flow_previous;
  }
  client.flow_previous = client.flow_next = nullptr;
}

void ClientTable::dump(const std::function<void(const Layer::Row&)>& visit) const {
  clients_.each([&](const Client& client) {
    const auto token = print(client.token);
    const std::string key = std::string(token.data(), token.size()) + '|' + client.method;
    std::visit(
        [&](const auto& machine) {
          visit({client.id, false, client.is_invite() ? "INVITE" : "non-INVITE", to_string(machine.state()),
                 key, client.hop, machine.deadline()});
        },
        client.machine);
  });
}

}  // namespace beckon::transaction
