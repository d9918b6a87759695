#include "protocol/transaction/server_table.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstring>
#include <utility>

#include "protocol/base/log.hpp"
#include "protocol/base/text.hpp"
#include "protocol/sip/builder.hpp"
#include "protocol/transaction/text_edit.hpp"

namespace beckon::transaction {
namespace {

constexpr std::uint32_t overload_pause_seconds = 10;  ///< Retry-After of a 503: long enough to shed load.
/// INVITEs that were answered 2xx, for each other transaction that there may be: they stay for 64*T1.
constexpr std::size_t accepted_factor = 4;
/// A datagram draws at most so many times its octets to another source than the request's: both sources may
/// be forged.
constexpr std::size_t elsewhere_factor = 3;

/// RFC 4475 3.2.1: the cookie alone identifies nothing.
bool has_cookie(std::string_view branch) {
  constexpr auto size = sip::magic_cookie.size();
  return branch.size() > size && iequals(branch.substr(0, size), sip::magic_cookie);
}

/// The text that matches a request with its transaction (RFC 3261 17.2.3). `method` is INVITE for the ACK and
/// the CANCEL of one. RFC 2543 peers have no unique branch: what else tells requests apart is used, without
/// the To tag, which an ACK takes from our response.
void write_key(std::string& key, const sip::Message& request, const sip::ViaView& via,
               std::string_view method) {
  key.clear();
  if (has_cookie(via.branch)) {
    key.append(via.branch).append("|");
    for (const char c : via.host) key.push_back(to_lower(c));
    key.push_back(':');
    if (via.port) key += std::to_string(*via.port);
    key.append("|").append(method);
    return;
  }
  const auto cseq = request.cseq();
  key.append(request.call_id()).append("|").append(request.from_tag()).append("|");
  key += std::to_string(cseq ? cseq->number : 0);
  key.append("|").append(request.request_uri_text()).append("|");
  sip::append(key, via);
  key.append("|").append(method);
}

/// Of a finished response: "SIP/2.0 200 OK".
int status_of(std::string_view response) {
  return response.size() < 11 ? 0 : parse_number<int>(response.substr(8, 3)).value_or(0);
}

/// The top Via of a response; `stamped` is empty where it is the request's.
std::string_view response_via(const sip::ViaView& via, std::string_view stamped) {
  return stamped.empty() ? via.text : stamped;
}

/// Of a finished response, which need not be indexed for it.
std::string to_tag_in(std::string_view response) {
  for (auto at = response.find("\r\n"); at != response.npos; at = response.find("\r\n", at)) {
    at += 2;
    const auto line = response.substr(at, response.find("\r\n", at) - at);
    const auto [name, value] = cut(line, ':');
    if (line.empty()) break;
    if (!iequals(trim(name), "To") && !iequals(trim(name), "t")) continue;
    const auto to = sip::view_name_addr(trim(value));
    return to ? std::string(to->tag) : std::string();
  }
  return {};
}

/// "branch|host:port|METHOD" of a message of the transaction, for the live table; empty without one.
std::string describe(const SharedText& text) {
  const auto message =
      text ? sip::Message::parse(text, no_limits) : Result<sip::Message>(sip::Errc::need_more);
  const auto via = message ? message->top_via_view() : Result<sip::ViaView>(sip::Errc::need_more);
  if (!via) return {};
  std::string key;
  write_key(key, *message, *via, sip::to_string(message->method()));
  return key;
}

/// Will the machine still be there when a response fails?
bool lives_on(const std::variant<InviteServer, NonInviteServer>& machine) {
  const auto* non_invite = std::get_if<NonInviteServer>(&machine);
  return non_invite == nullptr || non_invite->state() == NonInviteServer::State::proceeding;
}

ServerActions on_response(std::variant<InviteServer, NonInviteServer>& machine, int status, Time now) {
  if (auto* invite = std::get_if<InviteServer>(&machine)) {
    using Event = InviteServer::Event;
    const auto event = status < 200   ? Event::send_provisional
                       : status < 300 ? Event::send_success
                                      : Event::send_failure;
    return invite->on(event, now);
  }
  using Event = NonInviteServer::Event;
  if (status > 100 && status < 200) return {};  // RFC 4320 4.1
  const auto event = status == 100   ? Event::send_provisional
                     : status == 408 ? Event::send_timeout
                                     : Event::send_final;
  return std::get<NonInviteServer>(machine).on(event, now);
}

}  // namespace

ServerTable::ServerTable(Context& context)
    : context_(context),
      hash_(context.random.next(), context.random.next()),
      servers_(0, (accepted_factor + 1) * context.config.max_server_transactions),
      answers_(context.config.max_answer_octets),
      answers_timer_(context.timers) {}

/// `call` tells requests apart whose client does not make its branches unique. 0 for INVITE, as CANCEL and
/// ACK are matched by what RFC 3261 17.2.3 names alone.
ServerTable::Key ServerTable::key_of(const sip::Message& request, const sip::ViaView& via,
                                     std::string_view method, std::uint64_t call) {
  write_key(key_text_, request, via, method);
  Key key = hash_.wide(key_text_);
  key.low ^= call;
  return key;
}

std::uint64_t ServerTable::mix(std::uint64_t hash, std::string_view part) const {
  return hash * 0x9e3779b97f4a7c15U ^ hash_(part);
}

/// The same for all copies of one request, whatever path they took: From-tag, Call-ID, CSeq.
std::uint64_t ServerTable::call_of(const sip::Message& request) const {
  const auto cseq = request.cseq();
  return mix(mix(cseq ? cseq->number : 0, request.call_id()), request.from_tag());
}

/// The same for those copies that its client made, or somebody who has all of the request: the credentials
/// are under it.
std::uint64_t ServerTable::identity_of(const Incoming& in) const {
  std::uint64_t hash = in.call;
  for (const auto header : {sip::HeaderId::authorization, sip::HeaderId::proxy_authorization}) {
    if (!in.request.has(header)) continue;
    for (const auto line : in.request.lines_of(header))
      if (line.id == header) hash = mix(hash, line.value);
  }
  return hash;
}

ServerTable::Server* ServerTable::find(const Key& key) const {
  const auto found = by_key_.find(key);
  return found == by_key_.end() ? nullptr : found->second;
}

void ServerTable::receive(const Hop& from, const sip::Message& request, const sip::ViaView* via,
                          const OnNew& on_new, Now now) {
  if (via != nullptr) return receive(from, request, *via, on_new, now);
  if (const auto read = request.top_via_view()) return receive(from, request, *read, on_new, now);
  log::debug("transaction", "{} {}: request without a readable Via dropped", print(from.remote),
             request.call_id());
}

void ServerTable::receive(const Hop& from, const sip::Message& request, const sip::ViaView& via,
                          const OnNew& on_new, Now now) {
  const auto method = request.method();
  if (method == sip::Method::ack) return receive_ack(from, request, key_of(request, via, "INVITE"), now);

  const Incoming in{.from = from, .request = request, .via = via, .call = call_of(request)};
  const bool is_invite = method == sip::Method::invite;
  const Key key = key_of(request, via, request.method_text(), is_invite ? 0 : in.call);
  Server* server = find(key);
  if (server != nullptr && is_over(in, server->flow, server->identity)) {
    close(*server);
    server = nullptr;
  }
  if (server != nullptr) {
    if (!accept_copy(*server, in)) return;
    const auto actions = std::visit(
        [&](auto& machine) {
          return machine.on(std::decay_t<decltype(machine)>::Event::request_again, now.mono);
        },
        server->machine);
    return perform(*server, actions, {});
  }
  if (repeat_answer(key, in, now.mono)) return;
  // Anybody can send a CANCEL that matches nothing: it leaves nothing behind.
  if (method == sip::Method::cancel && find(key_of(request, via, "INVITE")) == nullptr)
    return refuse(from, request, 481, {});
  open(in, key, on_new, now);
}

/// What the request brought about is gone with the connection it came on: whoever is answered "200" on the
/// next one takes it for that connection's.
bool ServerTable::is_over(const Incoming& copy, FlowId first, std::uint64_t identity) const {
  const auto& is_over = context_.config.is_over;
  return first != 0 && is_over && is_over(copy.request.method(), first) && identity == identity_of(copy);
}

/// Is it the request again, and not one that only looks alike? When it comes from elsewhere (a NAT gave its
/// client another port, or the client another connection), so go the responses from now on. Not to another
/// address over UDP, which may be forged: there it gets its answer once that is kept.
bool ServerTable::accept_copy(Server& server, const Incoming& copy) {
  const Hop& source = server.route.source();
  Hop back = response_hop(copy.via, copy.from);
  if (identity_of(copy) != server.identity) {
    log::debug("transaction", "{} {}: not the request it is a copy of; dropped", print(copy.from.remote),
               copy.request.call_id());
    return false;
  }
  if (back.remote == source.remote && back.flow == source.flow) return true;
  if (!is_reliable(back.protocol) && back.remote.ip != source.remote.ip) return false;
  server.route = ResponseRoute(std::move(back), copy.via, bool(context_.config.locate));
  server.via = stamped_via(copy.via, copy.from.remote);
  if (server.response) server.response = with_top_via(*server.response, response_via(copy.via, server.via));
  return true;
}

/// A copy with the request's credentials gets the answer where it comes from. From another source it draws,
/// over UDP, no more than may be sent to somebody who never asked.
bool ServerTable::repeat_answer(const Key& key, const Incoming& copy, Time now) {
  answers_.expire(now);
  const auto answer = answers_.find(key);
  if (!answer) return false;
  if (is_over(copy, answer->flow, answer->identity)) {
    answers_.forget(key);
    return false;
  }
  if (answer->identity != identity_of(copy)) {
    log::debug("transaction", "{} {}: not the request that was answered; dropped", print(copy.from.remote),
               copy.request.call_id());
    return true;
  }
  const Hop back = response_hop(copy.via, copy.from);
  if (back.remote == answer->remote) {
    ++resent_;
    context_.transport.send(back, share(answer->response), nullptr);
    return true;
  }
  const auto text =
      with_top_via(answer->response, response_via(copy.via, stamped_via(copy.via, copy.from.remote)));
  const bool may_draw =
      is_reliable(back.protocol) ||
      (text->size() <= elsewhere_factor * copy.request.text().size() && answers_.take_elsewhere(key));
  if (may_draw) {
    ++resent_;
    context_.transport.send(back, text, nullptr);
  }
  return true;
}

void ServerTable::open(const Incoming& in, const Key& key, const OnNew& on_new, Now now) {
  const auto& [from, request, via, call] = in;
  if (servers_.size() - accepted_ >= context_.config.max_server_transactions)
    return refuse(from, request, 503, {});
  const bool reliable = is_reliable(from.protocol);
  const auto& times = context_.config.times;
  Machine machine = NonInviteServer(reliable, times, now.mono);
  if (request.method() == sip::Method::invite) machine = InviteServer(reliable, times, now.mono);
  ResponseRoute route(response_hop(via, from), via, bool(context_.config.locate));
  Server* added = servers_.add(std::move(machine), std::move(route), context_.timers);
  if (added == nullptr) return refuse(from, request, 503, {});
  Server& server = *added;
  const TransactionId id = server.id;
  server.via = stamped_via(via, from.remote);
  server.request = request.shared_text();
  server.key = key;
  server.flow = from.flow;
  server.identity = identity_of(in);
  server.is_authorised =
      request.has(sip::HeaderId::authorization) || request.has(sip::HeaderId::proxy_authorization);
  by_key_.emplace(key, &server);
  if (request.method() == sip::Method::cancel)
    receive_cancel(id, request, *find(key_of(request, via, "INVITE")), now);
  else if (is_merged(server, in)) {
    // Anybody can send copies: nothing is kept of them, and nothing is sent twice (RFC 3261 26.3.2.4).
    release(id);
    return refuse(from, request, 482, "Merged Request");
  } else if (on_new)
    on_new(id);
  else
    context_.user.on_request(id, from, request, now);
  // Most are answered by now and never need a timer.
  if (Server* waiting = servers_.find(id); waiting != nullptr && !waiting->timer.is_set()) arm(*waiting);
}

void ServerTable::receive_ack(const Hop& from, const sip::Message& ack, const Key& key, Now now) {
  Server* server = find(key);
  if (server == nullptr) return context_.user.on_ack(from, ack, now);
  auto* invite = std::get_if<InviteServer>(&server->machine);
  if (invite == nullptr) return;
  const auto actions = invite->on(InviteServer::Event::ack, now.mono);
  perform(*server, actions, {});
  if (actions.pass_ack) context_.user.on_ack(from, ack, now);
}

/// RFC 3261 9.2: the CANCEL is answered on its own, whatever happens to the INVITE.
void ServerTable::receive_cancel(TransactionId id, const sip::Message& cancel, const Server& invite,
                                 Now now) {
  const TransactionId invite_id = invite.id;
  const auto* machine = std::get_if<InviteServer>(&invite.machine);
  const bool is_pending = machine != nullptr && machine->state() == InviteServer::State::proceeding;
  respond(id, sip::Builder::reply(cancel, 200, to_tag_of(invite)).finish(), now);
  if (is_pending) context_.user.on_cancel(invite_id, cancel, now);
}

/// "The To tag of the response to the CANCEL and the To tag in the response to the original request SHOULD be
/// the same" (RFC 3261 9.2).
std::string ServerTable::to_tag_of(const Server& invite) {
  std::string tag;
  if (invite.to_tag)
    tag = *invite.to_tag;
  else if (invite.response)
    tag = to_tag_in(*invite.response);
  return tag.empty() ? context_.random.token(8) : tag;
}

/// The same for copies of one request, though nothing is kept of it (RFC 3261 8.2.7).
std::string ServerTable::stateless_tag(const sip::Message& request) const {
  const auto hash = context_.config.tags.value_or(hash_)(request.call_id());
  std::array<std::uint8_t, 7> octets;  // as many as a short string holds in hexadecimal
  std::memcpy(octets.data(), &hash, octets.size());
  return to_hex(octets);
}

void ServerTable::answer(const Hop& from, const sip::Message& request, std::string_view response,
                         const sip::ViaView* via) {
  if (request.method() == sip::Method::ack) return;
  if (via == nullptr) {
    const auto read = request.top_via_view();
    if (read) return answer(from, request, response, &*read);
    return context_.transport.send(from, share(response), nullptr);
  }
  const auto stamped = stamped_via(*via, from.remote);
  context_.transport.send(response_hop(*via, from),
                          stamped.empty() ? share(response) : with_top_via(response, stamped), nullptr);
}

void ServerTable::refuse(const Hop& from, const sip::Message& request, int status, std::string_view reason) {
  const auto tag = request.has(sip::HeaderId::to) ? stateless_tag(request) : std::string();
  auto builder = sip::Builder::reply(request, status, tag, reason);
  if (status == 503) builder.add(sip::HeaderId::retry_after, overload_pause_seconds);
  answer(from, request, std::move(builder).finish(), nullptr);
}

void ServerTable::respond(TransactionId id, std::string_view response, Now now) {
  Server* server = servers_.find(id);
  if (server == nullptr) return;
  const int status = status_of(response);
  assert(status >= 100);
  // COMPAT: a client that repeats a challenged request with credentials under the same CSeq did not send a
  // copy; nor did one that fails over to another of our addresses (RFC 3263 4.3).
  if (status == 401 || status == 407 || status == 503) forget_origin(*server);
  const auto actions = on_response(server->machine, status, now.mono);
  perform(*server, actions, response);
}

void ServerTable::release(TransactionId id) {
  if (Server* server = servers_.find(id)) close(*server);
}

void ServerTable::on_timer(TransactionId id, Now now) {
  Server* server = servers_.find(id);
  if (server == nullptr) return;
  const auto actions = std::visit(
      [&](auto& machine) { return machine.on(std::decay_t<decltype(machine)>::Event::timer, now.mono); },
      server->machine);
  perform(*server, actions, {});
}

void ServerTable::perform(Server& server, const ServerActions& actions, std::string_view response) {
  const TransactionId id = server.id;
  if (actions.send_response) {
    server.response = server.via.empty() ? share(response) : with_top_via(response, server.via);
    server.request = nullptr;
    transmit(server);
  }
  if (actions.resend && server.response) {
    ++resent_;
    transmit(server);
  }
  if (actions.send_trying) send_trying(server);
  if (actions.destroy) {
    // A client that repeats a request on a stream (it need not), or on its next connection, would be told
    // that its nonce count is used up.
    if (actions.send_response && server.is_authorised) log_answer(server);
    close(server);
    if (actions.no_ack) context_.user.on_failure(id, Failure::no_ack, context_.clock.now());
    return;
  }
  const auto* non_invite = std::get_if<NonInviteServer>(&server.machine);
  if (non_invite != nullptr && non_invite->state() == NonInviteServer::State::completed) {
    log_answer(server);
    return close(server);
  }
  // Copies of a 2xx come from the user (RFC 6026 7.1).
  const auto* invite = std::get_if<InviteServer>(&server.machine);
  if (invite != nullptr && invite->state() == InviteServer::State::accepted && server.response) {
    server.to_tag = share(to_tag_in(*server.response));
    server.response = nullptr;
    if (!std::exchange(server.is_accepted, true)) ++accepted_;
  }
  arm(server);
  if (actions.transport_error) context_.user.on_failure(id, Failure::transport_error, context_.clock.now());
}

/// The same for all copies of one request (RFC 3261 8.2.2.2), and another for another Request-URI, as one
/// server serves many users. COMPAT: for another From, too: two twinkles that start in one second have the
/// same Call-ID, tag and CSeq in their REGISTERs. 0 for requests in a dialog, which are never merged.
std::uint64_t ServerTable::origin_of(const Incoming& in) const {
  if (!in.request.cseq() || !in.request.to_tag().empty()) return 0;
  const auto call = mix(in.call, in.request.header(sip::HeaderId::from));
  return mix(mix(call, in.request.method_text()), in.request.request_uri_text()) | 1;
}

/// Does another transaction handle the same request? If not, this one does from now on.
bool ServerTable::is_merged(Server& server, const Incoming& in) {
  const auto origin = origin_of(in);
  if (origin == 0) return false;
  if (!by_origin_.try_emplace(origin, server.id).second) return true;
  server.origin = origin;
  return false;
}

void ServerTable::forget_origin(Server& server) {
  if (server.origin != 0) by_origin_.erase(std::exchange(server.origin, 0));
}

void ServerTable::on_transport_error(TransactionId id) {
  Server* server = servers_.find(id);
  if (server == nullptr) return;
  const auto now = context_.clock.now().mono;
  const auto actions = std::visit(
      [&](auto& machine) { return machine.on(std::decay_t<decltype(machine)>::Event::transport_error, now); },
      server->machine);
  perform(*server, actions, {});
}

void ServerTable::close(Server& server) {
  forget_origin(server);
  if (server.is_accepted) --accepted_;
  by_key_.erase(server.key);
  servers_.retire(server);
  servers_.destroy(server);
}

/// What is left of a completed machine: on(request_again) sends the answer again, timer J ends it.
void ServerTable::log_answer(const Server& server) {
  const auto* machine = std::get_if<NonInviteServer>(&server.machine);
  if (machine == nullptr) return;
  const Hop hop = server.route.hop();
  answers_.add({.key = server.key,
                .response = *server.response,
                .protocol = hop.protocol,
                .remote = hop.remote,
                .local = hop.local,
                .flow = server.flow,
                .identity = server.identity,
                .until = machine->end()});
  if (!answers_timer_.is_set()) watch_answers();
}

/// Those that end within T1 are dropped together, or when the next request comes: a server at rest need not
/// wake up for each.
void ServerTable::watch_answers() {
  const auto next = answers_.next();
  if (!next) return;
  answers_timer_.set(*next + context_.config.times.t1, [this](Time time) {
    answers_.expire(time);
    watch_answers();
  });
}

void ServerTable::send_trying(Server& server) {
  const auto request = sip::Message::parse(server.request, no_limits);
  if (!request) return;
  const auto text = sip::Builder::reply(*request, 100, {}).finish();
  server.response = server.via.empty() ? share(text) : with_top_via(text, server.via);
  server.request = nullptr;
  transmit(server);
}

void ServerTable::transmit(Server& server) {
  const bool reports = lives_on(server.machine);
  // Anybody can provoke a refusal, and could have it sent to any port.
  if (status_of(*server.response) >= 300) server.route.keep_to_source();
  if (!reports && !server.route.has_more())
    return context_.transport.send(server.route.hop(), server.response, nullptr);
  send({server.id, server.route, server.response, reports});
}

void ServerTable::send(Reply reply) {
  const Hop hop = reply.route.hop();
  const SharedText text = reply.text;
  context_.transport.send(
      hop, text, [this, reply = std::move(reply), alive = std::weak_ptr(context_.alive)](ErrorCode) mutable {
        if (alive.expired()) return;
        const auto next = reply.route.on_failed();
        proceed(std::move(reply), next);
      });
}

/// Later responses of the transaction take the same route. A response for which no hop is left is reported to
/// the user, unless its transaction is over.
void ServerTable::proceed(Reply reply, ResponseRoute::Next next) {
  if (next == ResponseRoute::Next::locate) return locate(std::move(reply));
  if (Server* server = servers_.find(reply.id)) server->route = reply.route;
  if (next == ResponseRoute::Next::send) return send(std::move(reply));
  if (reply.reports) on_transport_error(reply.id);
}

void ServerTable::locate(Reply reply) {
  const auto response = sip::Message::parse(reply.text, no_limits);
  const auto via = response ? response->top_via_view() : Result<sip::ViaView>(response.error());
  if (!via || locating_ >= max_locating) {
    const auto next = reply.route.on_located({});
    return proceed(std::move(reply), next);
  }
  ++locating_;
  const SentBy sent_by = sent_by_of(*via, reply.route.hop().protocol);
  log::debug("transaction", "{}: a response did not reach the source of its request and goes to {}",
             response->call_id(), sent_by.host);
  context_.config.locate(sent_by, [this, reply = std::move(reply),
                                   alive = std::weak_ptr(context_.alive)](std::vector<Hop> hops) {
    if (alive.expired()) return;
    --locating_;
    Reply again = reply;
    const auto next = again.route.on_located(std::move(hops));
    proceed(std::move(again), next);
  });
}

void ServerTable::arm(Server& server) {
  const auto deadline = std::visit([](auto& machine) { return machine.deadline(); }, server.machine);
  if (!deadline) return server.timer.cancel();
  server.timer.set(*deadline,
                   [this, id = server.id](Time time) { on_timer(id, {time, context_.clock.now().wall}); });
}

void ServerTable::dump(const std::function<void(const Layer::Row&)>& visit) const {
  servers_.each([&](const Server& server) {
    const bool invite = std::holds_alternative<InviteServer>(server.machine);
    const auto key = describe(server.response ? server.response : server.request);
    std::visit(
        [&](const auto& machine) {
          visit({server.id, true, invite ? "INVITE" : "non-INVITE", to_string(machine.state()), key,
                 server.route.hop(), machine.deadline()});
        },
        server.machine);
  });
  answers_.each([&](const AnswerLog::Answer& answer) {
    visit({0, true, "non-INVITE", to_string(NonInviteServer::State::completed),
           describe(share(answer.response)),
           Hop{.protocol = answer.protocol, .remote = answer.remote, .local = answer.local}, answer.until});
  });
}

}  // namespace beckon::transaction
