#include "client/agent/agent.hpp"
#include "protocol/base/text.hpp"

/// The command `talk`: the callee's presence, a call, its end; or a message in its place.
namespace beckon::client {

namespace {

/// For the callee's presence, which says whether a direct session is possible.
constexpr Duration look_time = 3s;
constexpr Duration ring_time = 60s;

std::string text_of(const boost::json::object& event, std::string_view name) {
  const auto* const value = event.if_contains(name);
  return value && value->is_string() ? std::string(value->as_string()) : std::string();
}

/// Does the event say what the callee lets this user see, which may be nothing?
bool is_sight_of(const boost::json::object& event, const std::string& aor) {
  if (text_of(event, "event") == "presence") return text_of(event, "of") == aor;
  const std::string state = text_of(event, "state");
  return text_of(event, "event") == "subscription" && text_of(event, "to") == aor &&
         (state == "pending" || state == "terminated");
}

}  // namespace

void Agent::do_talk(const control::Command& command, Now now) {
  for (const auto* const name : {"for", "within"}) {
    const std::string text = command.text(name);
    if (text.empty() || parse_wait(text)) continue;
    return result(command, control::Cause::usage, now, 0,
                  std::string(name) + ": " + text + " is no time such as 10s, 500ms or 2m");
  }
  const std::string to = command.text("to");
  if (command.text("by", "best") == "invite" || subscriptions_.document_of(to) != nullptr)
    return begin_talk(command, now);
  // An event is emitted before the rooms have taken in what it says: the call begins after that.
  const auto begin_soon = [this, command](bool, Now at) {
    waits_.add([](const auto&) { return false; }, Duration::zero(),
               [this, command](bool, Now later) { begin_talk(command, later); }, at);
  };
  const auto number =
      waits_.add([to](const auto& event) { return is_sight_of(event, to); }, look_time, begin_soon, now);
  constexpr std::uint32_t standard_seconds = 3600;
  const auto take = [this, begin_soon, number](int status, Now at) {
    if (status / 100 != 2 && waits_.drop(number)) begin_soon(false, at);
  };
  static_cast<void>(
      subscriptions_.subscribe(to, std::string(presence::presence_package), standard_seconds, take, now));
}

void Agent::begin_talk(const control::Command& command, Now now) {
  const Dialling dialling = dial(command, now);
  if (dialling.call == 0) {
    if (dialling.cause == control::Cause::usage) return result(command, dialling.cause, now, 0, dialling.why);
    return write_instead(command, dialling.cause, dialling.why, now);
  }
  Talk& talk = talks_[dialling.call];
  talk.command = command;
  talk.lasts = parse_wait(command.text("for"));
  talk.timer = std::make_unique<Timer>(edges_.timers);
  talk.timer->set(now.mono + parse_wait(command.text("within")).value_or(ring_time),
                  [this, number = dialling.call](Time) {
                    talks_[number].rang_out = true;
                    book_.hang_up(std::to_string(number), edges_.clock.now());
                  });
}

void Agent::follow_talk(const boost::json::object& event, Now now) {
  if (event.at("event") != "call") return;
  const auto number = parse_number<call::Number>(text_of(event, "call"));
  const auto found = number ? talks_.find(*number) : talks_.end();
  if (found == talks_.end()) return;
  Talk& talk = found->second;
  const std::string state = text_of(event, "state");
  if (state == "active" && !std::exchange(talk.was_taken, true)) {
    talk.timer->cancel();
    if (talk.lasts) {
      talk.timer->set(now.mono + *talk.lasts, [this, call = *number](Time) {
        book_.hang_up(std::to_string(call), edges_.clock.now());
      });
    }
  }
  if (state != "ended") return;
  // The call's figures follow its end at once; the result comes after them.
  talk.timer->set(now.mono,
                  [this, call = *number, cause = control::parse_cause(text_of(event, "cause")),
                   why = text_of(event, "reason")](Time) { end_talk(call, cause, why, edges_.clock.now()); });
}

void Agent::end_talk(call::Number number, control::Cause cause, const std::string& why, Now now) {
  const auto taken = talks_.extract(number);
  const Talk& talk = taken.mapped();
  const std::string id = std::to_string(number);
  if (talk.was_taken) return result(talk.command, cause, now, 0, why, {{"call", id}});
  if (cause == control::Cause::refused)
    return result(talk.command, cause, now, 0, "the callee declined: " + why, {{"call", id}});
  if (talk.rang_out) return write_instead(talk.command, control::Cause::timeout, "nobody answered", now);
  if (cause == control::Cause::done) cause = control::Cause::unavailable;  // given up by another command
  write_instead(talk.command, cause, why, now);
}

/// Without a message the command ends for what kept the call from coming to be.
void Agent::write_instead(const control::Command& command, control::Cause cause, const std::string& why,
                          Now now) {
  if (!command.has("message")) return result(command, cause, now, 0, "no call: " + why);
  pager_.send(
      command.text("to"), command.text("message"), message::Pager::Ask::as_known,
      [this, command, why](const message::Pager::Outcome& outcome, Now at) {
        boost::json::object more{{"message_id", outcome.message_id}};
        if (outcome.status / 100 != 2)
          return result_of_status(command, outcome.status,
                                  "no call: " + why + "; no message: " + outcome.reason, at, std::move(more));
        more["state"] = outcome.status == 202 ? "stored" : "delivered";
        more["receipts"] = outcome.asked;
        result(command, control::Cause::done, at, outcome.status,
               "the message was sent, as no call was possible: " + why, std::move(more));
      },
      now);
}

}  // namespace beckon::client
