#include "tests/simulation/correspondent.hpp"

#include <fmt/format.h>

#include <utility>

namespace beckon::simulation {

using sip::HeaderId;
using sip::Method;
using transaction::Outcome;

Correspondent::Correspondent(SipNetwork& network, const Address& server, Account account,
                             Postmaster& postmaster)
    : Station(network, server, std::move(account)), postmaster_(postmaster) {}

Correspondent::~Correspondent() { end(Death::crash); }

std::uint64_t Correspondent::attempts(const std::string& text) const {
  const auto found = attempts_.find(text);
  return found == attempts_.end() ? 0 : found->second.count;
}

void Correspondent::on_start() {
  later(soon(), [this] { send_next(); });
}

/// Nobody knows whether what is under way arrives: it is sent anew.
void Correspondent::on_end() { is_sending_ = false; }

void Correspondent::write(Letter letter) {
  letters_.push_back(std::move(letter));
  if (is_running()) send_next();
}

void Correspondent::send_next() {
  if (letters_.empty() || std::exchange(is_sending_, true)) return;
  const Letter& letter = letters_.front();
  Attempts& attempts = attempts_[letter.text];
  ++attempts.count;
  attempts.last = now().mono;
  const std::string& body = letter.body.empty() ? letter.text : letter.body;
  const std::string text =
      begin_request("MESSAGE", letter.to, letter.to, fresh_name(), fresh_name(), 1) + letter.headers +
      fmt::format("Content-Type: {}\r\nContent-Length: {}\r\n\r\n{}", letter.type, body.size(), body);
  layer().send(
      text, server_hop(),
      [this](const Outcome& outcome, Now) {
        if (outcome.kind != Outcome::Kind::provisional) on_answered(outcome.status);
      },
      now());
}

void Correspondent::on_answered(int status) {
  is_sending_ = false;
  const std::string text = letters_.front().text;
  const bool is_taken = status / 100 == 2;
  if (is_taken) letters_.pop_front();
  postmaster_.answered(*this, text, status);
  if (is_taken)
    send_next();
  else
    later(1s + soon(), [this] { send_next(); });
}

void Correspondent::on_request(transaction::TransactionId id, const transaction::Hop&,
                               const sip::Message& request, Now) {
  if (request.method() != Method::message) return respond(id, request, 405);
  const RequestName name{request.call_id(), request.header(HeaderId::cseq), request.from_tag()};
  if (!had_.insert(name).second) {
    ++copies_;
    return respond(id, request, 482);
  }
  respond(id, request, 200);
  postmaster_.received(*this, request);
}

}  // namespace beckon::simulation
