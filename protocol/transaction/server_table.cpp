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

/// RFC 4475 3.2.1: the cookie alone identifies nothing.
bool has_cookie(std::string_view branch) {
  constexpr auto size = sip::magic_cookie.size();
  return branch.size() > size && iequals(branch.substr(0, size), sip::magic_cookie);
}

/// What matches a request with its transaction (RFC 3261 17.2.3). `method` is INVITE for the ACK and the
/// CANCEL of one. RFC 2543 peers have no unique branch: what then tells requests apart is used, without the
/// To tag, which an ACK takes from our response.
std::string key_of(const sip::Message& request, const sip::ViaView& via, std::string_view method) {
  std::string key;
  key.reserve(100);
  if (has_cookie(via.branch)) {
    key.append(via.branch).append("|");
    for (const char c : via.host) key.push_back(to_lower(c));
    key.push_back(':');
    if (via.port) key += std::to_string(*via.port);
    key.append("|").append(method);
    return key;
  }
  const auto cseq = request.cseq();
  key.append(request.call_id()).append("|").append(request.from_tag()).append("|");
  key += std::to_string(cseq ? cseq->number : 0);
  key.append("|").append(request.request_uri_text()).append("|");
  sip::append(key, via);
  key.append("|").append(method);
  return key;
}

/// Of a finished response: "SIP/2.0 200 OK".
int status_of(std::string_view response) {
  return response.size() < 11 ? 0 : parse_number<int>(response.substr(8, 3)).value_or(0);
}

std::string to_tag_in(const SharedText& response) {
  const auto read = sip::Message::parse(response, no_limits);
  return read ? std::string(read->to_tag()) : std::string();
}

/// Will there still be a machine to tell what becomes of a response?
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
      answers_(context.config.max_answer_octets),
      answers_timer_(context.timers) {}

TransactionId ServerTable::find(AnswerLog::Hash hash, std::string_view key) const {
  const auto [begin, end] = by_key_.equal_range(hash);
  for (auto each = begin; each != end; ++each) {
    if (servers_.at(each->second).key == key) return each->second;
  }
  return 0;
}

TransactionId ServerTable::find_invite(const sip::Message& cancel, const sip::ViaView& via) const {
  const auto key = key_of(cancel, via, "INVITE");
  return find(hash_(key), key);
}

void ServerTable::receive(const Hop& from, const sip::Message& request, const sip::ViaView* via, const OnNew& on_new,
                          Now now) {
  if (via) return receive(from, request, *via, on_new, now);
  if (const auto read = request.top_via_view()) return receive(from, request, *read, on_new, now);
  log::debug("transaction", "{} {}: request without a readable Via dropped", print(from.remote),
             request.call_id());
}

void ServerTable::receive(const Hop& from, const sip::Message& request, const sip::ViaView& via, const OnNew& on_new,
                          Now now) {
  const auto method = request.method();
  const bool is_ack = method == sip::Method::ack;
  auto key = key_of(request, via, is_ack ? "INVITE" : request.method_text());
  if (is_ack) return receive_ack(from, request, key, now);

  const auto hash = hash_(key);
  if (const TransactionId id = find(hash, key)) return receive_again(id, now);
  if (repeat_answer(hash, key)) return;
  // Anybody can send one that matches nothing: it leaves nothing behind.
  if (method == sip::Method::cancel && find_invite(request, via) == 0) return refuse(from, request, 481, {});
  if (servers_.size() >= context_.config.max_server_transactions) return refuse(from, request, 503, {});
  open(from, request, via, std::move(key), hash, on_new, now);
}

void ServerTable::receive_again(TransactionId id, Now now) {
  const auto actions = std::visit(
      [&](auto& machine) {
        return machine.on(std::decay_t<decltype(machine)>::Event::request_again, now.mono);
      },
      servers_.at(id).machine);
  perform(id, actions, {});
}

bool ServerTable::repeat_answer(AnswerLog::Hash hash, std::string_view key) {
  const auto answer = answers_.find(hash, key);
  if (!answer) return false;
  context_.transport.send(answer->hop, share(answer->response), nullptr);
  return true;
}

