#include "client/agent/agent.hpp"

#include <fmt/format.h>

namespace beckon::client {

namespace {

/// A file that cannot be read is a mistake in the command; any other error is the session's.
bool is_about_session(const ErrorCode& error) {
  const ErrorCode of_session = beckon::direct::Errc::no_permission;
  const ErrorCode of_sound = stream::Errc::no_codec;
  return error.category() == of_session.category() || error.category() == of_sound.category();
}

/// The files of a command, and why one of them does not serve.
std::string unusable_file(const stream::Files& files, const ErrorCode& why) {
  if (files.play.empty() && files.record.empty()) return why.message();
  const std::string play = files.play.empty() ? "" : "play: " + files.play.string();
  const std::string record = files.record.empty() ? "" : "record: " + files.record.string();
  return fmt::format("{}{}{}: {}", play, play.empty() || record.empty() ? "" : ", ", record, why.message());
}

stream::Files files_of(const control::Command& command) {
  return {command.text("play"), command.text("record")};
}

constexpr const char* consent_hint =
    "an INVITE cannot prove that it reaches this user, whose identity you know: --unproven, or --by invite, "
    "calls all the same";
constexpr const char* unproven_text =
    "this call by INVITE cannot prove that it reaches the user whose identity you know";

}  // namespace

void Agent::do_media(const control::Command& command, Now now) {
  const stream::Files files{command.text("play"), command.text("record")};
  if (const auto readable = stream::check_readable(files); !readable)
    return result(command, control::Cause::usage, now, 0, unusable_file(files, readable.error()));
  choose_files(files);
  result(command, control::Cause::done, now);
}

void Agent::choose_files(const stream::Files& files) {
  sessions_.choose_files(files);
  if (invites_) invites_->choose_files(files);
}

void Agent::do_call(const control::Command& command, Now now) {
  const Dialling dialling = dial(command, now);
  boost::json::object more;
  if (dialling.call != 0) more["call"] = std::to_string(dialling.call);
  result(command, dialling.cause, now, 0, dialling.why, std::move(more));
}

/// A direct session if the callee's presence allows one, else an INVITE, unless the command names one of
/// both. A direct attempt that does not get through is followed by an INVITE in the same call.
Agent::Dialling Agent::dial(const control::Command& command, Now now) {
  const std::string to = command.text("to"), by = command.text("by", "best");
  if (by == "invite") return dial_invite(command, {}, now);
  const bool may_invite = by == "best" && invites_;
  const auto* const presence = subscriptions_.document_of(to);
  std::string why = "no active subscription to the callee's presence";
  if (presence != nullptr) {
    direct::Sessions::OnFallback on_fallback;
    if (may_invite) {
      on_fallback = [this, command](const direct::Fallback& fallback, Now at) {
        fall_back(command, fallback, at);
      };
    }
    const auto files = files_of(command);
    const auto call = sessions_.dial(to, *presence, files, std::move(on_fallback), now);
    if (call) return {*call};
    why = call.error().message();
    if (!is_about_session(call.error()))
      return {0, control::Cause::usage, unusable_file(files, call.error())};
  }
  if (!may_invite) return {0, control::Cause::no_direct, why};
  if (needs_consent(command)) return {0, control::Cause::no_direct, why + "; " + consent_hint};
  return dial_invite(command, why, now);
}

Agent::Dialling Agent::dial_invite(const control::Command& command, const std::string& why_not_direct,
                                   Now now) {
  if (!invites_) return {0, control::Cause::failed, "this program makes no calls by INVITE"};
  const auto files = files_of(command);
  const auto call = invites_->dial(command.text("to"), files, why_not_direct, now);
  if (!call) return {0, control::Cause::usage, unusable_file(files, call.error())};
  if (edges_.pins.ident_of(command.text("to")) != nullptr) warn(unproven_text, now);
  return {*call};
}

/// Without the user's consent a warning says why no INVITE follows; else the event of the call says why it is
/// one now.
void Agent::fall_back(const control::Command& command, const direct::Fallback& fallback, Now now) {
  if (needs_consent(command)) return warn(fallback.why + "; " + consent_hint, now);
  invite::Dialled dialled{.to = command.text("to"),
                          .why_not_direct = fallback.why,
                          .leg_of = fallback.leg,
                          .target = fallback.target,
                          .claim = fallback.claim};
  const auto leg = invites_->dial(std::move(dialled), files_of(command), now);
  if (!leg) return warn("no call by INVITE: " + leg.error().message(), now);
  if (edges_.pins.ident_of(command.text("to")) != nullptr) warn(unproven_text, now);
}

/// "Every call with an AOR that has a pin [...]: bound, or a visible warning and the user's consent before
/// any media" (DIRECT_SESSIONS 11). No INVITE of this program is bound: its DTLS-SRTP proves no identity of
/// ds1.
bool Agent::needs_consent(const control::Command& command) const {
  return edges_.pins.ident_of(command.text("to")) != nullptr && !command.flag("unproven");
}

void Agent::warn(std::string_view text, Now now) {
  boost::json::object event = control::make_event("warning", now);
  event["text"] = text;
  emit_(std::move(event));
}

void Agent::result_of_call(const control::Command& command, call::Book::Found found, std::string_view what,
                           Now now) {
  using Found = call::Book::Found;
  if (found == Found::not_possible) return result(command, control::Cause::failed, now, 0, what);
  result_of_call(command, found == Found::done, now);
}

void Agent::do_hold(const control::Command& command, Now now) {
  result_of_call(command, book_.hold(command.text("call"), true, now), "this call cannot be held now", now);
}

void Agent::do_resume(const control::Command& command, Now now) {
  result_of_call(command, book_.hold(command.text("call"), false, now), "this call cannot be resumed now",
                 now);
}

void Agent::do_dtmf(const control::Command& command, Now now) {
  constexpr std::string_view keys = "0123456789*#ABCD";
  const std::string digits = command.text("digits");
  if (digits.empty() || digits.find_first_not_of(keys) != std::string::npos)
    return result(command, control::Cause::usage, now, 0,
                  fmt::format("digits: {} is not of {}", digits.empty() ? "nothing" : digits, keys));
  result_of_call(command, book_.send_digits(command.text("call"), digits, now),
                 "digits cannot be sent in this call now", now);
}

/// For a number that no call has the result names the calls there are.
void Agent::result_of_call(const control::Command& command, bool found, Now now) {
  if (found) return result(command, control::Cause::done, now);
  std::string calls;
  for (const auto& each : book_.json())
    calls.append(calls.empty() ? "" : ", ").append(each.as_object().at("call").as_string());
  result(command, control::Cause::not_found, now, 0,
         fmt::format("call: there is no {}; {}", command.text("call"),
                     calls.empty() ? "there are no calls" : "there are: " + calls));
}

void Agent::do_answer(const control::Command& command, Now now) {
  result_of_call(command, book_.answer(command.text("call"), now), now);
}

void Agent::do_reject(const control::Command& command, Now now) {
  result_of_call(command, book_.reject(command.text("call"), now), now);
}

void Agent::do_hangup(const control::Command& command, Now now) {
  result_of_call(command, book_.hang_up(command.text("call"), now), now);
}

void Agent::do_statistics(const control::Command& command, Now now) {
  result_of_call(command, book_.report_statistics(command.text("call"), now), now);
}

void Agent::do_accept_key(const control::Command& command, Now now) {
  if (sessions_.accept_key(command.text("of"), command.text("ident"), now))
    return result(command, control::Cause::done, now);
  result(command, control::Cause::not_found, now, 0,
         command.has("ident") ? "this user shows no such identity"
                              : "this user has shown no identity; subscribe to it first");
}

void Agent::do_safety_number(const control::Command& command, Now now) {
  const std::string of = command.text("of");
  const auto* ident = edges_.pins.ident_of(of);
  if (ident == nullptr)
    return result(command, control::Cause::not_found, now, 0,
                  "no identity of this user is known; subscribe to it first");
  result(command, control::Cause::done, now, 0, {},
         {{"safety_number", ds1::safety_number(config_.account.aor, keyring_.ident.pub, of, *ident)}});
}

}  // namespace beckon::client
