#include "tools/bench/load/driver.hpp"

#include <fmt/compile.h>
#include <fmt/format.h>
#include <sched.h>

#include <algorithm>
#include <charconv>
#include <stdexcept>
#include <utility>

namespace beckon::bench {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds t1{500}, t2{4000}, give_up{32000};
constexpr milliseconds look_again{50};  ///< How often old requests are looked for.
constexpr std::size_t batch = 64;
constexpr unsigned unanswered_at_most = 64;
constexpr std::uint32_t none = UINT32_MAX;
/// What a call offers and answers.
constexpr std::string_view session =
    "v=0\r\no=- 3724394400 3724394405 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
    "m=audio 49172 RTP/AVP 0 8 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n"
    "a=rtpmap:101 telephone-event/8000\r\na=sendrecv\r\n";
constexpr std::string_view hello = "Shall we meet at noon in the big hall?\r\n";

std::uint32_t cseq_in(std::string_view text) {
  const std::string_view value = header(text, "CSeq");
  std::uint32_t number = 0;
  std::from_chars(value.data(), value.data() + value.size(), number);
  return number;
}

std::string address(std::string_view name) { return fmt::format(FMT_COMPILE("sip:{}@{}"), name, domain); }

}  // namespace

Totals& Totals::operator+=(const Totals& other) {
  completed += other.completed;
  notifies += other.notifies;
  failures += other.failures;
  retransmissions += other.retransmissions;
  seconds += other.seconds;
  return *this;
}

Driver::Driver(std::uint16_t server_port, std::uint32_t presentities, bool digest)
    : link_(make_udp_link(server_port, 1)),
      port_(link_->port()),
      presentities_(std::max(presentities, 1u)),
      digest_(digest),
      etags_(presentities_) {}

Totals Driver::run(const Job& job) {
  begin(job);
  while (!is_done()) step(20);
  return end();
}

void Driver::begin(const Job& job) {
  job_ = job;
  totals_ = {};
  next_ = job.operation == Operation::subscribe ? static_cast<std::uint32_t>(dialogs_.size()) : 0;
  idle_.clear();
  slots_.assign(job.actors, none);
  flights_.clear();
  flights_.resize(job.window);
  free_.clear();
  for (std::uint32_t i = 0; i < job.window; ++i) free_.push_back(i);
  if (job.operation == Operation::bind) bound_.resize(std::max<std::size_t>(bound_.size(), job.actors));
  began_ = now_ = looked_ = Clock::now();
}

bool Driver::is_done() const {
  if (free_.size() < flights_.size()) return false;
  return job_.seconds > 0 ? now_ - began_ >= std::chrono::duration<double>(job_.seconds)
                          : next_ >= job_.actors;
}

Totals Driver::end() {
  totals_.seconds = std::chrono::duration<double>(Clock::now() - began_).count();
  return totals_;
}

std::optional<std::uint32_t> Driver::next_actor() {
  const bool timed = job_.seconds > 0;
  if (timed && now_ - began_ >= std::chrono::duration<double>(job_.seconds)) return std::nullopt;
  if (next_ < job_.actors || (timed && job_.operation == Operation::subscribe)) return next_++;
  if (!timed || idle_.empty()) return std::nullopt;
  const std::uint32_t actor = idle_.front();
  idle_.pop_front();
  return actor;
}

void Driver::step(int wait) {
  while (!free_.empty()) {
    const auto actor = next_actor();
    if (!actor) break;
    launch(*actor);
  }
  flush();
  link_->receive(wait, [this](std::string_view text) { take(text); });
  flush();
  now_ = Clock::now();
  if (now_ - looked_ < look_again) return;
  looked_ = now_;
  retransmit();
}

void Driver::launch(std::uint32_t actor) {
  const std::uint32_t slot = free_.back();
  free_.pop_back();
  if (actor >= slots_.size()) slots_.resize(actor + 1, none);
  slots_[actor] = slot;
  Flight& flight = flights_[slot];
  flight.open = true;
  flight.ticket = {slot, ++serial_};
  flight.actor = actor;
  flight.answered = flight.delivered = flight.hung_up = flight.challenged = flight.failed = false;
  flight.notifies = job_.operation == Operation::publish ? job_.notifies : 0;
  if (job_.operation == Operation::subscribe || job_.operation == Operation::refresh) flight.notifies = 1;
  flight.text = text(actor, flight.ticket);
  if (job_.operation == Operation::publish) flight.mark = pidf_mark(flight.ticket.serial);
  send_request(flight);
}

/// The first time; `retransmit` does the rest.
void Driver::send_request(Flight& flight) {
  flight.sent = now_;
  flight.interval = t1;
  flight.again = now_ + t1;
  send(flight.text);
}

