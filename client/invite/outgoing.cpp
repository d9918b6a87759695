#include <algorithm>

#include "client/invite/call.hpp"
#include "protocol/base/log.hpp"
#include "protocol/base/text.hpp"

/// The caller's side (RFC 3261 13.2).
namespace beckon::client::invite {

using sip::HeaderId;
using sip::Method;

Result<call::Number> Call::dial(Dialled dialled, stream::Files files, Now now) {
  Random& random = shared_.context.random;
  outgoing_ = true;
  dialled_ = std::move(dialled);
  peer_ = dialled_.to;
  call_id_ = random.token(16);
  local_tag_ = random.token(6);
  files_ = std::move(files);
  began_ = now.mono;
  if (const auto opened = open_port(); !opened) return opened.error();
  stage_ = Stage::calling;
  number_ = shared_.book.open({.kind = call::Kind::invite,
                               .peer = peer_,
                               .outgoing = true,
                               .state = call::State::dialing,
                               .why_not_direct = dialled_.why_not_direct,
                               .leg_of = dialled_.leg_of},
                              shared_.carrier, key_, now);
  offer_ = share(negotiation_->offer());
  send_invite(now);
  return number_;
}

/// "488 [...] not acceptable here": a browser's stack has no SDES. False: the call is refused.
bool Call::offer_dtls_instead(int status, Now now) {
  if (shared_.options.security != Options::Security::best || audio_.dtls->offered) return false;
  if (status != 488 && status != 606 && status != 415) return false;
  audio_ = make_audio(true);
  negotiation_.emplace(audio_);
  leg_.reset();
  early_.clear();
  offer_ = share(negotiation_->offer());
  transport_->listen();
  send_invite(now);
  return true;
}

sip::Builder Call::make_invite() {
  const std::string& target = dialled_.target.empty() ? peer_ : dialled_.target;
  auto builder = shared_.context.request("INVITE", target, peer_, local_tag_, call_id_, ++cseq_);
  add_own(builder);
  if (!dialled_.claim.empty()) builder.add("Direct-Session", dialled_.claim);
  builder.add(HeaderId::session_expires, std::to_string(session_expires_));
  if (session_expires_ != SessionTimer::usual) builder.add(HeaderId::min_se, session_expires_);
  return builder;
}

void Call::send_invite(Now now) {
  account::Requester::Request request{
      .method = Method::invite,
      .uri = dialled_.target.empty() ? peer_ : dialled_.target,
      .make = [this] { return make_invite(); },
      .content_type = "application/sdp",
      .body = offer_,
      .owner = weak_from_this(),
      .on_provisional = [this](const sip::Message& response, Now at) { on_provisional(response, at); },
      .on_sent =
          [this](transaction::TransactionId id) {
            transaction_ = id;
            // The user gave up while the request was challenged.
            if (stage_ == Stage::leaving) shared_.context.layer.cancel(id, {}, shared_.context.clock.now());
          }};
  shared_.context.requester.send(
      std::move(request), shared_.context.hop(),
      [this](int status, const sip::Message* response, Now at) { on_final(status, response, at); }, now);
}

Call::Early* Call::find_early(const sip::Message& response) {
  const std::string tag(response.to_tag());
  if (tag.empty()) return nullptr;
  if (const auto known = early_.find(tag); known != early_.end()) return &known->second;
  auto dialog = dialog::make_uac_dialog(response, is_secured());
  // A bound on forks: what a proxy may make of one request.
  constexpr std::size_t forks_max = 32;
  if (!dialog || early_.size() >= forks_max) return nullptr;
  return &early_
              .emplace(tag, Early{.dialog = std::make_shared<dialog::Dialog>(std::move(*dialog)),
                                  .response_number = {},
                                  .negotiation = *negotiation_,
                                  .answered = false})
              .first->second;
}

void Call::on_provisional(const sip::Message& response, Now now) {
  if (stage_ != Stage::calling || response.status() == 100) return;
  Early* const early = find_early(response);
  const bool reliable = response.lists(HeaderId::require, "100rel");
  if (reliable) {
    const auto number = response.number(HeaderId::rseq);
    if (early == nullptr || !number) return;
    // A copy, or one that overtook another: it comes again (RFC 3262 4).
    if (early->response_number && *number != *early->response_number + 1) {
      if (*number <= *early->response_number) confirm_reliable(response, *early, now);
      return;
    }
    early->response_number = number;
    confirm_reliable(response, *early, now);
  }
  // COMPAT: an answer in a 1xx that is not reliable is no answer by RFC 3261 13.2.1, and everybody plays what
  // comes with it; the 2xx repeats it.
  if (early != nullptr && !early->answered && !response.body().empty()) {
    const auto taken = early->negotiation.take_answer(response.body());
    early->answered = taken.has_value();
    if (taken) {
      negotiation_ = early->negotiation;
      // A direct session that is tried at the same time may have the file to record to.
      if (!shared_.book.has_rival(number_)) apply(false, now);
    } else {
      log::warn("invite", "call {}: early answer: {}", number_, taken.error().message());
      early->negotiation = *negotiation_;
    }
  }
  if (response.status() == 180) shared_.book.enter(number_, call::State::ringing, now);
}

void Call::confirm_reliable(const sip::Message& response, Early& early, Now now) {
  const auto cseq = response.cseq();
  if (!cseq) return;
  const std::string rack =
      std::to_string(*response.number(HeaderId::rseq)) + ' ' + std::to_string(cseq->number) + " INVITE";
  const auto dialog = early.dialog;
  shared_.context.requester.send(
      {.method = Method::prack,
       .uri = dialog->remote_target,
       .make =
           [dialog, rack] {
             auto builder = dialog->make_request("PRACK");
             builder.add(HeaderId::user_agent, "beckon/" BECKON_VERSION);
             builder.add(HeaderId::rack, rack);
             return builder;
           },
       .owner = weak_from_this()},
      shared_.context.hop(), [](int, const sip::Message*, Now) {}, now);
}

void Call::on_final(int status, const sip::Message* response, Now now) {
  transaction_ = 0;
  if (response != nullptr && status / 100 == 2) return on_accepted(*response, now);
  const bool is_short = status == 422 && response != nullptr && session_expires_ == SessionTimer::usual;
  const auto least = is_short ? response->number(HeaderId::min_se) : std::nullopt;
  if (stage_ == Stage::calling && least && *least > session_expires_) {
    session_expires_ = *least;
    early_.clear();
    return send_invite(now);
  }
  if (stage_ == Stage::calling && offer_dtls_instead(status, now)) return;
  if (stage_ == Stage::calling) {
    stage_ = Stage::leaving;
    auto cause = cause_of_final(status, response);
    cause.only_this_leg = cause.code != 600 && cause.code != 603;
    end(std::move(cause), now);
  }
  finish();
}

void Call::send_ack(const sip::Message& response, Now now) {
  const auto cseq = response.cseq();
  if (!cseq) return;
  ack_cseq_ = cseq->number;
  ack_ = dialog_->make_ack(ack_cseq_).finish();
  shared_.context.layer.send_ack(ack_, shared_.context.hop(), now);
}

void Call::on_accepted(const sip::Message& response, Now now) {
  auto dialog = dialog::make_uac_dialog(response, is_secured());
  if (!dialog) {
    log::warn("invite", "call {}: a 2xx without dialog: {}", number_, dialog.error().message());
    if (stage_ == Stage::calling) end({"unusable 2xx", 0, control::Cause::failed}, now);
    return finish();
  }
  const auto early = early_.find(dialog->id.remote_tag);
  if (early != early_.end()) {
    // PRACKs have counted on; the route set is that of the 2xx (RFC 3261 13.2.2.4).
    dialog->local_cseq = std::max(dialog->local_cseq, early->second.dialog->local_cseq);
    if (early->second.answered) negotiation_ = early->second.negotiation;
  }
  dialog_ = std::move(*dialog);
  send_ack(response, now);
  if (stage_ == Stage::leaving) return send_bye({}, now);  // the CANCEL came too late
  stage_ = Stage::talking;
  // The answer of another fork is not this one's.
  const bool is_open = negotiation_->state() == sdp::Negotiation::State::offered;
  const bool foreign = !is_open && (early == early_.end() || !early->second.answered);
  if (foreign) {
    negotiation_.emplace(audio_);
    (void)negotiation_->offer();
  }
  if (negotiation_->state() == sdp::Negotiation::State::offered) {
    if (const auto taken = negotiation_->take_answer(response.body()); !taken)
      return fail({488, taken.error().message()}, control::Cause::failed, now);
  }
  peer_updates_ = response.lists(HeaderId::allow, "UPDATE");
  session_.on_success_received(response, now.mono);
  early_.clear();
  begin_talking(now);
  shared_.book.enter(number_, call::State::active, now);
}

bool Call::on_late_success(const sip::Message& response, Now now) {
  if (!dialog_ || response.to_tag() != dialog_->id.remote_tag) return false;
  const auto cseq = response.cseq();
  if (cseq && cseq->number == ack_cseq_ && !ack_.empty())
    shared_.context.layer.send_ack(ack_, shared_.context.hop(), now);
  return true;
}

}  // namespace beckon::client::invite
