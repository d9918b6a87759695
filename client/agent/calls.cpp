#include "client/agent/agent.hpp"

namespace beckon::client {

namespace {

/// A file that cannot be read is a mistake in the command; any other error is the session's.
bool is_about_session(const ErrorCode& error) {
  const ErrorCode of_session = beckon::direct::Errc::no_permission;
  const ErrorCode of_sound = stream::Errc::no_codec;
  return error.category() == of_session.category() || error.category() == of_sound.category();
}

}  // namespace

void Agent::do_media(const control::Command& command, Now now) {
  const stream::Files files{command.text("play"), command.text("record")};
  if (const auto readable = stream::check_readable(files); !readable)
    return result(command, control::Cause::usage, now, 0, "--play: " + readable.error().message());
  choose_files(files);
  result(command, control::Cause::done, now);
}

void Agent::choose_files(const stream::Files& files) {
  sessions_.choose_files(files);
  if (invites_) invites_->choose_files(files);
}

/// A direct session if the callee's presence allows one, else an INVITE, unless the command names one of
/// both.
void Agent::do_call(const control::Command& command, Now now) {
  const std::string to = command.text("to"), by = command.text("by", "best");
  if (by == "invite") return call_by_invite(command, {}, now);
  const bool may_invite = by == "best" && invites_;
  const auto* const presence = subscriptions_.document_of(to);
  if (presence == nullptr) {
    const std::string why = "no active subscription to the callee's presence";
    if (may_invite) return call_by_invite(command, why, now);
    return result(command, control::Cause::no_direct, now, 0, why);
  }
  const auto call = sessions_.dial(to, *presence, {command.text("play"), command.text("record")}, now);
  if (call) return result(command, control::Cause::done, now, 0, {}, {{"call", std::to_string(*call)}});
  const std::string why = call.error().message();
  if (!is_about_session(call.error())) return result(command, control::Cause::usage, now, 0, why);
  if (may_invite) return call_by_invite(command, why, now);
  result(command, control::Cause::no_direct, now, 0, why);
}

void Agent::call_by_invite(const control::Command& command, const std::string& why_not_direct, Now now) {
  if (!invites_)
    return result(command, control::Cause::failed, now, 0, "this program makes no calls by INVITE");
  const auto call =
      invites_->dial(command.text("to"), {command.text("play"), command.text("record")}, why_not_direct, now);
  if (!call) return result(command, control::Cause::usage, now, 0, call.error().message());
  result(command, control::Cause::done, now, 0, {}, {{"call", std::to_string(*call)}});
}

void Agent::result_of_call(const control::Command& command, call::Book::Found found, std::string_view what,
                           Now now) {
  using Found = call::Book::Found;
  if (found == Found::not_possible) return result(command, control::Cause::failed, now, 0, what);
  result_of_search(command, found == Found::done, now);
}

void Agent::do_hold(const control::Command& command, Now now) {
  result_of_call(command, book_.hold(command.text("call"), true, now), "this call cannot be held now", now);
}

void Agent::do_resume(const control::Command& command, Now now) {
  result_of_call(command, book_.hold(command.text("call"), false, now), "this call cannot be resumed now",
                 now);
}

void Agent::do_dtmf(const control::Command& command, Now now) {
  result_of_call(command, book_.send_digits(command.text("call"), command.text("digits"), now),
                 "no digits, or they cannot be sent in this call now", now);
}

void Agent::result_of_search(const control::Command& command, bool found, Now now) {
  result(command, found ? control::Cause::done : control::Cause::not_found, now);
}

void Agent::do_answer(const control::Command& command, Now now) {
  result_of_search(command, book_.answer(command.text("call"), now), now);
}

void Agent::do_reject(const control::Command& command, Now now) {
  result_of_search(command, book_.reject(command.text("call"), now), now);
}

void Agent::do_hangup(const control::Command& command, Now now) {
  result_of_search(command, book_.hang_up(command.text("call"), now), now);
}

void Agent::do_statistics(const control::Command& command, Now now) {
  result_of_search(command, book_.report_statistics(command.text("call"), now), now);
}

void Agent::do_accept_key(const control::Command& command, Now now) {
  result_of_search(command, sessions_.accept_key(command.text("of"), command.text("ident"), now), now);
}

void Agent::do_safety_number(const control::Command& command, Now now) {
  const std::string of = command.text("of");
  const auto* ident = edges_.pins.ident_of(of);
  if (ident == nullptr)
    return result(command, control::Cause::not_found, now, 0, "no identity of this user is known");
  result(command, control::Cause::done, now, 0, {},
         {{"safety_number", ds1::safety_number(config_.account.aor, keyring_.ident.pub, of, *ident)}});
}

}  // namespace beckon::client
