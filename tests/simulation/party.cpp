#include "tests/simulation/party.hpp"

#include <fmt/format.h>

#include "protocol/base/text.hpp"
#include "protocol/sip/builder.hpp"

namespace beckon::simulation {

using sip::HeaderId;
using sip::Method;
using transaction::Failure;
using transaction::Hop;
using transaction::Outcome;
using transaction::TransactionId;

namespace {

constexpr transaction::Times times;

/// Where the peer that wrote this Contact listens, for datagrams.
std::optional<Hop> contact_hop(const sip::Message& message, const Address& local) {
  const auto contacts = message.contacts();
  if (!contacts || contacts->empty()) return std::nullopt;
  const sip::Uri& uri = contacts->front().uri;
  const auto remote = parse_address(uri.host + ':' + std::to_string(uri.port.value_or(5060)));
  if (!remote) return std::nullopt;
  return Hop{transaction::Protocol::udp, *remote, local, 0};
}

}  // namespace

std::string transaction_key(const sip::Message& message) {
  const auto via = message.top_via();
  const auto cseq = message.cseq();
  if (!via || !cseq) return {};
  return std::string(via->branch()) + ' ' + std::to_string(cseq->number);
}

Party::Party(SipNetwork& network, Faults& faults, std::string name, const Address& address,
             SipPort::Streams streams)
    : world_(network.datagrams().world()),
      faults_(faults),
      name_(std::move(name)),
      address_(address),
      timers_(world_.make_timers(heap::Owner::server)),
      port_(network, address, streams,
            {.on_message =
                 [this](const Hop& from, const sip::Message& message) {
                   const heap::Scope scope(heap::Owner::server);
                   on_message(from, message);
                 },
             .on_flow_opened = [](const Hop&) {},
             .on_flow_closed =
                 [this](transaction::FlowId flow) {
                   const heap::Scope scope(heap::Owner::server);
                   layer_.on_flow_closed(flow, world_.now());
                 }}),
      layer_({}, port_, *timers_, world_, world_.random(), *this) {}

void Party::later(Duration after, std::function<void()> work) {
  timers_->set(now().mono + after, [work = std::move(work)](Time) { work(); });
}

bool Party::chance(double share) { return random().unit() < share; }

Duration Party::within(Duration longest) {
  return Duration(static_cast<Duration::rep>(random().unit() * static_cast<double>(longest.count())));
}

// As a client

void Party::request(const Wish& wish) {
  const std::string call_id = name_ + '-' + std::to_string(++calls_);
  std::string text = fmt::format(
      "{} sip:{}@example.org SIP/2.0\r\nMax-Forwards: 70\r\nFrom: <sip:{}@example.org>;tag=from\r\nTo: "
      "<sip:{}@example.org>\r\nCall-ID: {}\r\nCSeq: 1 {}\r\n",
      wish.method, wish.user, name_, wish.user, call_id, wish.method);
  if (wish.method == "INVITE") text += "Contact: <sip:" + name_ + '@' + print(address_) + ">\r\n";
  if (wish.pad > 0) text += "Subject: " + std::string(wish.pad, 'x') + "\r\n";
  text += "Content-Length: 0\r\n\r\n";
  Sent& sent = sent_[call_id];
  sent.what = wish.method + ' ' + call_id;
  sent.invite = wish.method == "INVITE";
  const auto id = layer_.send(
      std::move(text), wish.hop,
      [this, call_id](const Outcome& outcome, Now) { on_outcome(call_id, outcome); }, now());
  if (wish.cancel_after && sent.invite)
    later(*wish.cancel_after, [this, id] { layer_.cancel(id, {}, now()); });
  if (!sent.invite) return;
  sent.hang_up = std::make_unique<Timer>(*timers_);
  sent.hang_up->set(now().mono + longest_ringing, [this, id](Time) { layer_.cancel(id, {}, now()); });
}

void Party::on_outcome(const std::string& call_id, const Outcome& outcome) {
  if (outcome.kind == Outcome::Kind::provisional) return;
  Sent& sent = sent_.at(call_id);
  if (++sent.ends > 1) fail("a second end", sent.what);
  sent.hang_up.reset();
  if (outcome.kind == Outcome::Kind::timeout && sent.arrived != 0)
    fail("a timeout, though " + std::to_string(sent.arrived) + " had arrived", sent.what);
  if (outcome.kind == Outcome::Kind::final && outcome.status != sent.arrived)
    fail(fmt::format("ended with {}, but {} came first", outcome.status, sent.arrived), sent.what);
  if (sent.invite && outcome.response != nullptr && outcome.status < 300) acknowledge(*outcome.response);
}

/// The ACK of a 2xx is the user's, and each copy of the 2xx gets it again (RFC 3261 13.2.2.4).
void Party::acknowledge(const sip::Message& response) {
  const auto hop = contact_hop(response, address_);
  if (!hop) return fail("a 2xx without Contact", std::string(response.call_id()));
  auto ack = sip::Builder::request("ACK", "sip:" + print(hop->remote));
  ack.add(HeaderId::max_forwards, std::uint32_t{70});
  ack.copy(response, HeaderId::from).copy(response, HeaderId::to).copy(response, HeaderId::call_id);
  ack.add(HeaderId::cseq, "1 ACK");
  layer_.send_ack(std::move(ack).finish(), *hop, now());
}

void Party::on_response(const Hop&, const sip::Message& response, Now) { take_further(response); }

void Party::take_further(const sip::Message& response) { acknowledge(response); }

// As a server

void Party::on_message(const Hop& from, const sip::Message& message) {
  const bool final = message.is_response() && message.status() >= 200 && message.method() != Method::cancel;
  if (const auto sent = final ? sent_.find(std::string(message.call_id())) : sent_.end(); sent != sent_.end())
    if (sent->second.arrived == 0 && sent->second.ends == 0) sent->second.arrived = message.status();
  const bool ack = message.is_request() && message.method() == Method::ack;
  if (ack) note_ack(message);
  layer_.receive(from, message, now());
  const Served* accepted = ack ? find_accepted(message) : nullptr;
  if (accepted != nullptr && !accepted->acknowledged) fail("an ACK was swallowed", accepted->key);
}

/// The ACK of a refusal has the branch of its INVITE.
void Party::note_ack(const sip::Message& ack) {
  const auto known = by_key_.find(transaction_key(ack));
  if (known != by_key_.end() && served_.at(known->second).status >= 300)
    served_.at(known->second).acknowledged = true;
}

Party::Served* Party::find_accepted(const sip::Message& ack) {
  for (auto& [id, served] : served_)
    if (served.status / 100 == 2 && served.message.call_id() == ack.call_id() && ack.to_tag() == tag())
      return &served;
  return nullptr;
}

void Party::on_ack(const Hop&, const sip::Message& ack, Now) {
  if (Served* served = find_accepted(ack)) served->acknowledged = true;
}

void Party::on_request(TransactionId id, const Hop&, const sip::Message& request, Now) {
  std::string key = transaction_key(request);
  if (!by_key_.emplace(key, id).second) fail("a request is seen twice", key);
  Served& served = served_[id];
  served.key = std::move(key);
  served.message = request;
  serve(id, request);
}

void Party::on_cancel(TransactionId id, const sip::Message&, Now) { give_up(id); }

void Party::on_failure(TransactionId id, Failure why, Now) {
  if (why != Failure::no_ack) return;
  Served& served = served_.at(id);
  if (served.acknowledged) fail("told that no ACK had come, which had", served.key);
  served.told_no_ack = true;
}

void Party::serve(TransactionId id, const sip::Message& request) {
  const bool invite = request.method() == Method::invite;
  // Most answer at once, some take their time, and some of these take longer than their peer waits.
  const Duration after = chance(0.7) ? within(1s) : within(slowest_answer);
  if (invite && chance(0.6)) later(within(after), [this, id] { answer(id, 180); });
  const int status = chance(0.6) ? 200 : invite ? 486 : 404;
  later(after, [this, id, status] { answer(id, status); });
}

void Party::give_up(TransactionId id) { answer(id, 487); }

void Party::answer(TransactionId id, int status) {
  const sip::Message request = served_.at(id).message;
  if (served_.at(id).status != 0) return;
  auto reply = sip::Builder::reply(request, status, tag());
  const bool invite = request.method() == Method::invite;
  if (invite) reply.add(HeaderId::contact, "<sip:" + name_ + '@' + print(address_) + '>');
  std::string text = std::move(reply).finish();
  if (invite && status / 100 == 2) repeat(id, {text, now().mono + times.timeout(), times.t1});
  pass(id, status, std::move(text));
}

void Party::pass(TransactionId id, int status, std::string text) {
  Served& served = served_.at(id);
  if (status >= 200 && served.status == 0) served.status = status;
  layer_.respond(id, std::move(text), now());
}

/// "The 2xx response is passed to the transport with an interval that starts at T1 seconds and doubles for
/// each retransmission until it reaches T2 seconds" (RFC 3261 13.3.1.4).
void Party::repeat(TransactionId id, Copies copies) {
  const Duration pause = copies.pause;
  copies.pause = std::min(2 * pause, times.t2);
  later(pause, [this, id, copies = std::move(copies)] {
    if (served_.at(id).acknowledged || now().mono >= copies.end) return;
    layer_.respond(id, copies.text, now());
    repeat(id, copies);
  });
}

// At the end

std::size_t Party::open() const {
  std::size_t open = 0;
  for (const auto& [call_id, sent] : sent_) open += sent.ends == 0 ? 1 : 0;
  for (const auto& [id, served] : served_) open += served.status == 0 ? 1 : 0;
  return open;
}

void Party::check_transactions() {
  layer_.dump([this](const transaction::Layer::Row& row) {
    fail("a transaction outlives its timers",
         std::string(row.machine) + ' ' + std::string(row.state) + ' ' + std::string(row.key));
  });
}

void Party::check_end() {
  if (timers_->size() != 0) fail("timers are left", std::to_string(timers_->size()));
  for (const auto& [id, served] : served_) {
    const bool refused = served.message.method() == Method::invite && served.status >= 300;
    if (refused && !served.acknowledged && !served.told_no_ack)
      fail("a refusal neither acknowledged nor told to be not", served.key);
  }
}

}  // namespace beckon::simulation
