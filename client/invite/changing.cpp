#include "client/invite/call.hpp"
#include "client/invite/dtmf_info.hpp"
#include "protocol/base/log.hpp"
#include "protocol/base/text.hpp"

/// Changes of a call that is answered, of both sides: re-INVITE (RFC 3261 14), UPDATE (RFC 3311), INFO.
namespace beckon::client::invite {

using sip::HeaderId;
using sip::Method;

// --- the peer's

/// "a UAS that receives a second INVITE before it sends the final response to a first [...] MUST return a
/// 500", and one that "receives an INVITE on a dialog while an INVITE it had sent on that dialog is in
/// progress MUST return a 491" (RFC 3261 14.2). The same for offers in UPDATE (RFC 3311 5.2).
bool Call::take_offer(const incoming::Request& request, Now now) {
  if (is_changing_ || negotiation_->state() == sdp::Negotiation::State::offered) {
    request.respond(491, now);
    return false;
  }
  if (negotiation_->state() == sdp::Negotiation::State::offer_received) {
    auto reply = request.reply(500);
    reply.add(HeaderId::retry_after, static_cast<std::uint32_t>(shared_.context.random.below(11)));
    request.respond(std::move(reply), now);
    return false;
  }
  if (request.message().body().empty()) return true;
  if (const auto taken = negotiation_->take_offer(request.message().body()); !taken) {
    request.respond(taken.error() == make_error_code(sdp::Errc::no_common_stream) ? 488 : 400, now);
    return false;
  }
  return true;
}

void Call::on_reinvite(const incoming::Request& request, Now now) {
  if (stage_ == Stage::ringing || success_) {
    auto reply = request.reply(500);
    reply.add(HeaderId::retry_after, static_cast<std::uint32_t>(shared_.context.random.below(11)));
    return request.respond(std::move(reply), now);
  }
  if (stage_ != Stage::talking) return request.respond(481, now);
  if (const auto least = SessionTimer::too_short(request.message())) {
    auto reply = request.reply(422);
    reply.add(HeaderId::min_se, *least);
    return request.respond(std::move(reply), now);
  }
  if (!take_offer(request, now)) return;
  const bool was_offered = negotiation_->state() == sdp::Negotiation::State::offer_received;
  accept(request, was_offered ? negotiation_->answer() : negotiation_->offer(), now);
  if (was_offered) apply(true, now);
  arm_session(now);
}

void Call::on_update(const incoming::Request& request, Now now) {
  if (stage_ != Stage::talking && stage_ != Stage::ringing) return request.respond(481, now);
  if (const auto least = SessionTimer::too_short(request.message())) {
    auto reply = request.reply(422);
    reply.add(HeaderId::min_se, *least);
    return request.respond(std::move(reply), now);
  }
  const bool has_offer = !request.message().body().empty();
  if (has_offer && !take_offer(request, now)) return;
  auto reply = request.reply(200);
  add_own(reply);
  if (stage_ == Stage::talking) {
    if (const auto session = session_.answer(request.message(), now.mono)) {
      if (session->refresher == SessionExpires::Refresher::uac) reply.add(HeaderId::require, "timer");
      reply.add(HeaderId::session_expires, print(*session));
    }
  }
  if (has_offer) {
    shared_.context.layer.respond(request.id(),
                                  std::move(reply).finish("application/sdp", negotiation_->answer()), now);
    apply(stage_ == Stage::talking, now);
  } else {
    request.respond(std::move(reply), now);
  }
  arm_session(now);
}

void Call::on_info(const incoming::Request& request, Now now) {
  const sip::Message& info = request.message();
  // Packages are what an INVITE would have to offer with Recv-Info (RFC 6086 4.2.2).
  if (!info.header("Info-Package").empty()) return request.respond(469, now);
  const auto digit = parse_dtmf(info.header(HeaderId::content_type), info.body());
  if (!digit && !info.body().empty()) {
    auto reply = request.reply(415);
    reply.add(HeaderId::accept, "application/dtmf-relay, application/dtmf");
    return request.respond(std::move(reply), now);
  }
  request.respond(200, now);
  if (digit && stage_ == Stage::talking) shared_.book.on_digit(number_, *digit, now);
}

// --- the own

bool Call::is_changing() const {
  return is_changing_ || success_ || change_timer_.is_set() ||
         negotiation_->state() != sdp::Negotiation::State::stable;
}

bool Call::hold(bool held, Now now) {
  if (stage_ != Stage::talking || !negotiation_->agreement()) return false;
  if (negotiation_->is_held() == held) return true;
  negotiation_->set_held(held);
  change(now);
  return true;
}

/// Offers the session as the user wants it now, with a re-INVITE.
void Call::change(Now now) {
  wants_change_ = is_changing();
  if (wants_change_) return;
  is_changing_ = true;
  send_in_dialog(
      Method::invite,
      [this](sip::Builder& builder) {
        add_own(builder);
        if (session_.next()) builder.add(HeaderId::session_expires, print(session_.request()));
      },
      "application/sdp", share(negotiation_->offer()),
      [this](int status, const sip::Message* response, Now at) { on_change_outcome(status, response, at); },
      now);
}

void Call::on_change_outcome(int status, const sip::Message* response, Now now) {
  is_changing_ = false;
  const bool succeeded = response != nullptr && status / 100 == 2;
  if (succeeded) {
    dialog_->on_response(*response);
    send_ack(*response, now);
  }
  if (stage_ != Stage::talking) return;
  if (!succeeded) {
    negotiation_->abandon();
    // The dialog is gone (RFC 3261 12.2.1.2).
    if (status == 481 || status == 408 || response == nullptr)
      return fail({status == 0 ? 408 : status, "the call is lost"}, control::Cause::unreachable, now);
    if (status == 491) {
      // "the owner of the Call-ID" waits longer, so that one of both comes first (14.1).
      Random& random = shared_.context.random;
      const auto step = [&](std::uint64_t steps) { return 10ms * static_cast<int>(random.below(steps)); };
      const Duration pause = outgoing_ ? 2100ms + step(191) : step(201);
      change_timer_.set(now.mono + pause, [this](Time) { change(shared_.context.clock.now()); });
      return;
    }
    log::warn("invite", "call {}: the peer refuses the change: {}", number_, status);
    const auto& agreed = negotiation_->agreement();
    negotiation_->set_held(agreed && !agreed->receives() && negotiation_->is_held());
    return describe(now);
  }
  session_.on_success_received(*response, now.mono);
  arm_session(now);
  if (const auto taken = negotiation_->take_answer(response->body()); !taken) {
    log::warn("invite", "call {}: {}", number_, taken.error().message());
    return fail({488, taken.error().message()}, control::Cause::failed, now);
  }
  apply(true, now);
  if (wants_change_) change(now);
}

/// Keeps the session alive: UPDATE without offer where the peer takes it (RFC 4028 7.4).
void Call::refresh(Now now) {
  if (!peer_updates_) return change(now);
  send_in_dialog(
      Method::update,
      [this](sip::Builder& builder) {
        add_own(builder);
        builder.add(HeaderId::session_expires, print(session_.request()));
      },
      {}, {},
      [this](int status, const sip::Message* response, Now at) {
        if (stage_ != Stage::talking) return;
        if (response == nullptr || status == 481 || status == 408)
          return fail({408, "the call is lost"}, control::Cause::unreachable, at);
        if (status / 100 == 2) {
          dialog_->on_response(*response);
          session_.on_success_received(*response, at.mono);
        }
        arm_session(at);
      },
      now);
}

}  // namespace beckon::client::invite