std::string Driver::text(std::uint32_t actor, Ticket ticket) {
  const std::string call = fmt::format(FMT_COMPILE("c{:08x}{:08x}@127.0.0.1"), ticket.slot, ticket.serial);
  switch (job_.operation) {
    case Operation::echo:
      return echo_text(ticket);
    case Operation::options: {
      const auto uri = fmt::format(FMT_COMPILE("sip:{}"), domain);
      return print({.method = "OPTIONS",
                    .uri = uri,
                    .from = "bench",
                    .to = {},
                    .to_tag = {},
                    .call_id = call,
                    .headers = "Accept: application/sdp\r\n",
                    .body = {}},
                   ticket, port_);
    }
    case Operation::bind: {
      const auto uri = fmt::format(FMT_COMPILE("sip:{}"), domain);
      const std::string name = user('u', actor);
      const auto registration = fmt::format(FMT_COMPILE("r{}@127.0.0.1"), actor);
      const auto contact =
          fmt::format(FMT_COMPILE("Contact: <sip:{}@127.0.0.1:{}>;expires=3600\r\n"), name, port_);
      return print({.method = "REGISTER",
                    .uri = uri,
                    .from = name,
                    .to = name,
                    .to_tag = {},
                    .call_id = registration,
                    .cseq = ++bound_[actor],
                    .headers = contact + proof(actor, "REGISTER", uri),
                    .body = {}},
                   ticket, port_);
    }
    case Operation::call:
      return call_text(actor, ticket);
    case Operation::message:
    case Operation::store: {
      const bool is_away = job_.operation == Operation::store;
      const std::string from = user('u', actor);
      const std::string to = is_away ? user('o', actor) : user('u', (actor + 1) % job_.actors);
      const std::string uri = address(to);
      return print({.method = "MESSAGE",
                    .uri = uri,
                    .from = from,
                    .to = to,
                    .to_tag = {},
                    .call_id = call,
                    .headers = "Content-Type: text/plain\r\n" + proof(actor, "MESSAGE", uri),
                    .body = hello},
                   ticket, port_);
    }
    case Operation::publish: {
      const std::string name = user('p', actor);
      std::string headers = "Event: presence\r\nExpires: 3600\r\nContent-Type: application/pidf+xml\r\n";
      if (!etags_[actor].empty()) headers += fmt::format(FMT_COMPILE("SIP-If-Match: {}\r\n"), etags_[actor]);
      const std::string body = pidf(name, ticket.serial);
      return print({.method = "PUBLISH",
                    .uri = address(name),
                    .from = name,
                    .to = name,
                    .to_tag = {},
                    .call_id = call,
                    .headers = headers,
                    .body = body},
                   ticket, port_);
    }
    case Operation::subscribe:
    case Operation::refresh:
      return subscribe_text(actor, ticket);
  }
  return {};
}

std::string Driver::call_text(std::uint32_t actor, Ticket ticket) {
  const std::string from = user('u', actor), to = user('u', (actor + 1) % job_.actors);
  const auto call = fmt::format(FMT_COMPILE("c{:08x}{:08x}@127.0.0.1"), ticket.slot, ticket.serial);
  const std::string uri = address(to);
  return print({.method = "INVITE",
                .uri = uri,
                .from = from,
                .to = to,
                .to_tag = {},
                .call_id = call,
                .headers = fmt::format(FMT_COMPILE("Contact: <sip:{}@127.0.0.1:{}>\r\n"
                                                   "Content-Type: application/sdp\r\n"),
                                       from, port_) +
                           proof(actor, "INVITE", uri),
                .body = session},
               ticket, port_);
}

std::string Driver::subscribe_text(std::uint32_t number, Ticket ticket) {
  if (number >= dialogs_.size()) dialogs_.resize(number + 1);
  Dialog& dialog = dialogs_[number];
  const std::string from = user('w', watcher_of(number)), to = user('p', presentity_of(number));
  const auto call = fmt::format(FMT_COMPILE("d{:08x}@127.0.0.1"), number);
  auto headers =
      fmt::format(FMT_COMPILE("Contact: <sip:{}@127.0.0.1:{}>\r\n"
                              "Event: presence\r\nExpires: 3600\r\n"
                              "Accept: application/pidf+xml{}\r\n"),
                  from, port_, job_.form == Form::partial ? ";q=0.5, application/pidf-diff+xml" : "");
  if (job_.form == Form::conditional && !dialog.entity_tag.empty())
    headers += fmt::format(FMT_COMPILE("Suppress-If-Match: {}\r\n"), dialog.entity_tag);
  return print({.method = "SUBSCRIBE",
                .uri = dialog.target.empty() ? address(to) : dialog.target,
                .from = from,
                .to = to,
                .to_tag = dialog.tag,
                .call_id = call,
                .cseq = ++dialog.cseq,
                .headers = headers,
                .body = {}},
               ticket, port_);
}

