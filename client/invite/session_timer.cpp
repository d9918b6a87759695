#include "client/invite/session_timer.hpp"

#include <algorithm>

#include "protocol/base/text.hpp"
#include "protocol/sip/header_value.hpp"

namespace beckon::client::invite {
namespace {

constexpr std::uint32_t longest = 24 * 3600;  ///< A peer's larger number means this.

std::uint32_t min_se_of(const sip::Message& message) {
  return std::max(SessionTimer::least, message.number(sip::HeaderId::min_se).value_or(0));
}

}  // namespace

std::optional<SessionExpires> session_expires_of(const sip::Message& message) {
  if (!message.has(sip::HeaderId::session_expires)) return std::nullopt;
  const auto read =
      sip::parse_header(sip::HeaderId::session_expires, message.header(sip::HeaderId::session_expires));
  const auto* const number = read ? std::get_if<sip::Number>(&*read) : nullptr;
  if (number == nullptr) return std::nullopt;
  SessionExpires out{.seconds = std::min(number->value, longest)};
  const auto refresher = number->parameter("refresher");
  if (refresher && iequals(*refresher, "uac")) out.refresher = SessionExpires::Refresher::uac;
  if (refresher && iequals(*refresher, "uas")) out.refresher = SessionExpires::Refresher::uas;
  return out;
}

std::string print(const SessionExpires& value) {
  std::string out = std::to_string(value.seconds);
  if (value.refresher == SessionExpires::Refresher::uac) out += ";refresher=uac";
  if (value.refresher == SessionExpires::Refresher::uas) out += ";refresher=uas";
  return out;
}

void SessionTimer::begin(std::uint32_t seconds, bool refreshes, Time now) {
  seconds_ = std::max(seconds, least);
  refreshes_ = refreshes;
  began_ = now;
  waits_ = false;
}

void SessionTimer::on_success_received(const sip::Message& response, Time now) {
  const auto said = session_expires_of(response);
  if (!said) return seconds_.reset();
  begin(said->seconds, said->refresher != SessionExpires::Refresher::uas, now);
}

std::optional<SessionExpires> SessionTimer::answer(const sip::Message& request, Time now) {
  const auto asked = session_expires_of(request);
  const bool supported =
      request.lists(sip::HeaderId::supported, "timer") || request.lists(sip::HeaderId::require, "timer");
  if (!asked) {
    // A refresh without the header ends the timer (10); it is not forced on a peer that does not know it.
    seconds_.reset();
    return std::nullopt;
  }
  SessionExpires out{.seconds = std::max(asked->seconds, min_se_of(request)), .refresher = asked->refresher};
  // Table 2: without support the UAS refreshes; what is not said is the UAC's.
  if (!supported) out.refresher = SessionExpires::Refresher::uas;
  if (out.refresher == SessionExpires::Refresher::unsaid) out.refresher = SessionExpires::Refresher::uac;
  begin(out.seconds, out.refresher == SessionExpires::Refresher::uas, now);
  return out;
}

std::optional<std::uint32_t> SessionTimer::too_short(const sip::Message& request) {
  const auto asked = session_expires_of(request);
  const bool supported = request.lists(sip::HeaderId::supported, "timer");
  // "if the request does not indicate support [...] the UAS MUST NOT reject" with 422 (9).
  if (!asked || !supported || asked->seconds >= least) return std::nullopt;
  return least;
}

std::optional<Time> SessionTimer::next() const {
  if (!seconds_ || waits_) return std::nullopt;
  const Duration interval = std::chrono::seconds(*seconds_);
  // "the refresh [...] once half the session interval has elapsed"; the other side says BYE before the end,
  // by the smaller of 32 s and a third (10).
  if (refreshes_) return began_ + interval / 2;
  return began_ + interval - std::min<Duration>(32s, interval / 3);
}

SessionExpires SessionTimer::request() const {
  using Refresher = SessionExpires::Refresher;
  if (!seconds_) return {.seconds = usual, .refresher = Refresher::unsaid};
  return {.seconds = *seconds_, .refresher = refreshes_ ? Refresher::uac : Refresher::uas};
}

void SessionTimer::on_refresh_sent(Time) { waits_ = true; }

}  // namespace beckon::client::invite
