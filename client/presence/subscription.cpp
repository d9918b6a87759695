#include "client/presence/subscription.hpp"

#include <algorithm>

#include "protocol/base/text.hpp"

namespace beckon::client::presence {

using event::Subscriber;
using sip::HeaderId;

Subscription::Subscription(account::Context& context, std::string to, std::string package, std::string accept,
                           std::uint32_t expires_seconds, OnDocument on_document, OnChange on_change,
                           const sip::Rates& rates)
    : context_(context),
      to_(std::move(to)),
      package_(std::move(package)),
      readable_(std::move(accept)),
      accept_(readable_),
      rates_(sip::print(rates)),
      on_document_(std::move(on_document)),
      on_change_(std::move(on_change)),
      machine_({.expires = std::chrono::seconds(expires_seconds)}),
      timer_(context.timers) {}

void Subscription::start(Done done, Now now) {
  started_ = std::move(done);
  perform(machine_.start(now.mono), now);
}

void Subscription::stop(Done done, Now now) {
  if (done) stopped_.push_back(std::move(done));
  perform(machine_.stop(now.mono), now);
}

void Subscription::refresh(Now now) { perform(machine_.refresh(now.mono), now); }

void Subscription::reload(Now now) {
  entity_tag_.clear();
  if (reloads_ >= reloads_max) return;
  ++reloads_;
  refresh(now);
}

bool Subscription::matches(const sip::Message& notify) const {
  // The SUBSCRIBE has no id, and "an "Event" header field containing an "id" parameter never matches an
  // "Event" header field without an "id" parameter" (RFC 6665 8.2.1).
  const auto event = sip::parse_event(notify.header(HeaderId::event));
  if (!machine_.is_open() || !event || event->package != package_ || !event->id.empty()) return false;
  if (dialog_) return dialog::id_of_request(notify) == dialog_->id;
  return notify.call_id() == call_id_ && notify.to_tag() == tag_;
}

bool Subscription::can_read(const sip::Message& notify) const {
  if (notify.body().empty()) return true;
  const auto type = sip::media_type(notify.header(HeaderId::content_type));
  return std::ranges::any_of(split(readable_, ','),
                             [&](std::string_view each) { return sip::media_type(each) == type; });
}

int Subscription::on_notify(const sip::Message& notify, Now now) {
  const auto state = sip::parse_subscription_state(notify.header(HeaderId::subscription_state));
  if (!state) return 400;
  if (!dialog_) {
    auto made = dialog::make_notified_dialog(notify, cseq_, false);
    if (!made) return 400;
    dialog_ = std::move(*made);
  }
  if (!dialog_->on_request(notify)) return 500;
  if (!notify.body().empty()) entity_tag_ = notify.header(HeaderId::sip_etag);
  // The document first: the handler of a new state may ask for the document that came with it.
  if (!notify.body().empty()) on_document_(notify, now);
  perform(machine_.on_notify(*state, now.mono), now);
  return 200;
}

bool Subscription::confirms(const sip::Message& notify) const {
  return notify.body().empty() && !entity_tag_.empty() && notify.header(HeaderId::sip_etag) == entity_tag_;
}

void Subscription::perform(const Subscriber::Actions& actions, Now now) {
  // A dropped dialog is kept until the next one begins, because a SUBSCRIBE in it may be in flight.
  if (actions.state_changed) {
    report(now);
    on_change_(now);
  }
  if (actions.subscribe) send(*actions.subscribe, now);
  if (const auto deadline = machine_.deadline()) {
    timer_.set(*deadline,
               [this](Time at) { perform(machine_.on_timer(at), {at, context_.clock.now().wall}); });
  } else {
    timer_.cancel();
  }
  if (machine_.state() != Subscriber::State::ended) return;
  // A NOTIFY may end the subscription before its SUBSCRIBE is answered. The NOTIFY then counts as the answer.
  if (const auto done = std::exchange(started_, {})) done(200, now);
  for (const auto& done : std::exchange(stopped_, {})) done(stop_status_, now);
}

void Subscription::send(const Subscriber::Subscribe& what, Now now) {
  if (what.new_dialog) {
    dialog_.reset();
    call_id_ = context_.random.token(12);
    tag_ = context_.random.token(8);
  }
  context_.requester.send(
      {.method = sip::Method::subscribe,
       .uri = dialog_ ? dialog_->remote_target : to_,
       .make = [this, expires = what.expires, fresh = what.new_dialog] { return make(expires, fresh); },
       .owner = life_.watch()},
      context_.hop(),
      [this](int status, const sip::Message* response, Now at) { on_response(status, response, at); }, now);
}

sip::Builder Subscription::make(std::uint32_t expires, bool new_dialog) {
  // After a challenge the request is repeated outside the dialog, even if a NOTIFY has created one meanwhile.
  const bool inside = dialog_ && !new_dialog;
  sip::Builder builder = inside ? dialog_->make_request("SUBSCRIBE")
                                : context_.request("SUBSCRIBE", to_, to_, tag_, call_id_, ++cseq_);
  builder.add(HeaderId::event, package_ + rates_)
      .add(HeaderId::contact, context_.dialog_contact())
      .add(HeaderId::accept, accept_)
      .add(HeaderId::expires, expires);
  if (supports_lists_) builder.add(HeaderId::supported, "eventlist");
  if (!entity_tag_.empty()) builder.add(HeaderId::suppress_if_match, entity_tag_);
  return builder;
}

void Subscription::on_response(int status, const sip::Message* response, Now now) {
  Subscriber::Response summary{.status = status, .expires = {}, .min_expires = {}, .retry_after = {}};
  if (response != nullptr) {
    summary.expires = response->expires();
    summary.min_expires = response->number(HeaderId::min_expires);
    summary.retry_after = response->number(HeaderId::retry_after);
    if (status >= 200 && status < 300) {
      if (!dialog_) {
        if (auto made = dialog::make_uac_dialog(*response, false)) dialog_ = std::move(*made);
      } else if (response->to_tag() == dialog_->id.remote_tag) {
        dialog_->on_response(*response);
      }  // else a NOTIFY of another fork was first, and its dialog is the one that is kept
      // A NOTIFY may have created the dialog before a challenge raised the CSeq.
      if (dialog_) dialog_->local_cseq = std::max(dialog_->local_cseq, cseq_);
    }
  }
  last_status_ = status;
  const int shown = account::Requester::status_of(status, response);
  if (machine_.state() == Subscriber::State::stopping && status >= 300 && status != 481) stop_status_ = shown;
  const auto actions = machine_.on_response(summary, now.mono);
  // A 423 is followed by another attempt, whose answer counts.
  const bool again = status >= 300 && actions.subscribe;
  const auto done = again ? Done() : std::exchange(started_, {});
  perform(actions, now);
  if (done) done(shown, now);
}

const char* Subscription::state_word() const {
  switch (machine_.state()) {
    case Subscriber::State::pending:
      return "pending";
    case Subscriber::State::active:
      return "active";
    case Subscriber::State::ended:
    case Subscriber::State::waiting:
      return "terminated";
    default:
      return "unknown";
  }
}

void Subscription::report(Now now) {
  boost::json::object event = control::make_event("subscription", now);
  event["to"] = to_;
  event["package"] = package_;
  event["state"] = state_word();
  if (!machine_.reason().empty()) event["reason"] = machine_.reason();
  if (last_status_ != 0) event["status"] = last_status_;
  if (const auto expires = machine_.expires(); expires && *expires > now.mono) {
    event["expires"] = std::chrono::duration_cast<std::chrono::seconds>(*expires - now.mono).count();
  }
  context_.emit(std::move(event));
}

}  // namespace beckon::client::presence