void ServerTable::open(const Hop& from, const sip::Message& request, const sip::ViaView& via, std::string key,
                       AnswerLog::Hash hash, const OnNew& on_new, Now now) {
  const TransactionId id = ++context_.last_id;
  const bool reliable = is_reliable(from.protocol);
  const auto& times = context_.config.times;
  Machine machine = NonInviteServer(reliable, times, now.mono);
  if (request.method() == sip::Method::invite) machine = InviteServer(reliable, times, now.mono);
  ReplyWay way(reply_hop(via, from), via, bool(context_.config.locate));
  auto& server = servers_.try_emplace(id, std::move(machine), std::move(way), context_.timers).first->second;
  server.via = stamped_via(via, from.remote);
  server.request = request.shared_text();
  server.key = std::move(key);
  server.hash = hash;
  by_key_.emplace(hash, id);
  if (request.method() == sip::Method::cancel)
    receive_cancel(id, request, find_invite(request, via), now);
  else if (is_copy(id, server, request))
    respond(id, sip::Builder::reply(request, 482, context_.random.token(8), "Merged Request").finish(), now);
  else if (on_new)
    on_new(id);
  else
    context_.user.on_request(id, from, request, now);
  // Most are answered by now and never need a timer.
  if (const auto found = servers_.find(id); found != servers_.end() && !found->second.timer.is_set())
    arm(id, found->second);
}

void ServerTable::receive_ack(const Hop& from, const sip::Message& ack, const std::string& key, Now now) {
  const TransactionId id = find(hash_(key), key);
  if (id == 0) return context_.user.on_ack(from, ack, now);
  auto* invite = std::get_if<InviteServer>(&servers_.at(id).machine);
  if (invite == nullptr) return;
  const auto actions = invite->on(InviteServer::Event::ack, now.mono);
  perform(id, actions, {});
  if (actions.pass_ack) context_.user.on_ack(from, ack, now);
}

/// RFC 3261 9.2: the CANCEL is answered by itself, whatever becomes of the INVITE.
void ServerTable::receive_cancel(TransactionId id, const sip::Message& cancel, TransactionId invite_id,
                                 Now now) {
  respond(id, sip::Builder::reply(cancel, 200, to_tag_of(servers_.at(invite_id))).finish(), now);
  const auto* invite = std::get_if<InviteServer>(&servers_.at(invite_id).machine);
  if (invite != nullptr && invite->state() == InviteServer::State::proceeding)
    context_.user.on_cancel(invite_id, cancel, now);
}

/// "The To tag of the response to the CANCEL and the To tag in the response to the original request SHOULD be
/// the same" (RFC 3261 9.2).
std::string ServerTable::to_tag_of(const Server& invite) {
  std::string tag;
  if (invite.to_tag)
    tag = *invite.to_tag;
  else if (invite.response)
    tag = to_tag_in(invite.response);
  return tag.empty() ? context_.random.token(8) : tag;
}

/// The same for copies of one request, though nothing is kept of it (RFC 3261 8.2.7).
std::string ServerTable::stateless_tag(const sip::Message& request) const {
  const auto hash = context_.config.tags.value_or(hash_)(request.call_id());
  std::array<std::uint8_t, 7> octets;  // as many as a short string holds in hexadecimal
  std::memcpy(octets.data(), &hash, octets.size());
  return to_hex(octets);
}

void ServerTable::answer(const Hop& from, const sip::Message& request, std::string response,
                         const sip::ViaView* via) {
  if (request.method() == sip::Method::ack) return;
  if (via == nullptr) {
    const auto read = request.top_via_view();
    if (read) return answer(from, request, std::move(response), &*read);
    return context_.transport.send(from, share(response), nullptr);
  }
  if (const auto stamped = stamped_via(*via, from.remote); !stamped.empty())
    replace_top_via(response, stamped);
  context_.transport.send(reply_hop(*via, from), share(response), nullptr);
}

void ServerTable::refuse(const Hop& from, const sip::Message& request, int status, std::string_view reason) {
  const auto tag = request.has(sip::HeaderId::to) ? stateless_tag(request) : std::string();
  auto builder = sip::Builder::reply(request, status, tag, reason);
  if (status == 503) builder.add(sip::HeaderId::retry_after, overload_pause_seconds);
  answer(from, request, std::move(builder).finish(), nullptr);
}

