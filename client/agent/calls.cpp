#include "client/agent/agent.hpp"

namespace beckon::client {

namespace {

/// A file that cannot be read is a mistake in the command; any other error is the session's.
control::Cause cause_of_dial(const ErrorCode& error) {
  const ErrorCode of_session = beckon::direct::Errc::no_permission;
  const ErrorCode of_sound = stream::Errc::no_codec;
  const bool about_session =
      error.category() == of_session.category() || error.category() == of_sound.category();
  return about_session ? control::Cause::no_direct : control::Cause::usage;
}

}  // namespace

void Agent::do_media(const control::Command& command, Now now) {
  const stream::Files files{command.text("play"), command.text("record")};
  if (const auto readable = stream::check_readable(files); !readable)
    return result(command, control::Cause::usage, now, 0, "--play: " + readable.error().message());
  sessions_.choose_files(files);
  result(command, control::Cause::done, now);
}

void Agent::do_call(const control::Command& command, Now now) {
  const std::string to = command.text("to");
  const auto* const presence = subscriptions_.document_of(to);
  if (presence == nullptr)
    return result(command, control::Cause::no_direct, now, 0,
                  "no active subscription to the callee's presence");
  const auto call = sessions_.dial(to, *presence, {command.text("play"), command.text("record")}, now);
  if (!call) return result(command, cause_of_dial(call.error()), now, 0, call.error().message());
  result(command, control::Cause::done, now, 0, {}, {{"call", std::to_string(*call)}});
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
