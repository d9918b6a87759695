#include "server/lists/back_end.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "protocol/base/text.hpp"
#include "protocol/documents/direct.hpp"
#include "protocol/documents/pidf.hpp"
#include "protocol/sip/builder.hpp"

namespace beckon::server::lists {

using event::Subscriber;
using sip::HeaderId;
using State = subscription::Report::State;

namespace {

constexpr std::array<std::string_view, 2> presence_types{documents::pidf_type, documents::cpim_pidf_type};
constexpr std::array<std::string_view, 1> dialog_types{documents::dialoginfo_type},
    registration_types{documents::reginfo_type};

/// Between two SUBSCRIBEs for full state after a document was missed: a notifier that always leaves some out
/// is not asked in a loop.
constexpr Duration refresh_pause = 10s;

/// Of a request outside of a dialog.
constexpr std::uint32_t first_cseq = 1, max_forwards = 70;

/// The literal for what a notifier or a refusal says of the end (RFC 6665 4.1.3). What comes back later is on
/// probation, whatever has happened to it.
std::string_view reason_of(std::string_view text, bool comes_back) {
  constexpr std::array<std::string_view, 7> known{"rejected",  "noresource", "deactivated", "timeout",
                                                  "probation", "giveup",     "invariant"};
  constexpr std::array<std::string_view, 5> refusals{"status 401", "status 403", "status 407", "status 603",
                                                     "status 606"};
  const auto found = std::ranges::find(known, text);
  if (found != known.end()) return *found;
  if (comes_back) return "probation";
  return std::ranges::find(refusals, text) == refusals.end() ? "noresource" : "rejected";
}

/// No grant of a direct session goes over a hop that can be read.
std::optional<std::string> without_grants(std::string_view body) {
  auto presence = documents::parse_pidf(body);
  if (!presence) return std::nullopt;
  bool had_any = false;
  for (documents::Tuple& tuple : presence->tuples) had_any |= documents::remove_direct(tuple);
  return had_any ? documents::print(*presence) : std::string(body);
}

}  // namespace

std::span<const std::string_view> back_end_types(std::string_view package) {
  if (package == "presence") return presence_types;
  if (package == "dialog") return dialog_types;
  if (package == "reg") return registration_types;
  return {};
}

BackEnd::BackEnd(Topic topic, std::chrono::seconds lifetime)
    : topic_(std::move(topic)), machine_({.expires = lifetime}) {}

BackEnd::Actions BackEnd::start(Time now) {
  seen_.reset();
  return act(machine_.start(now), now);
}

BackEnd::Actions BackEnd::act(const Subscriber::Actions& actions, Time now) {
  Actions next{.subscribe = actions.subscribe};
  const bool comes_back = machine_.state() == Subscriber::State::waiting;
  if (!actions.state_changed || (!comes_back && machine_.state() != Subscriber::State::ended)) return next;
  if (machine_.reason() == "stopped") return next;
  // A new subscription may succeed at once: the end is reported only if that fails.
  if (comes_back && seen_ && machine_.deadline() && *machine_.deadline() <= now) return next;
  seen_ = Seen{
      .state = State::terminated, .reason = reason_of(machine_.reason(), comes_back), .is_last = !comes_back};
  next.is_news = true;
  return next;
}

void BackEnd::begin_dialog(std::string call_id, std::string tag) {
  dialog_.reset();
  whole_.forget();
  call_id_ = std::move(call_id);
  tag_ = std::move(tag);
}

std::string BackEnd::make_subscribe(std::uint32_t expires, std::string_view contact) {
  sip::Builder builder =
      dialog_ ? dialog_->make_request("SUBSCRIBE") : sip::Builder::request("SUBSCRIBE", topic_.resource);
  if (!dialog_)
    builder
        .add(HeaderId::max_forwards, max_forwards + 1)  // it is forwarded here
        .add(HeaderId::from, '<' + topic_.watcher + ">;tag=" + tag_)
        .add(HeaderId::to, '<' + topic_.resource + '>')
        .add(HeaderId::call_id, call_id_)
        .add(HeaderId::cseq, std::to_string(first_cseq) + " SUBSCRIBE");
  builder.add(HeaderId::contact, contact)
      .add(HeaderId::event, topic_.package)
      .add(HeaderId::accept, topic_.body_type)
      .add(HeaderId::expires, expires);
  return builder.finish();
}

std::string BackEnd::next_hop() const {
  if (!dialog_) return topic_.resource;
  const auto first =
      sip::parse_name_addr(dialog_->route_set.empty() ? std::string_view() : dialog_->route_set.front());
  return first ? sip::print(first->uri) : dialog_->remote_target;
}

BackEnd::Actions BackEnd::on_end(int status, const sip::Message* response, Time now) {
  Subscriber::Response summary{.status = status};
  if (response) {
    summary.expires = response->expires();
    summary.min_expires = response->number(HeaderId::min_expires);
    summary.retry_after = response->number(HeaderId::retry_after);
    if (status / 100 == 2 && !dialog_) {
      if (auto made = dialog::make_uac_dialog(*response, false)) dialog_ = std::move(*made);
    } else if (status / 100 == 2 && response->to_tag() == dialog_->id.remote_tag) {
      dialog_->on_response(*response);
    }  // else a NOTIFY of another fork was first, and its dialog is the one that is kept
  }
  return act(machine_.on_response(summary, now), now);
}

bool BackEnd::matches(const sip::Message& notify) const {
  const auto event = sip::parse_event(notify.header(HeaderId::event));
  if (!machine_.is_open() || !event || event->package != topic_.package || !event->id.empty()) return false;
  if (dialog_) return dialog::id_of_request(notify) == dialog_->id;
  return notify.call_id() == call_id_ && notify.to_tag() == tag_;
}

BackEnd::Actions BackEnd::on_notify(const sip::Message& notify, int& status, Time now) {
  const auto state = sip::parse_subscription_state(notify.header(HeaderId::subscription_state));
  status = 400;
  if (!state) return {};
  if (!dialog_) {
    auto made = dialog::make_notified_dialog(notify, first_cseq, false);
    if (!made) return {};
    dialog_ = std::move(*made);
  }
  status = 500;
  if (!dialog_->on_request(notify)) return {};
  status = 200;
  Actions actions = act(machine_.on_notify(*state, now), now);
  if (state->state == "terminated" || machine_.state() == Subscriber::State::stopping) return actions;
  const bool is_active = state->state != "pending";
  bool is_gap = false;
  Seen seen{.state = is_active ? State::active : State::pending, .content = read(notify, is_gap)};
  if (is_gap && now >= next_refresh_) {
    next_refresh_ = now + refresh_pause;
    actions.subscribe = act(machine_.refresh(now), now).subscribe;
  }
  // Without a body, what was told before holds.
  if (!seen.content.body && seen_ && seen_->state == seen.state) return actions;
  seen_ = std::move(seen);
  actions.is_news = true;
  return actions;
}

/// The document as it came, or all that is known after it. One of a type that was not asked for is none.
subscription::Content BackEnd::read(const sip::Message& notify, bool& is_gap) {
  if (notify.body().empty()) return {};
  const auto known = back_end_types(topic_.package);
  const auto found = std::ranges::find(known, sip::media_type(notify.header(HeaderId::content_type)));
  if (found == known.end()) return {};
  if (topic_.package != "presence") {
    Whole::Taken taken = whole_.take(*found, notify.body());
    is_gap = taken.is_gap;
    return {.type = *found, .body = taken.text ? share(std::move(*taken.text)) : nullptr};
  }
  if (topic_.is_secure) return {.type = *found, .body = share(std::string(notify.body()))};
  auto body = without_grants(notify.body());
  if (!body) return {};
  return {.type = *found, .body = share(std::move(*body))};
}

}  // namespace beckon::server::lists
