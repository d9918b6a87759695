#include "server/calls/reach.hpp"

#include <algorithm>

namespace beckon::server::calls {

using documents::SubHandling;
using proxy::Wish;
using sip::Method;

namespace {

/// Q.850: "call rejected", "user busy". Responses carry no other cause (RFC 6432).
constexpr std::string_view not_disturbed = R"(Q.850;cause=21;text="Do not disturb")";
constexpr std::string_view wants_messages = R"(Q.850;cause=21;text="Messages only")";
constexpr std::string_view is_busy = R"(Q.850;cause=17;text="User busy")";

}  // namespace

/// A BYE ends what there is: nobody is kept from hanging up.
Wish Reach::wish(const std::string& callee, const proxy::Asked& asked, Now now) {
  const bool is_call = asked.method == Method::invite, is_message = asked.method == Method::message;
  if (asked.method == Method::bye || !environment_.settings().presence_routes) return {};
  const EntryPtr user = environment_.directory().find(callee);
  if (!user || asked.sender == callee) return {};
  const auto handling = presentities_.watches().handling(*user, asked.sender, now);
  if (handling == SubHandling::block) return {.kind = Wish::Kind::refuse, .status = 403};
  // All is answered as if the user were offline, but a message: it would be stored, and never read.
  if (handling == SubHandling::polite_block)
    return {.kind = is_message ? Wish::Kind::refuse : Wish::Kind::offline, .status = 480};
  if (!is_call && !is_message) return {};
  // The room that keeps messages was asked before; this is one that it does not keep, or that has passed it.
  if (is_message)
    return presentities_.wishes(*user).do_not_disturb ? Wish{Wish::Kind::refuse, 480, not_disturbed} : Wish{};
  // Who takes over a call that there is rings nowhere. One that there is not would ring.
  if (has_call(*user, asked.replaces)) return {};
  const Wish wish = wish_of_calls(*user);
  if (wish.kind == Wish::Kind::refuse && on_missed_)
    on_missed_(callee, asked.is_anonymous ? std::string() : asked.sender, now);
  return wish;
}

bool Reach::is_blocked(const Entry& user, std::string_view sender) const {
  if (!environment_.settings().presence_routes || sender == user.aor()) return false;
  const auto handling = presentities_.watches().handling(user, sender, environment_.clock().now());
  return handling == SubHandling::block || handling == SubHandling::polite_block;
}

bool Reach::is_left_alone(const Entry& user, std::string_view sender) const {
  if (!environment_.settings().presence_routes || sender == user.aor()) return false;
  // Whom the user blocks is refused, and not put off.
  return presentities_.wishes(user).do_not_disturb && !is_blocked(user, sender);
}

bool Reach::has_call(const Entry& user, std::string_view call_id) const {
  return std::ranges::any_of(lines_.of(user),
                             [&](const Lines::Line& line) { return line.dialog.call_id == call_id; });
}

Wish Reach::wish_of_calls(const Entry& callee) const {
  const auto wishes = presentities_.wishes(callee);
  if (wishes.do_not_disturb) return {Wish::Kind::refuse, 480, not_disturbed};
  if (wishes.messages_only) return {Wish::Kind::refuse, 480, wants_messages};
  if (wishes.busy || (wishes.one_call && wishes.on_the_phone)) return {Wish::Kind::refuse, 486, is_busy};
  return {};
}

}  // namespace beckon::server::calls