std::uint32_t Driver::watcher_of(std::uint32_t dialog) const {
  return dialog / std::min(presentities_, 100u);
}

void Driver::take(std::string_view text) {
  const int status = status_in(text);
  if (status >= 200 || job_.operation == Operation::echo) return on_response(text, status);
  if (status != 0) return;
  if (text.starts_with("NOTIFY ")) return on_notify(text);
  if (text.starts_with("MESSAGE ")) return on_message(text);
  if (text.starts_with("INVITE ")) return on_invite(text);
  if (text.starts_with("BYE ")) return send(ok(text));
  if (text.starts_with("ACK ")) return;
  ++unexpected_;
}

void Driver::on_response(std::string_view text, int status) {
  const auto ticket = ticket_in(text);
  if (!ticket || ticket->slot >= flights_.size()) return void(++unexpected_);
  Flight& flight = flights_[ticket->slot];
  // A response to a retransmission may come after the operation's end.
  if (!flight.open || flight.ticket.serial != ticket->serial || flight.answered) return;
  unanswered_ = 0;
  if (job_.operation == Operation::call && !flight.hung_up && status / 100 == 2) return hang_up(flight, text);
  if (digest_ && (status == 401 || status == 407) && prove(flight, text)) return;
  flight.answered = true;
  if (status == 204) flight.notifies = 0;
  const bool is_good = job_.operation == Operation::store ? status == 202 : status / 100 == 2;
  if (is_good || job_.operation == Operation::echo) {
    keep(flight, text);
  } else {
    flight.failed = true;
    flight.notifies = 0;
  }
  finish_if_complete(flight);
}

/// Sends the request anew, with what the challenge asks for. False: it was asked before, or cannot be
/// answered.
bool Driver::prove(Flight& flight, std::string_view response) {
  if (job_.operation == Operation::call) {
    const std::string from = user('u', flight.actor), to = user('u', (flight.actor + 1) % job_.actors);
    const std::string tag(tag_in(header(response, "To"))), call(header(response, "Call-ID"));
    const std::string uri = address(to);
    send(print({.method = "ACK",
                .uri = uri,
                .from = from,
                .to = to,
                .to_tag = tag,
                .call_id = call,
                .headers = {},
                .body = {}},
               flight.ticket, port_));
  }
  if (std::exchange(flight.challenged, true)) return false;
  std::optional<auth::Challenge> challenge;
  for (const std::string_view name : {"WWW-Authenticate: ", "Proxy-Authenticate: "})
    for (auto at = response.find(name); at != response.npos; at = response.find(name, at + 1)) {
      const std::string_view value = response.substr(at + name.size());
      const auto offered = auth::parse_challenge(value.substr(0, value.find('\r')));
      if (offered && offered->algorithm == auth::Algorithm::sha256) challenge = *offered;
    }
  if (!challenge) return false;
  if (flight.actor >= proofs_.size()) proofs_.resize(flight.actor + 1);
  proofs_[flight.actor] = Proof{*challenge};
  flight.ticket.serial = ++serial_;
  flight.text = text(flight.actor, flight.ticket);
  send_request(flight);
  return true;
}

/// A header line; empty where nobody has asked yet.
std::string Driver::proof(std::uint32_t number, std::string_view method, std::string_view uri) {
  if (number >= proofs_.size() || !proofs_[number]) return {};
  Proof& proof = *proofs_[number];
  const std::string name = user('u', number);
  return fmt::format(FMT_COMPILE("{}: {}\r\n"),
                     method == "REGISTER" ? "Authorization" : "Proxy-Authorization",
                     auth::answer(proof.challenge, {.user = name,
                                                    .password = password,
                                                    .method = method,
                                                    .uri = uri,
                                                    .cnonce = "0a4f113b",
                                                    .count = ++proof.count}));
}

void Driver::keep(const Flight& flight, std::string_view response) {
  if (job_.operation == Operation::publish) etags_[flight.actor] = header(response, "SIP-ETag");
  if (job_.operation != Operation::subscribe) return;
  Dialog& dialog = dialogs_[flight.actor];
  dialog.tag = tag_in(header(response, "To"));
  dialog.target = bracketed(header(response, "Contact"));
}