void ServerTable::respond(TransactionId id, std::string response, Now now) {
  const auto found = servers_.find(id);
  if (found == servers_.end()) return;
  const int status = status_of(response);
  assert(status >= 100);
  // COMPAT: who repeats a challenged request with credentials under the same CSeq is not taken for a copy;
  // nor is who fails over to another of our addresses (RFC 3263 4.3).
  if (status == 401 || status == 407 || status == 503) forget_origin(found->second);
  const auto actions = on_response(found->second.machine, status, now.mono);
  perform(id, actions, std::move(response));
}

void ServerTable::release(TransactionId id) {
  if (servers_.contains(id)) close(id);
}

void ServerTable::on_timer(TransactionId id, Now now) {
  const auto found = servers_.find(id);
  if (found == servers_.end()) return;
  const auto actions = std::visit(
      [&](auto& machine) { return machine.on(std::decay_t<decltype(machine)>::Event::timer, now.mono); },
      found->second.machine);
  perform(id, actions, {});
}

void ServerTable::perform(TransactionId id, const ServerActions& actions, std::string response) {
  auto& server = servers_.at(id);
  if (actions.send_response) {
    if (!server.via.empty()) replace_top_via(response, server.via);
    server.response = share(std::move(response));
    server.request = nullptr;
    transmit(id, server);
  }
  if (actions.resend && server.response) transmit(id, server);
  if (actions.send_trying) send_trying(id, server);
  if (actions.destroy) {
    close(id);
    if (actions.no_ack) context_.user.on_failure(id, Failure::no_ack, context_.clock.now());
    return;
  }
  const auto* non_invite = std::get_if<NonInviteServer>(&server.machine);
  if (non_invite != nullptr && non_invite->state() == NonInviteServer::State::completed) {
    log_answer(server);
    return close(id);
  }
  // Copies of a 2xx come from the user (RFC 6026 7.1).
  const auto* invite = std::get_if<InviteServer>(&server.machine);
  if (invite != nullptr && invite->state() == InviteServer::State::accepted && server.response) {
    server.to_tag = share(to_tag_in(server.response));
    server.response = nullptr;
  }
  arm(id, server);
  if (actions.transport_error) context_.user.on_failure(id, Failure::transport_error, context_.clock.now());
}

/// The same for all copies of one request, whatever way they took here: From-tag, Call-ID, CSeq (RFC
/// 3261 8.2.2.2), and the Request-URI, as one server speaks for many users. 0 for what is never merged:
/// requests in a dialog.
AnswerLog::Hash ServerTable::origin_of(const sip::Message& request) const {
  const auto cseq = request.cseq();
  if (!cseq || !request.to_tag().empty()) return 0;
  AnswerLog::Hash hash = cseq->number;
  for (const auto part :
       {request.call_id(), request.from_tag(), request.method_text(), request.request_uri_text()})
    hash = hash * 0x9e3779b97f4a7c15U ^ hash_(part);
  return hash | 1;
}

/// Is another transaction busy with the same request? If not, this one is from now on.
bool ServerTable::is_copy(TransactionId id, Server& server, const sip::Message& request) {
  const auto origin = origin_of(request);
  if (origin == 0) return false;
  if (!by_origin_.try_emplace(origin, id).second) return true;
  server.origin = origin;
  return false;
}

void ServerTable::forget_origin(Server& server) {
  if (server.origin != 0) by_origin_.erase(std::exchange(server.origin, 0));
}

void ServerTable::on_transport_error(TransactionId id) {
  const auto found = servers_.find(id);
  if (found == servers_.end()) return;
  const auto now = context_.clock.now().mono;
  const auto actions = std::visit(
      [&](auto& machine) { return machine.on(std::decay_t<decltype(machine)>::Event::transport_error, now); },
      found->second.machine);
  perform(id, actions, {});
}

void ServerTable::close(TransactionId id) {
  const auto found = servers_.find(id);
  forget_origin(found->second);
  const auto [begin, end] = by_key_.equal_range(found->second.hash);
  by_key_.erase(std::find_if(begin, end, [id](const auto& each) { return each.second == id; }));
  servers_.erase(found);
}

