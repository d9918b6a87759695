#include "protocol/transaction/client_table.hpp"

#include <cassert>

#include "protocol/base/log.hpp"
#include "protocol/transaction/text_edit.hpp"

namespace beckon::transaction {
namespace {

/// A peer without TCP is not asked again for that long: each attempt costs a round trip, or a connection's
/// timeout where a firewall stands.
constexpr Duration tcp_pause = 10min;
/// Of those no more than this are remembered.
constexpr std::size_t no_tcp_max = 4096;

std::string key_of(std::string_view branch, std::string_view method) {
  std::string key(branch);
  key.append("|").append(method);
  return key;
}

}  // namespace

std::string ClientTable::mint_branch(std::string_view prefix, std::string_view part) {
  std::string branch(sip::magic_cookie);
  branch += prefix;
  branch += context_.random.token(8);
  return branch.append(part);
}

std::string ClientTable::make_via(const Hop& to, std::string_view branch) const {
  std::string via = "SIP/2.0/";
  via.append(via_name(to.protocol)).append(" ").append(context_.transport.sent_by(to));
  if (!is_reliable(to.protocol)) via += ";rport";
  return via.append(";branch=").append(branch);
}

bool ClientTable::push_own_via(std::string& request, Hop& to, std::string_view branch, Time now) {
  const std::string via = make_via(to, branch);
  const bool datagram = to.protocol == Protocol::udp && to.flow == 0;
  const std::size_t size = via_line_size(via) + request.size();
  const bool is_message = request.starts_with("MESSAGE ");
  if (!datagram || size <= context_.config.max_datagram || (!is_message && has_no_tcp(to.remote, now))) {
    push_via(request, via);
    return false;
  }
  to.protocol = Protocol::tcp;
  push_via(request, make_via(to, branch));
  return true;
}

TransactionId ClientTable::send(std::string request, const Hop& to, OnOutcome on_outcome, Time now,
                                std::string_view branch_part, std::string_view branch_prefix) {
  const std::string method = request.substr(0, request.find(' '));
  assert(!method.empty() && method != "ACK");
  const std::string branch = mint_branch(branch_prefix, branch_part);
  Hop hop = to;
  const bool switched = push_own_via(request, hop, branch, now);
  return open({.key = key_of(branch, method),
               .invite = method == "INVITE",
               .switched = switched && method != "MESSAGE",
               .stream_only = switched && method == "MESSAGE",
               .request = share(std::move(request)),
               .hop = hop,
               .on_outcome = std::move(on_outcome)},
              now);
}

void ClientTable::send_ack(std::string ack, const Hop& to, Time now) {
  const std::string branch = mint_branch({}, {});
  Hop hop = to;
  const bool switched = push_own_via(ack, hop, branch, now);
  const SharedText text = share(std::move(ack));
  auto failed = [this, switched, to, branch, text, alive = std::weak_ptr(context_.alive)](ErrorCode) {
    if (!switched || alive.expired()) return;
    note_no_tcp(to.remote, context_.clock.now().mono);
    std::string again(*text);
    replace_top_via(again, make_via(to, branch));
    context_.transport.send(to, share(std::move(again)), [](ErrorCode) {});
  };
  context_.transport.send(hop, text, std::move(failed));
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

TransactionId ClientTable::open(Opening opening, Time now) {
  const TransactionId id = ++context_.last_id;
  const bool reliable = is_reliable(opening.hop.protocol);
  by_key_.emplace(opening.key, id);
  if (opening.hop.flow != 0) by_flow_.emplace(opening.hop.flow, id);
  auto& client =
      clients_.try_emplace(id, make_machine(opening.invite, reliable, now), opening.hop, context_.timers)
          .first->second;
  client.key = std::move(opening.key);
  client.on_outcome = std::move(opening.on_outcome);
  client.switched = opening.switched;
  client.stream_only = opening.stream_only;
  if (opening.invite || !reliable || opening.switched) client.request = opening.request;
  arm(id, client);
  transmit(id, client, std::move(opening.request));
  return id;
}

/// The peer takes no TCP: the same request in a datagram, and its timers start anew (RFC 3261 18.1.1).
void ClientTable::fall_back(TransactionId id, Client& client, Now now) {
  note_no_tcp(client.hop.remote, now.mono);
  client.switched = false;
  client.hop.protocol = Protocol::udp;
  const auto branch = std::string_view(client.key).substr(0, client.key.find('|'));
  std::string text(*client.request);
  replace_top_via(text, make_via(client.hop, branch));
  client.request = share(std::move(text));
  const bool invite = std::holds_alternative<InviteClient>(client.machine);
  client.machine = make_machine(invite, false, now.mono);
  if (client.cancelled) std::get<InviteClient>(client.machine).on(InviteClient::Event::cancel, now.mono);
  arm(id, client);
  transmit(id, client, client.request);
}

void ClientTable::transmit(TransactionId id, const Client& client, SharedText text) {
  auto failed = [this, id, alive = std::weak_ptr(context_.alive)](ErrorCode) {
    if (!alive.expired()) on_transport_error(id, context_.clock.now());
  };
  context_.transport.send(client.hop, std::move(text), std::move(failed));
}

void ClientTable::cancel(TransactionId id, std::string_view reason, Now now) {
  const auto found = clients_.find(id);
  if (found == clients_.end()) return;
  auto* machine = std::get_if<InviteClient>(&found->second.machine);
  if (machine == nullptr) return;
  found->second.cancelled = true;
  found->second.cancel_reason = reason;
  perform(id, machine->on(InviteClient::Event::cancel, now.mono), {}, now);
}

void ClientTable::receive(const Hop& from, const sip::Message& response, Now now) {
  const auto via = response.top_via();
  const auto cseq = response.cseq();
  if (!via || !cseq) return;
  const auto found = by_key_.find(key_of(via->branch(), cseq->method));
  if (found == by_key_.end()) {
    log::debug("transaction", "{} {} {}: response {} matches nothing", print(from.remote), response.call_id(),
               cseq->method, response.status());
    return;
  }
  const auto id = found->second;
  const int status = response.status();
  auto& client = clients_.at(id);
  client.switched = false;
  ClientActions actions;
  if (auto* invite = std::get_if<InviteClient>(&client.machine)) {
    using Event = InviteClient::Event;
    actions = invite->on(status < 200   ? Event::provisional
                         : status < 300 ? Event::success
                                        : Event::failure,
                         now.mono);
  } else {
    using Event = NonInviteClient::Event;
    actions = std::get<NonInviteClient>(client.machine)
                  .on(status < 200 ? Event::provisional : Event::final, now.mono);
  }
  perform(id, actions, {&from, &response}, now);
}

void ClientTable::on_flow_closed(FlowId flow, Now now) {
  std::vector<TransactionId> ids;
  for (auto it = by_flow_.lower_bound({flow, 0}); it != by_flow_.end() && it->first == flow; ++it)
    ids.push_back(it->second);
  for (const auto id : ids) on_transport_error(id, now);
}

void ClientTable::on_timer(TransactionId id, Now now) {
  const auto found = clients_.find(id);
  if (found == clients_.end()) return;
  const auto actions = std::visit(
      [&](auto& machine) { return machine.on(std::decay_t<decltype(machine)>::Event::timer, now.mono); },
      found->second.machine);
  perform(id, actions, {}, now);
}

void ClientTable::on_transport_error(TransactionId id, Now now) {
  const auto found = clients_.find(id);
  if (found == clients_.end()) return;
  if (found->second.switched) return fall_back(id, found->second, now);
  const auto actions = std::visit(
      [&](auto& machine) {
        return machine.on(std::decay_t<decltype(machine)>::Event::transport_error, now.mono);
      },
      found->second.machine);
  perform(id, actions, {}, now);
}

/// The table is in order before the user is called: the call may send and cancel.
void ClientTable::perform(TransactionId id, const ClientActions& actions, const Input& input, Now now) {
  auto& client = clients_.at(id);
  if (actions.send_request) transmit(id, client, client.request);
  if (actions.send_ack) perform_ack(id, client, input.response);
  if (actions.send_cancel) perform_cancel(client, now);

  const int status = actions.pass_response ? input.response->status() : actions.timeout ? 408 : 503;
  const bool tells = actions.pass_response || actions.timeout || actions.transport_error;
  const bool ends = tells && status >= 200;
  const bool was_ended = client.ended;
  OnOutcome on_outcome;
  if (tells && !was_ended) on_outcome = ends ? std::exchange(client.on_outcome, nullptr) : client.on_outcome;
  if (ends && !was_ended) {
    client.ended = true;
    client.request = nullptr;
    by_flow_.erase({client.hop.flow, id});
  }
  const bool invite = std::holds_alternative<InviteClient>(client.machine);
  const bool too_long = actions.transport_error && client.stream_only;
  if (actions.destroy)
    close(id, client);
  else
    arm(id, client);

  if (on_outcome) {
    using Kind = Outcome::Kind;
    const Kind kind = actions.timeout           ? Kind::timeout
                      : actions.transport_error ? Kind::transport_error
                      : ends                    ? Kind::final
                                                : Kind::provisional;
    on_outcome({.kind = kind,
                .response = actions.pass_response ? input.response : nullptr,
                .status = status,
                .too_long = too_long},
               now);
  } else if (actions.pass_response && invite && status / 100 == 2) {
    context_.user.on_response(*input.from, *input.response, now);
  }
}

void ClientTable::perform_ack(TransactionId id, Client& client, const sip::Message* response) {
  if (!client.ack) {
    const auto invite = sip::Message::parse(client.request, no_limits);
    if (!invite) return;
    client.ack = share(make_ack(*invite, *response));
  }
  transmit(id, client, client.ack);
}

void ClientTable::perform_cancel(const Client& client, Now now) {
  const auto invite = sip::Message::parse(client.request, no_limits);
  if (!invite) return;
  auto text = share(make_cancel(*invite, client.cancel_reason));
  const auto branch = std::string_view(client.key).substr(0, client.key.find('|'));
  open(
      {.key = key_of(branch, "CANCEL"), .request = std::move(text), .hop = client.hop, .on_outcome = nullptr},
      now.mono);
}

void ClientTable::arm(TransactionId id, Client& client) {
  const auto deadline = std::visit([](auto& machine) { return machine.deadline(); }, client.machine);
  if (!deadline) {
    client.timer.cancel();
    return;
  }
  client.timer.set(*deadline, [this, id](Time time) { on_timer(id, {time, context_.clock.now().wall}); });
}

void ClientTable::close(TransactionId id, Client& client) {
  by_flow_.erase({client.hop.flow, id});
  by_key_.erase(client.key);
  clients_.erase(id);
}

void ClientTable::dump(const std::function<void(const Layer::Row&)>& visit) const {
  for (const auto& [id, client] : clients_) {
    const bool invite = std::holds_alternative<InviteClient>(client.machine);
    std::visit(
        [&](const auto& machine) {
          visit({id, false, invite ? "INVITE" : "non-INVITE", to_string(machine.state()), client.key,
                 client.hop, machine.deadline()});
        },
        client.machine);
  }
}

}  // namespace beckon::transaction
