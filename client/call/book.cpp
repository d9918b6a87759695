#include "client/call/book.hpp"

#include <algorithm>
#include <boost/json/object.hpp>
#include <cmath>

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
  if (Call* const call = find(call_of(opening.leg_of)); call != nullptr && call->legs.size() == 1)
    return join(*call, std::move(opening), carrier, key, now);
  const Number number = ++last_;
  const State state = opening.state;
  Call made{.opening = opening,
            .legs = {},
            .state = state,
            .details = {},
            .began = now.mono,
            .lost = {},
            .cause = {},
            .statistics = {}};
  made.legs.push_back({number, &carrier, key, std::move(opening), state, now.mono});
  const Call& call = calls_.emplace(number, std::move(made)).first->second;
  report(number, call, now);
  return number;
}

/// The event reports the new kind and its reason; a call that rings goes on ringing.
Number Book::join(Call& call, Opening opening, Carrier& carrier, Carrier::Key key, Now now) {
  const Number first = call.legs.front().name;
  const Number name = (first & second_leg) != 0 ? call_of(first) : first | second_leg;
  const State state = opening.state;
  if (opening.outgoing) call.opening = opening;
  call.legs.push_back({name, &carrier, key, std::move(opening), state, now.mono});
  if (call.opening.outgoing) report(call_of(name), call, now);
  return name;
}

bool Book::has_rival(Number leg) const {
  const Call* const call = find(call_of(leg));
  return call != nullptr && call->state != State::ended && call->legs.size() > 1;
}

bool Book::is_taken(Number leg) const {
  const Call* const call = find(call_of(leg));
  return call == nullptr || call->state == State::ended || call->state == State::active;
}

/// A leg by INVITE is taken when it is answered, a direct one when both ends have confirmed it: until then an
/// answer may have been lost (DIRECT_SESSIONS 8).
void Book::enter(Number name, State state, Now now) {
  Leg* const leg = find_leg(name);
  if (leg == nullptr || leg->state == state) return;
  leg->state = state;
  Call& call = *find(call_of(name));
  const bool is_taken =
      state == State::active || (state == State::answered && leg->opening.kind == Kind::invite);
  if (is_taken && call.legs.size() > 1) take(name, call, now);
  follow_legs(call_of(name), call, now);
}

/// What its carrier says of a leg that lost, from now on, is not the call's.
void Book::take(Number name, Call& call, Now now) {
  const auto taken = std::ranges::find(call.legs, name, &Leg::name);
  std::swap(*taken, call.legs.front());
  const Leg loser = call.legs.back();
  call.legs.pop_back();
  call.opening = call.legs.front().opening;
  loser.carrier->withdraw(loser.key, now);
}

void Book::follow_legs(Number number, Call& call, Now now) {
  State state = State::dialing;
  for (const Leg& leg : call.legs) state = std::max(state, leg.state);
  if (call.state == State::ended || call.state == state) return;
  call.state = state;
  report(number, call, now);
}

void Book::end(Number name, Cause cause, Now now) {
  if (find_leg(name) == nullptr) return;
  const Number number = call_of(name);
  Call* const call = find(number);
  if (call->legs.size() > 1) {
    if (cause.only_this_leg) return drop(name, *call, std::move(cause), now);
    take(name, *call, now);
  }
  const bool is_direct = call->opening.kind == Kind::direct;
  call->state = State::ended;
  call->cause = is_direct && cause.only_this_leg && call->lost ? call->lost : std::move(cause);
  report(number, *call, now);
  ended_.push_back(number);
  if (ended_.size() <= ended_kept) return;
  calls_.erase(ended_.front());
  ended_.pop_front();
}

/// One of two legs has failed. A user who has answered need not do so again.
void Book::drop(Number name, Call& call, Cause cause, Now now) {
  const auto lost = std::ranges::find(call.legs, name, &Leg::name);
  if (lost->opening.kind == Kind::invite) call.lost = std::move(cause);
  call.legs.erase(lost);
  const bool is_other_kind = call.opening.kind != call.legs.front().opening.kind;
  call.opening = call.legs.front().opening;
  const State before = call.state;
  call.carrier().on_alone(call.key(), now);
  if (call.is_accepted) {
    if (call.legs.front().state == State::ringing) call.carrier().answer(call.key(), now);
    return;
  }
  follow_legs(call_of(name), call, now);
  if (is_other_kind && call.state == before && call.state != State::ended) report(call_of(name), call, now);
}

void Book::rename(Number name, Carrier::Key key) {
  if (Leg* const leg = find_leg(name)) leg->key = key;
}

void Book::describe(Number name, const Details& details, Now now) {
  if (find_leg(name) == nullptr) return;
  Call& call = *find(call_of(name));
  if (call.details == details) return;
  call.details = details;
  report(call_of(name), call, now);
}