/// What is left of a completed machine: on(request_again) resends, timer J ends it.
void ServerTable::log_answer(const Server& server) {
  const auto until = std::get<NonInviteServer>(server.machine).deadline();
  answers_.add(server.hash,
               {.key = server.key, .response = *server.response, .hop = server.way.hop(), .until = *until});
  if (!answers_timer_.is_set()) watch_answers();
}

void ServerTable::watch_answers() {
  const auto next = answers_.next();
  if (!next) return;
  answers_timer_.set(*next, [this](Time time) {
    answers_.expire(time);
    watch_answers();
  });
}

void ServerTable::send_trying(TransactionId id, Server& server) {
  const auto request = sip::Message::parse(server.request, no_limits);
  if (!request) return;
  auto text = sip::Builder::reply(*request, 100, {}).finish();
  if (!server.via.empty()) replace_top_via(text, server.via);
  server.response = share(std::move(text));
  server.request = nullptr;
  transmit(id, server);
}

void ServerTable::transmit(TransactionId id, Server& server) {
  const bool is_told = lives_on(server.machine);
  // Anybody can have a refusal, and would have it sent to whatever port he names.
  if (status_of(*server.response) >= 300) server.way.stay_back();
  if (!is_told && !server.way.has_more())
    return context_.transport.send(server.way.hop(), server.response, nullptr);
  send({id, server.way, server.response, is_told});
}

void ServerTable::send(Reply reply) {
  const Hop hop = reply.way.hop();
  const SharedText text = reply.text;
  context_.transport.send(hop, text,
                          [this, reply = std::move(reply), alive = std::weak_ptr(context_.alive)](ErrorCode) {
                            if (alive.expired()) return;
                            Reply again = reply;
                            const auto next = again.way.on_failed();
                            proceed(std::move(again), next);
                          });
}

/// What comes behind it in the same transaction goes the same way. What can be sent nowhere is told to the
/// user, unless his transaction is over with it.
void ServerTable::proceed(Reply reply, ReplyWay::Next next) {
  if (next == ReplyWay::Next::locate) return locate(std::move(reply));
  if (const auto found = servers_.find(reply.id); found != servers_.end()) found->second.way = reply.way;
  if (next == ReplyWay::Next::send) return send(std::move(reply));
  if (reply.is_told) on_transport_error(reply.id);
}

void ServerTable::locate(Reply reply) {
  const auto response = sip::Message::parse(reply.text, no_limits);
  if (!response || !response->top_via_view() || locating_ >= max_locating) {
    const auto next = reply.way.on_found({});
    return proceed(std::move(reply), next);
  }
  ++locating_;
  const SentBy sent_by = sent_by_of(*response->top_via_view(), reply.way.hop().protocol);
  log::debug("transaction", "{}: a response cannot be sent back and goes to {}", response->call_id(),
             sent_by.host);
  context_.config.locate(sent_by, [this, reply = std::move(reply),
                                   alive = std::weak_ptr(context_.alive)](std::vector<Hop> hops) {
    if (alive.expired()) return;
    --locating_;
    Reply again = reply;
    const auto next = again.way.on_found(std::move(hops));
    proceed(std::move(again), next);
  });
}

void ServerTable::arm(TransactionId id, Server& server) {
  const auto deadline = std::visit([](auto& machine) { return machine.deadline(); }, server.machine);
  if (!deadline) {
    server.timer.cancel();
    return;
  }
  server.timer.set(*deadline, [this, id](Time time) { on_timer(id, {time, context_.clock.now().wall}); });
}

void ServerTable::dump(const std::function<void(const Layer::Row&)>& visit) const {
  for (const auto& [id, server] : servers_) {
    const bool invite = std::holds_alternative<InviteServer>(server.machine);
    std::visit(
        [&](const auto& machine) {
          visit({id, true, invite ? "INVITE" : "non-INVITE", to_string(machine.state()), server.key,
                 server.way.hop(), machine.deadline()});
        },
        server.machine);
  }
  answers_.each([&](const AnswerLog::Answer& answer) {
    visit({0, true, "non-INVITE", to_string(NonInviteServer::State::completed), answer.key, answer.hop,
           answer.until});
  });
}

}  // namespace beckon::transaction
