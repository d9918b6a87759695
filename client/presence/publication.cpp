#include "client/presence/publication.hpp"

#include "protocol/base/text.hpp"
#include "protocol/documents/rpid.hpp"

namespace beckon::client::presence {

using event::Publisher;
using sip::HeaderId;

namespace {

/// The longest Expires of a PUBLISH, so that a device that vanishes is shown closed soon
/// (DIRECT_SESSIONS 3.8).
constexpr std::chrono::seconds lifetime{600};

/// Stands in the machine for the newest document, which is composed when a PUBLISH leaves.
const SharedText& newest() {
  static const SharedText mark = share("");
  return mark;
}

/// In the words of RFC 4480 3.2, and of `documents` for what it has none for.
std::vector<std::string> activities_of(const Shown& shown) {
  std::vector<std::string> activities;
  if (!shown.activity.empty()) activities.push_back(shown.activity);
  // Watchers that do not know it show <busy>.
  if (documents::says_do_not_disturb(shown.activity))
    activities = {"busy", std::string(documents::do_not_disturb)};
  if (shown.calls == Shown::Calls::one) activities.emplace_back(documents::one_call);
  if (shown.calls == Shown::Calls::none) activities.emplace_back(documents::messages_only);
  return activities;
}

bool wants_direct(const Shown& shown) { return shown.open && shown.direct != ds1::Mode::off; }

}  // namespace

documents::Presence compose(const account::Context& context, const Shown& shown,
                            const documents::Direct* direct, Now now) {
  documents::Tuple tuple;
  // One tuple per device. An XML id cannot begin with a digit.
  tuple.id = "d" + context.account.instance.substr(context.account.instance.size() - 12);
  tuple.basic = shown.open ? documents::Basic::open : documents::Basic::closed;
  if (direct != nullptr) tuple.status_extensions.push_back(documents::print(*direct));
  if (shown.last_seen)
    tuple.extensions.push_back(documents::make_last_input(print_time(now.wall), shown.open));
  const std::string contact = context.contact();
  tuple.contact = documents::Contact{contact.substr(1, contact.size() - 2), 800};
  if (!shown.note.empty()) tuple.notes.push_back({shown.note, {}});
  tuple.timestamp = print_time(now.wall);
  documents::Presence presence;
  presence.entity = context.account.aor;
  presence.tuples.push_back(std::move(tuple));
  if (const auto activities = activities_of(shown); !activities.empty())
    presence.persons.push_back(
        {"p" + presence.tuples.front().id, {documents::make_activities(activities)}, {}, {}});
  return presence;
}

Publication::Publication(account::Context& context, MakeDirect make_direct, Kept kept)
    : context_(context),
      make_direct_(std::move(make_direct)),
      kept_(std::move(kept)),
      machine_({.expires = lifetime}),
      timer_(context.timers),
      call_id_(context.random.token(12)),
      tag_(context.random.token(8)) {
  machine_.resume(kept_.etag);
}

// --- what the user asks for

void Publication::publish(Shown shown, Done done, Now now) {
  shown_ = std::move(shown);
  wanted_ = true;
  if (done) waiting_.push_back(std::move(done));
  auto actions = machine_.publish(newest(), now.mono);
  if (!actions.request) actions = hurry(now.mono);
  perform(actions, now);
}

void Publication::remove(Done done, Now now) {
  wanted_ = false;
  if (done) waiting_.push_back(std::move(done));
  auto actions = machine_.remove(now.mono);
  if (!actions.request) actions = hurry(now.mono);
  perform(actions, now);
  settle(now);
}

void Publication::update(Now now) { perform(machine_.republish(now.mono), now); }

void Publication::on_offer(Now now) {
  const auto& connection = context_.connection;
  const bool possible = wants_direct(shown_) && connection.offers_direct() && refused_on_ != connection.flow;
  if (wanted_ && possible && offer_taken_ != connection.flow) update(now);
}

/// A command of the user does not wait for the pause after a failure.
Publication::Actions Publication::hurry(Time now) {
  if (machine_.state() == Publisher::State::waiting) return machine_.on_timer(*machine_.deadline());
  if (machine_.state() != Publisher::State::failed) return {};
  return wanted_ ? machine_.republish(now) : machine_.remove(now);
}

/// Nothing is published and no PUBLISH is in flight: whatever still waits ends as removed.
void Publication::settle(Now now) {
  if (machine_.state() != Publisher::State::idle) return;
  for (auto& done : std::exchange(waiting_, {})) done(200, now);
}

// --- PUBLISH

void Publication::perform(const Actions& actions, Now now) {
  if (actions.request) send(*actions.request, now);
  if (const auto deadline = machine_.deadline()) {
    timer_.set(*deadline,
               [this](Time at) { perform(machine_.on_timer(at), {at, context_.clock.now().wall}); });
  } else {
    timer_.cancel();
  }
}

void Publication::send(const Publisher::Request& what, Now now) {
  in_flight_.whole = what.document != nullptr;
  in_flight_.removal = what.expires == 0;
  for (auto& done : std::exchange(waiting_, {})) in_flight_.dones.push_back(std::move(done));
  account::Requester::Request request{
      .method = sip::Method::publish, .uri = context_.account.aor, .make = {}, .owner = life_.watch()};
  if (in_flight_.whole) {
    request.body = make_document(now);
    request.content_type = documents::pidf_type;
  }
  const bool with_secret = in_flight_.whole && with_direct_;
  request.make = [this, what, with_secret] {
    sip::Builder builder =
        context_.request("PUBLISH", context_.account.aor, context_.account.aor, tag_, call_id_, ++cseq_);
    builder.add(HeaderId::event, "presence").add(HeaderId::expires, what.expires);
    if (!what.if_match.empty()) builder.add(HeaderId::sip_if_match, what.if_match);
    if (with_secret) builder.add(HeaderId::require, "beckon-direct");
    return builder;
  };
  context_.requester.send(
      std::move(request), context_.hop(),
      [this](int status, const sip::Message* response, Now at) { on_response(status, response, at); }, now);
}

SharedText Publication::make_document(Now now) {
  why_not_direct_ = why_not_direct();
  const documents::Direct* direct = nullptr;
  if (wants_direct(shown_) && why_not_direct_.empty()) {
    direct = make_direct_(std::exchange(renew_epoch_, false), now);
    if (direct == nullptr) why_not_direct_ = "this device has no reachable address";
  }
  with_direct_ = direct != nullptr;
  offer_taken_ = context_.connection.offers_direct() ? context_.connection.flow : 0;
  return share(documents::print(compose(context_, shown_, direct, now)));
}

/// Empty if <direct> may be published.
std::string Publication::why_not_direct() const {
  const auto& connection = context_.connection;
  if (!wants_direct(shown_)) return {};
  if (!is_secure(connection.server.protocol)) return "secrets are sent over TLS only";
  if (!connection.offers_direct()) return "the server does not offer direct sessions";
  return refused_on_ == connection.flow ? why_refused_ : std::string();
}

void Publication::on_response(int status, const sip::Message* response, Now now) {
  const bool good = response != nullptr && status < 300;
  Publisher::Response summary{
      .status = status, .etag = {}, .expires = {}, .min_expires = {}, .retry_after = {}};
  if (response != nullptr) {
    summary.etag = response->header(HeaderId::sip_etag);
    summary.expires = response->expires();
    summary.min_expires = response->number(HeaderId::min_expires);
    summary.retry_after = response->number(HeaderId::retry_after);
  }
  // A server that lost the publication gets the whole document under a new epoch (DIRECT_SESSIONS 3.3).
  if (status == 412) renew_epoch_ = true;
  const bool refused = in_flight_.whole && with_direct_ && (status == 420 || status == 403);
  const bool removed = in_flight_.removal && (good || status == 412);
  auto actions = machine_.on_response(summary, now.mono);
  if (machine_.etag() != kept_.etag) {
    kept_.etag = machine_.etag();
    if (kept_.on_changed) kept_.on_changed(kept_.etag);
  }
  bool unwanted = false;
  if (good) {
    unwanted = !take_success(*response, now);
  } else if (refused) {
    give_up_direct("refused: " + std::to_string(status), now);
    if (!actions.request && wanted_) actions = machine_.republish(now.mono);
  }
  // Another attempt follows, as the server asks for it; its answer counts.
  if (!good && !removed && actions.request) return perform(actions, now);
  const auto dones = std::exchange(in_flight_.dones, {});
  if (!actions.request && !waiting_.empty()) actions = hurry(now.mono);
  const std::string_view reason = account::Requester::reason_of(status, response);
  const char* const state = !good && !removed ? "failed" : in_flight_.removal ? "removed" : "published";
  // What is sent next changes what was published.
  report(state, status, reason, summary.expires.value_or(0), now);
  perform(actions, now);
  for (const auto& done : dones) done(removed ? 200 : account::Requester::status_of(status, response), now);
  settle(now);
  if (unwanted) update(now);
  if (good) on_offer(now);
}

/// False if <direct> was sent and the server does not want it: "UA on [...] a 2xx without the tag: publish
/// again without <direct>, change secret" (DIRECT_SESSIONS 3.1).
bool Publication::take_success(const sip::Message& response, Now now) {
  constexpr std::string_view removed = "direct removed: ";
  context_.connection.take_offer(response);
  if (!in_flight_.whole || !with_direct_) return true;
  const std::string_view warning = response.header(HeaderId::warning);
  if (const auto at = warning.find(removed); at != std::string_view::npos) {
    with_direct_ = false;
    why_not_direct_ = cut(warning.substr(at + removed.size()), '"').first;
  }
  if (context_.connection.offers_direct()) return true;
  give_up_direct("the server does not offer direct sessions", now);
  return false;
}

/// The secret that was sent is not used.
void Publication::give_up_direct(std::string why, Now now) {
  refused_on_ = context_.connection.flow;
  why_refused_ = why_not_direct_ = std::move(why);
  with_direct_ = false;
  make_direct_(true, now);
}

const char* Publication::state_word() const {
  switch (machine_.state()) {
    case Publisher::State::published:
      return "published";
    case Publisher::State::idle:
      return "removed";
    default:
      return machine_.etag().empty() ? "removed" : "published";
  }
}

void Publication::report(std::string_view state, int status, std::string_view reason, std::uint32_t expires,
                         Now now) {
  boost::json::object event = control::make_event("publication", now);
  event["state"] = state;
  event["status"] = status;
  if (state == "failed") event["reason"] = reason;
  if (state == "published") {
    event["expires"] = expires;
    event["direct"] = with_direct_;
    if (!why_not_direct_.empty()) event["why_not_direct"] = why_not_direct_;
  }
  context_.emit(std::move(event));
}

}  // namespace beckon::client::presence