void Driver::on_notify(std::string_view text) {
  send(ok(text));
  const std::string_view call = header(text, "Call-ID");
  const auto number = call.starts_with('d') ? hexadecimal(call.substr(1, 8)) : std::nullopt;
  if (!number || *number >= dialogs_.size()) return void(++unexpected_);
  Dialog& dialog = dialogs_[*number];
  const std::uint32_t cseq = cseq_in(text);
  if (cseq <= dialog.notified) return void(++totals_.retransmissions);
  dialog.notified = cseq;
  ++notifies_;
  notify_octets_ += text.size();
  if (job_.form == Form::conditional) dialog.entity_tag = header(text, "SIP-ETag");
  const bool publish = job_.operation == Operation::publish;
  const std::uint32_t actor = publish ? presentity_of(*number) : *number;
  const std::uint32_t slot = actor < slots_.size() ? slots_[actor] : none;
  if (slot == none || flights_[slot].notifies == 0) return void(++unexpected_);
  Flight& flight = flights_[slot];
  if (!header(text, "Subscription-State").starts_with("active")) flight.failed = true;
  if (publish && text.find(flight.mark) == std::string_view::npos) flight.failed = true;
  --flight.notifies;
  ++totals_.notifies;
  finish_if_complete(flight);
}

void Driver::on_message(std::string_view text) {
  send(ok(text));
  const std::string_view call = header(text, "Call-ID");
  const auto slot = call.starts_with('c') ? hexadecimal(call.substr(1, 8)) : std::nullopt;
  if (!slot || *slot >= flights_.size()) return void(++unexpected_);
  if (std::exchange(flights_[*slot].delivered, true)) ++totals_.retransmissions;
}

void Driver::on_invite(std::string_view text) {
  const auto contact = fmt::format(FMT_COMPILE("Contact: <{}>\r\n"), text.substr(7, text.find(' ', 7) - 7));
  send(answer(text, "180 Ringing", contact, {}));
  send(answer(text, "200 OK", contact + "Content-Type: application/sdp\r\n", session));
}

/// ACK and BYE, by way of the server where it stays in the dialog's path.
void Driver::hang_up(Flight& flight, std::string_view response) {
  const std::string from = user('u', flight.actor), to = user('u', (flight.actor + 1) % job_.actors);
  const std::string call(header(response, "Call-ID")), tag(tag_in(header(response, "To")));
  const std::string target(bracketed(header(response, "Contact")));
  std::string route;
  if (const auto value = header(response, "Record-Route"); !value.empty())
    route = fmt::format(FMT_COMPILE("Route: {}\r\n"), value);
  Request request{.method = "ACK",
                  .uri = target,
                  .from = from,
                  .to = to,
                  .to_tag = tag,
                  .call_id = call,
                  .headers = route,
                  .body = {}};
  send(print(request, {flight.ticket.slot, ++serial_}, port_));
  request.method = "BYE";
  request.cseq = 2;
  flight.ticket.serial = ++serial_;
  flight.hung_up = true;
  flight.text = print(request, flight.ticket, port_);
  send_request(flight);
}

void Driver::finish_if_complete(Flight& flight) {
  if (flight.answered && flight.notifies == 0) finish(flight);
}

void Driver::finish(Flight& flight) {
  flight.open = false;
  ++(flight.failed ? totals_.failures : totals_.completed);
  slots_[flight.actor] = none;
  if (job_.seconds > 0 && job_.operation != Operation::subscribe) idle_.push_back(flight.actor);
  free_.push_back(flight.ticket.slot);
}

void Driver::retransmit() {
  for (Flight& flight : flights_) {
    if (!flight.open) continue;
    if (now_ - flight.sent > give_up) {
      if (++unanswered_ == unanswered_at_most) throw std::runtime_error("the server does not answer");
      flight.failed = true;
      finish(flight);
    } else if (!flight.answered && now_ >= flight.again) {
      flight.interval = std::min<Clock::duration>(2 * flight.interval, t2);
      flight.again = now_ + flight.interval;
      ++totals_.retransmissions;
      send(flight.text);
    }
  }
  flush();
}

void Driver::send(std::string text) {
  if (out_count_ == out_.size()) out_.emplace_back();
  out_[out_count_++] = std::move(text);
  if (out_count_ == batch) flush();
}

void Driver::flush() {
  std::size_t sent = 0;
  while (sent < out_count_) {
    batch_.assign(out_.begin() + static_cast<std::ptrdiff_t>(sent),
                  out_.begin() + static_cast<std::ptrdiff_t>(out_count_));
    const std::size_t taken = link_->send(batch_);
    sent += taken;
    if (taken == 0) ::sched_yield();
  }
  out_count_ = 0;
}

}  // namespace beckon::bench
