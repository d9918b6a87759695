#include "client/call/book.hpp"

#include <algorithm>
#include <boost/json/object.hpp>

#include "protocol/base/text.hpp"

namespace beckon::client::call {
namespace {

double milliseconds(Duration duration) { return static_cast<double>(duration.count()) / 1000.0; }

}  // namespace

const char* to_string(Kind kind) { return kind == Kind::direct ? "direct" : "invite"; }

const char* to_string(State state) {
  switch (state) {
    case State::dialing:
      return "dialing";
    case State::ringing:
      return "ringing";
    case State::answered:
      return "answered";
    case State::active:
      return "active";
    case State::ended:
      break;
  }
  return "ended";
}

// --- for carriers

Number Book::open(Opening opening, Carrier& carrier, Carrier::Key key, Now now) {
  const Number number = ++last_;
  const State state = opening.state;
  const Call& call = calls_
                         .emplace(number, Call{.opening = std::move(opening),
                                               .carrier = &carrier,
                                               .key = key,
                                               .state = state,
                                               .details = {},
                                               .cause = {},
                                               .statistics = {}})
                         .first->second;
  report(number, call, now);
  return number;
}

void Book::enter(Number number, State state, Now now) {
  Call* const call = find(number);
  if (call == nullptr || call->state == State::ended || call->state == state) return;
  call->state = state;
  report(number, *call, now);
}

void Book::end(Number number, Cause cause, Now now) {
  Call* const call = find(number);
  if (call == nullptr || call->state == State::ended) return;
  call->state = State::ended;
  call->cause = std::move(cause);
  report(number, *call, now);
  ended_.push_back(number);
  if (ended_.size() <= ended_kept) return;
  calls_.erase(ended_.front());
  ended_.pop_front();
}

void Book::rename(Number number, Carrier::Key key) {
  if (Call* const call = find(number)) call->key = key;
}

void Book::describe(Number number, const Details& details, Now now) {
  Call* const call = find(number);
  if (call == nullptr || call->state == State::ended || call->details == details) return;
  call->details = details;
  report(number, *call, now);
}

void Book::on_digit(Number number, char digit, Now now) {
  boost::json::object event = control::make_event("dtmf", now);
  event["call"] = std::to_string(number);
  event["digit"] = std::string(1, digit);
  context_.emit(std::move(event));
}

void Book::on_first_media(Number number, stream::User::Direction direction, Duration after_begin, Now now) {
  boost::json::object event = control::make_event("media", now);
  event["call"] = std::to_string(number);
  event["direction"] = direction == stream::User::Direction::sent ? "sent" : "received";
  event["ms"] = milliseconds(after_begin);
  context_.emit(std::move(event));
}

void Book::finish(Number number, const stream::CallStatistics& statistics, Now now) {
  if (Call* const call = find(number)) call->statistics = statistics;
  report(number, statistics, now);
}

// --- for commands

Book::Call* Book::find(Number number) {
  const auto found = calls_.find(number);
  return found == calls_.end() ? nullptr : &found->second;
}

Book::Call* Book::find(std::string_view id) {
  const auto number = parse_number<Number>(id);
  return number ? find(*number) : nullptr;
}

Book::Call* Book::find_living(std::string_view id) {
  Call* const call = find(id);
  return call == nullptr || call->state == State::ended ? nullptr : call;
}

bool Book::answer(std::string_view id, Now now) {
  Call* const call = find_living(id);
  return call != nullptr && call->carrier->answer(call->key, now);
}

bool Book::reject(std::string_view id, Now now) {
  Call* const call = find_living(id);
  return call != nullptr && call->carrier->reject(call->key, now);
}

bool Book::hang_up(std::string_view id, Now now) {
  Call* const call = find_living(id);
  if (call == nullptr) return false;
  call->carrier->hang_up(call->key, now);
  return true;
}

/// The end of one call may forget others, so the living ones are listed first.
void Book::hang_up_all(Now now) {
  std::vector<std::pair<Carrier*, Carrier::Key>> living;
  for (const auto& [number, call] : calls_) {
    if (call.state != State::ended) living.emplace_back(call.carrier, call.key);
  }
  for (const auto& [carrier, key] : living) carrier->hang_up(key, now);
}

Book::Found Book::hold(std::string_view id, bool held, Now now) {
  Call* const call = find_living(id);
  if (call == nullptr) return Found::no_call;
  return call->carrier->hold(call->key, held, now) ? Found::done : Found::not_possible;
}

Book::Found Book::send_digits(std::string_view id, std::string_view digits, Now now) {
  Call* const call = find_living(id);
  if (call == nullptr) return Found::no_call;
  return call->carrier->send_digits(call->key, digits, now) ? Found::done : Found::not_possible;
}

bool Book::report_statistics(std::string_view id, Now now) {
  const Call* const call = find(id);
  if (call == nullptr) return false;
  const bool has_ended = call->state == State::ended;
  const auto statistics = has_ended ? call->statistics : call->carrier->statistics(call->key);
  if (statistics) report(*parse_number<Number>(id), *statistics, now);
  return statistics.has_value();
}

boost::json::array Book::json() const {
  boost::json::array out;
  for (const auto& [number, call] : calls_) {
    if (call.state == State::ended) continue;
    out.push_back(boost::json::object{
        {"call", std::to_string(number)}, {"peer", call.opening.peer}, {"state", to_string(call.state)}});
  }
  return out;
}

// --- events

void Book::report(Number number, const Call& call, Now now) {
  boost::json::object event = control::make_event("call", now);
  event["call"] = std::to_string(number);
  event["peer"] = call.opening.peer;
  event["direction"] = call.opening.outgoing ? "out" : "in";
  event["state"] = to_string(call.state);
  event["kind"] = to_string(call.opening.kind);
  event["media"] = boost::json::array(call.opening.media.begin(), call.opening.media.end());
  event["verified"] = call.opening.verified;
  if (call.details.held_here || call.details.held_there)
    event["held"] = !call.details.held_there ? "here" : call.details.held_here ? "both" : "there";
  if (call.details.secured) event["secured"] = *call.details.secured;
  if (!call.opening.why_not_direct.empty()) event["why_not_direct"] = call.opening.why_not_direct;
  if (call.cause) {
    event["reason"] = call.cause->reason;
    event["reason_code"] = call.cause->code;
    event["cause"] = control::to_string(call.cause->cause);
  }
  context_.emit(std::move(event));
}

void Book::report(Number number, const stream::CallStatistics& statistics, Now now) {
  const auto& rtp = statistics.rtp;
  boost::json::object event = control::make_event("call-statistics", now);
  event["call"] = std::to_string(number);
  event["sent"] = rtp.packets_sent;
  event["received"] = rtp.packets_received;
  event["lost"] = std::max<std::int64_t>(rtp.packets_lost, 0);
  event["concealed"] = statistics.playout.concealed;
  event["late"] = statistics.playout.late;
  event["duplicate"] = statistics.playout.duplicate;
  if (rtp.first_sent) event["first_sent_ms"] = milliseconds(*rtp.first_sent - rtp.began);
  if (rtp.first_received) event["first_received_ms"] = milliseconds(*rtp.first_received - rtp.began);
  if (!statistics.record.empty()) event["record"] = statistics.record.string();
  context_.emit(std::move(event));
}

}  // namespace beckon::client::call
