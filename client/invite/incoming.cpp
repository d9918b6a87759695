#include <algorithm>

#include "client/invite/call.hpp"
#include "protocol/base/log.hpp"
#include "protocol/base/text.hpp"
#include "protocol/sip/header_value.hpp"
#include "protocol/transaction/times.hpp"

/// The callee's side (RFC 3261 13.3).
namespace beckon::client::invite {

using sip::HeaderId;
using sip::Method;

namespace {

constexpr transaction::Times times;

/// A call that is answered directly on another device rings nobody here in that time (DIRECT_SESSIONS 11).
constexpr Duration head_start = 2s;

/// A body of another type than SDP, which alone is read here.
bool is_foreign(const sip::Message& request) {
  const auto type = trim(cut(request.header(HeaderId::content_type), ';').first);
  return !request.body().empty() && !iequals(type, "application/sdp");
}

}  // namespace

bool Call::is_merged(const sip::Message& invite) const {
  return !outgoing_ && dialog_ && invite.call_id() == call_id_ && invite.from_tag() == dialog_->id.remote_tag;
}

void Call::ring(const incoming::Request& request, stream::Files files, Now now) {
  const sip::Message& invite = request.message();
  const auto refuse = [&](int status, HeaderId header = HeaderId::other, std::string_view value = {}) {
    auto reply = request.reply(status);
    if (header != HeaderId::other) reply.add(header, value);
    request.respond(std::move(reply), now);
    finish();
  };
  stage_ = Stage::leaving;
  if (is_foreign(invite)) return refuse(415, HeaderId::accept, "application/sdp");
  if (const auto least = SessionTimer::too_short(invite))
    return refuse(422, HeaderId::min_se, std::to_string(*least));
  auto dialog = dialog::make_uas_dialog(invite, request.to_tag(), is_secured());
  if (!dialog) return refuse(400);
  if (const auto opened = open_port(); !opened) {
    log::warn("invite", "no port for a call: {}", opened.error().message());
    return refuse(500);
  }
  if (!invite.body().empty()) {
    const auto taken = negotiation_->take_offer(invite.body());
    if (!taken && taken.error() == make_error_code(sdp::Errc::no_common_stream)) {
      return refuse(488, HeaderId::warning,
                    is_secured() && !shared_.options.takes_plain
                        ? "399 beckon \"no audio with SRTP (SDES, DTLS) and a codec that both have\""
                        : "305 beckon \"no audio with a codec that both have\"");
    }
    if (!taken) return refuse(400);
  }
  call_id_ = invite.call_id();
  local_tag_ = request.to_tag();
  dialog_ = std::move(*dialog);
  files_ = std::move(files);
  began_ = now.mono;
  peer_updates_ = invite.lists(HeaderId::allow, "UPDATE");
  const auto from = invite.from();
  peer_ = from ? sip::canonical_aor(from->uri) : dialog_->remote_uri;
  invite_ = request;
  const Origin origin = find_origin(request, now);
  if (origin.leg_of != 0 && shared_.book.is_taken(origin.leg_of)) return refuse(486);
  stage_ = Stage::ringing;
  if (!origin.is_elsewhere) return alert(origin.leg_of, now);
  alert_timer_.set(now.mono + head_start, [this](Time) { alert(0, shared_.context.clock.now()); });
}

/// The own server says on a secured connection who calls: From is anybody's word.
Origin Call::find_origin(const incoming::Request& request, Now now) const {
  const std::string_view claims = request.message().header("Direct-Session");
  if (claims.empty()) return {};
  if (!shared_.origin_of) return {.leg_of = 0, .is_elsewhere = true};
  std::string from;
  if (request.is_from_server() && is_secured()) {
    const auto asserted = sip::parse_name_addr(request.message().header(HeaderId::p_asserted_identity));
    if (asserted) from = sip::canonical_aor(asserted->uri);
  }
  return shared_.origin_of(from, claims, now);
}

/// A leg of a call that rings here already does not alert the user again.
void Call::alert(call::Number leg_of, Now now) {
  ring_peer(now);
  number_ = shared_.book.open(
      {.kind = call::Kind::invite, .peer = peer_, .state = call::State::ringing, .leg_of = leg_of},
      shared_.carrier, key_, now);
}

/// 180, reliable only where the caller requires it: it carries nothing that must not be lost.
void Call::ring_peer(Now now) {
  auto reply = invite_->reply(180);
  // "The UAS MUST copy all Record-Route header field values from the request into the response" (RFC 3261
  // 12.1.1): 180 and 2xx make the dialog.
  reply.copy(invite_->message(), HeaderId::record_route);
  add_own(reply);
  if (!invite_->message().lists(HeaderId::require, "100rel")) return invite_->respond(std::move(reply), now);
  // "between 1 and 2**31 - 1" (RFC 3262 3).
  response_number_ = static_cast<std::uint32_t>(1 + shared_.context.random.below(0x40000000));
  reply.add(HeaderId::require, "100rel").add(HeaderId::rseq, response_number_);
  reliable_ = Repeated{*invite_, share(std::move(reply).finish()), now.mono + times.timeout(), times.t1};
  repeat(reliable_, reliable_timer_, false, now);
}

/// Sends what waits for a confirmation, and again after a pause that doubles. A 2xx is repeated at most every
/// T2; nobody confirming it ends the call (RFC 3261 13.3.1.4).
void Call::repeat(std::optional<Repeated>& repeated, Timer& timer, bool is_success, Now now) {
  if (now.mono >= repeated->give_up) {
    repeated.reset();
    if (is_success && stage_ == Stage::talking)
      return fail({408, "No ACK was received"}, control::Cause::unreachable, now);
    if (is_success && leaves_after_ack_) return send_bye({}, now);
    if (!is_success && stage_ == Stage::ringing) {
      // "If a reliable provisional response is retransmitted for 64*T1 seconds without reception of a
      // corresponding PRACK, the UAS SHOULD reject the original request with a 5xx response" (RFC 3262 3).
      invite_->respond(504, now);
      stage_ = Stage::leaving;
      end({"no PRACK was received", 504, control::Cause::unreachable}, now);
      finish();
    }
    return;
  }
  shared_.context.layer.respond(repeated->request.id(), *repeated->text, now);
  timer.set(std::min(now.mono + repeated->pause, repeated->give_up), [this, is_success](Time) {
    auto& again = is_success ? success_ : reliable_;
    if (again)
      repeat(again, is_success ? success_timer_ : reliable_timer_, is_success, shared_.context.clock.now());
  });
  repeated->pause = is_success ? std::min(2 * repeated->pause, times.t2) : 2 * repeated->pause;
}

/// A 2xx to an INVITE, with an offer or an answer.
void Call::accept(const incoming::Request& request, const std::string& description, Now now) {
  auto reply = request.reply(200);
  reply.copy(request.message(), HeaderId::record_route);
  add_own(reply);
  if (const auto session = session_.answer(request.message(), now.mono)) {
    // "If the refresher is the UAC, the 2xx MUST have Require: timer" (RFC 4028 9).
    if (session->refresher == SessionExpires::Refresher::uac) reply.add(HeaderId::require, "timer");
    reply.add(HeaderId::session_expires, print(*session));
  }
  success_ = Repeated{request, share(std::move(reply).finish("application/sdp", description)),
                      now.mono + times.timeout(), times.t1};
  repeat(success_, success_timer_, true, now);
}

bool Call::answer(Now now) {
  if (stage_ != Stage::ringing || number_ == 0) return false;
  stage_ = Stage::talking;
  reliable_.reset();
  reliable_timer_.cancel();
  const bool was_offered = negotiation_->state() == sdp::Negotiation::State::offer_received;
  accept(*invite_, was_offered ? negotiation_->answer() : negotiation_->offer(), now);
  begin_talking(now);
  return true;
}

bool Call::reject(Now now) {
  if (stage_ != Stage::ringing) return false;
  stage_ = Stage::leaving;
  invite_->respond(603, now);
  end({"declined", 603, control::Cause::done}, now);
  finish();
  return true;
}

void Call::on_ack(const sip::Message& ack, Now now) {
  const auto cseq = ack.cseq();
  const auto asked = success_ ? success_->request.message().cseq() : cseq;
  if (!success_ || !cseq || !asked || cseq->number != asked->number) return;
  success_.reset();
  success_timer_.cancel();
  const bool is_first = invite_.has_value();
  invite_.reset();
  if (leaves_after_ack_) return send_bye({}, now);
  if (stage_ != Stage::talking) return;
  if (negotiation_->state() == sdp::Negotiation::State::offered && !is_changing_) {
    if (const auto taken = negotiation_->take_answer(ack.body()); !taken)
      return fail({488, taken.error().message()}, control::Cause::failed, now);
    apply(true, now);
  }
  if (is_first) shared_.book.enter(number_, call::State::active, now);
  if (wants_change_) change(now);
}

void Call::on_cancel(transaction::TransactionId id, const sip::Message& cancel, Now now) {
  if (stage_ != Stage::ringing || !invite_ || invite_->id() != id) return;
  invite_->respond(487, now);
  stage_ = Stage::leaving;
  auto cause = cause_of_end(cancel);
  cause.only_this_leg = true;
  end(std::move(cause), now);
  finish();
}

/// The refusal of an INVITE was not confirmed: nothing is left to do. A 2xx is not the layer's to repeat.
void Call::on_no_ack(transaction::TransactionId, Now) {}

void Call::on_prack(const incoming::Request& request, Now now) {
  const auto read = sip::parse_header(HeaderId::rack, request.message().header(HeaderId::rack));
  const auto* const rack = read ? std::get_if<sip::RAck>(&*read) : nullptr;
  if (!invite_) return request.respond(481, now);
  const auto cseq = invite_->message().cseq();
  const bool matches = rack != nullptr && cseq && rack->response == response_number_ &&
                       rack->cseq == cseq->number && reliable_;
  if (!matches) return request.respond(481, now);
  reliable_.reset();
  reliable_timer_.cancel();
  request.respond(200, now);
}

void Call::on_bye(const incoming::Request& request, Now now) {
  request.respond(200, now);
  // A caller may end an early dialog so (RFC 3261 15.1.2): its INVITE is still to be answered.
  if (stage_ == Stage::ringing) invite_->respond(487, now);
  if (stage_ == Stage::ringing || stage_ == Stage::talking) {
    stage_ = Stage::leaving;
    end(cause_of_end(request.message()), now);
  }
  finish();
}

void Call::on_request(const incoming::Request& request, Now now) {
  if (!dialog_ || request.message().from_tag() != dialog_->id.remote_tag || stage_ == Stage::over)
    return request.respond(481, now);
  if (const auto taken = dialog_->on_request(request.message()); !taken)
    return request.respond(taken.error() == make_error_code(dialog::Errc::out_of_order) ? 500 : 400, now);
  switch (request.message().method()) {
    case Method::bye:
      return on_bye(request, now);
    case Method::prack:
      return on_prack(request, now);
    case Method::invite:
      return on_reinvite(request, now);
    case Method::update:
      return on_update(request, now);
    case Method::info:
      return on_info(request, now);
    default:
      return request.respond(405, now);
  }
}

}  // namespace beckon::client::invite