void Book::on_digit(Number name, char digit, Now now) {
  boost::json::object event = control::make_event("dtmf", now);
  event["call"] = std::to_string(call_of(name));
  event["digit"] = std::string(1, digit);
  context_.emit(std::move(event));
}

void Book::on_first_media(Number name, stream::User::Direction direction, Duration after_begin, Now now) {
  const Number number = call_of(name);
  if (const Call* const call = find(number)) {
    const Leg* const leg = find_leg(name);
    if (leg == nullptr) return;
    after_begin += leg->began - call->began;
  }
  boost::json::object event = control::make_event("media", now);
  event["call"] = std::to_string(number);
  event["direction"] = direction == stream::User::Direction::sent ? "sent" : "received";
  event["ms"] = milliseconds(after_begin);
  context_.emit(std::move(event));
}

void Book::finish(Number name, const stream::CallStatistics& statistics, Now now) {
  if (Call* const call = find(call_of(name))) {
    if (std::ranges::find(call->legs, name, &Leg::name) == call->legs.end()) return;  // it lost
    call->statistics = statistics;
  }
  report(call_of(name), statistics, now);
}

// --- for commands

Book::Call* Book::find(Number number) {
  const auto found = calls_.find(number);
  return found == calls_.end() ? nullptr : &found->second;
}

const Book::Call* Book::find(Number number) const {
  const auto found = calls_.find(number);
  return found == calls_.end() ? nullptr : &found->second;
}

Book::Leg* Book::find_leg(Number name) {
  Call* const call = find(call_of(name));
  if (call == nullptr || call->state == State::ended) return nullptr;
  const auto found = std::ranges::find(call->legs, name, &Leg::name);
  return found == call->legs.end() ? nullptr : &*found;
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
  return call != nullptr && !call->is_accepted && answer(*call, now);
}

bool Book::answer(Call& call, Now now) {
  if (call.legs.size() == 1) return call.carrier().answer(call.key(), now);
  const auto reached =
      std::ranges::find_if(call.legs, [](const Leg& leg) { return leg.carrier->is_reached(leg.key); });
  const Leg leg = reached == call.legs.end() ? call.legs.back() : *reached;
  call.is_accepted = leg.carrier->answer(leg.key, now);
  return call.is_accepted;
}

/// A callee declines all legs; what becomes of the first one is what is reported.
bool Book::reject(std::string_view id, Now now) {
  Call* const call = find_living(id);
  if (call == nullptr) return false;
  bool rang = false;
  const auto legs = call->legs;
  call->legs.resize(1);
  for (const auto& leg : legs) rang = leg.carrier->reject(leg.key, now) || rang;
  return rang;
}

bool Book::hang_up(std::string_view id, Now now) {
  Call* const call = find_living(id);
  if (call == nullptr) return false;
  call->carrier().hang_up(call->key(), now);
  return true;
}

/// The end of one call may forget others, so the living ones are listed first.
void Book::hang_up_all(Now now) {
  std::vector<std::pair<Carrier*, Carrier::Key>> living;
  for (const auto& [number, call] : calls_) {
    if (call.state != State::ended) living.emplace_back(&call.carrier(), call.key());
  }
  for (const auto& [carrier, key] : living) carrier->hang_up(key, now);
}

Book::Found Book::hold(std::string_view id, bool held, Now now) {
  Call* const call = find_living(id);
  if (call == nullptr) return Found::no_call;
  return call->carrier().hold(call->key(), held, now) ? Found::done : Found::not_possible;
}

Book::Found Book::send_digits(std::string_view id, std::string_view digits, Now now) {
  Call* const call = find_living(id);
  if (call == nullptr) return Found::no_call;
  return call->carrier().send_digits(call->key(), digits, now) ? Found::done : Found::not_possible;
}

bool Book::report_statistics(std::string_view id, Now now) {
  const Call* const call = find(id);
  if (call == nullptr) return false;
  const bool has_ended = call->state == State::ended;
  const auto statistics = has_ended ? call->statistics : call->carrier().statistics(call->key());
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
  if (!statistics.codec.empty()) event["codec"] = statistics.codec;
  if (rtp.packets_received > 0) event["jitter_ms"] = milliseconds(rtp.jitter);
  if (rtp.round_trip) event["round_trip_ms"] = milliseconds(*rtp.round_trip);
  if (rtp.reports > 0) event["peer_lost_percent"] = std::round(rtp.reported_loss * 1000) / 10;
  if (statistics.mos) event["buffer_ms"] = milliseconds(statistics.buffered);
  if (statistics.mos) event["mos"] = std::round(*statistics.mos * 100) / 100;
  if (rtp.first_sent) event["first_sent_ms"] = milliseconds(*rtp.first_sent - rtp.began);
  if (rtp.first_received) event["first_received_ms"] = milliseconds(*rtp.first_received - rtp.began);
  if (!statistics.record.empty()) event["record"] = statistics.record.string();
  context_.emit(std::move(event));
}

}  // namespace beckon::client::call
