#include "server/proxy/proxy.hpp"

#include <algorithm>
#include <utility>

#include "protocol/base/log.hpp"
#include "protocol/base/text.hpp"
#include "protocol/sip/builder.hpp"
#include "protocol/sip/value_list.hpp"
#include "server/proxy/hiding.hpp"
#include "server/proxy/identity.hpp"
#include "server/proxy/loop.hpp"
#include "server/shard/replay.hpp"
#include "server/store/store.hpp"

namespace beckon::server::proxy {

using sip::HeaderId;
using sip::Method;
using transaction::Hop;
using transaction::TransactionId;

namespace {

bool begins_call(const sip::Message& request) {
  return request.method() == Method::invite && request.to_tag().empty();
}

}  // namespace

Proxy::Proxy(Parts parts, const crypto::Key32& key)
    : services_(parts.services),
      sender_(parts.sender),
      peers_(parts.peers),
      locator_(parts.locator),
      users_(parts.users),
      registrar_(parts.registrar),
      key_(key),
      forwarder_(services_, sender_, locator_, key_, *this),
      ringing_(services_.random()) {}

Proxy::~Proxy() { crypto::wipe(key_); }

Serves Proxy::serves() const {
  return {.methods = {Method::invite, Method::ack, Method::bye, Method::cancel, Method::info, Method::options,
                      Method::prack, Method::refer, Method::update, Method::notify},
          .accepts = {"application/sdp"},
          .proxy_options = {"privacy"}};
}

std::optional<Bucket> Proxy::bucket_of_token(const sip::Message& request) const {
  if (!request.has(HeaderId::route)) return std::nullopt;
  const auto top = sip::view_name_addr(request.first(HeaderId::route));
  const auto token = top ? open(top->uri.user, key_, request.call_id()) : std::nullopt;
  return token ? std::optional(token->bucket) : std::nullopt;
}

bool Proxy::vouches_for(const sip::Message& request) const {
  return !request.to_tag().empty() &&
         destination_in_dialog(read_dialog_route(request, key_, services_.settings()), locator_.abilities());
}

bool Proxy::is_looping(const sip::Message& request) const { return proxy::is_looping(request, key_); }

Proxy::Context* Proxy::find(TransactionId id) {
  const auto found = contexts_.find(id);
  return found == contexts_.end() ? nullptr : &found->second;
}

Proxy::Context& Proxy::begin(const RequestPtr& request) {
  return contexts_.try_emplace(request->id, request, services_.timers()).first->second;
}

void Proxy::forget(TransactionId id) {
  const auto found = contexts_.find(id);
  if (found == contexts_.end()) return;
  const Request& request = *found->second.request;
  if (observer_ && begins_call(request.message)) observer_->on_over(request, services_.clock().now());
  ringing_.give_back(found->second.ringing);
  contexts_.erase(found);
}

void Proxy::give_up(const RequestPtr& request, int status, std::string_view reason) {
  forget(request->id);
  services_.respond(*request, status, reason);
}

void Proxy::give_up(const RequestPtr& request, SipsRefusal why) {
  forget(request->id);
  services_.respond(*request, make_refusal(request->reply(480), why));
}

void Proxy::on_request(const RequestPtr& request) {
  if (!request->message.to_tag().empty() && request->message.has(HeaderId::route)) {
    auto route = read_dialog_route(request->message, key_, services_.settings());
    if (route.token) return forward_in_dialog(request, std::move(route));
  }
  deliver(request,
          [this](const RequestPtr& asked, Unreachable why) { answer_unreachable(services_, asked, why); });
}

OwnLines Proxy::own_lines(Forwarder::Key key, const Target& target, const Hop& hop) {
  const Context* context = find(key);
  if (!context) return {};
  const Request& request = *context->request;
  OwnLines own;
  if (target.in_dialogs) own.record_route = record_route(request, target, hop);
  if (hides_headers(request.message))
    own.contact = hidden_contact(request.message, request.bucket, hop, is_to_sips(request.message));
  return own;
}

/// A Contact of ours in place of its own, as it is reached on `hop`; empty where it has none.
std::string Proxy::hidden_contact(const sip::Message& message, Bucket bucket, const Hop& hop,
                                  bool sips) const {
  const std::string user = seal_contact(message, bucket, key_);
  return user.empty() ? user : '<' + sender_.own_uri(user, hop, sips) + '>';
}

/// One line for each side where the two reach us differently (RFC 5658); the callee's on top.
std::vector<std::string> Proxy::record_route(const Request& request, const Target& target,
                                             const Hop& callee) const {
  const auto call_id = request.message.call_id();
  const std::string user = seal({.bucket = request.bucket,
                                 .caller_tag_hash = end_hash(request.message.from_tag(), key_, call_id),
                                 .caller_aor_hash = end_hash(request.identity.aor, key_, call_id),
                                 .callee_aor_hash = end_hash(target.aor, key_, call_id),
                                 .caller = way_back(request),
                                 .callee = callee},
                                key_, call_id);
  // RFC 3261 16.6 step 4.
  const bool sips = is_to_sips(request.message);
  std::string for_caller = '<' + sender_.own_uri(user, request.from, sips) + ";lr>";
  std::string for_callee = '<' + sender_.own_uri(user, callee, sips) + ";lr>";
  if (for_caller == for_callee) return {std::move(for_caller)};
  return {std::move(for_caller), std::move(for_callee)};
}

// Forwarding

/// What a peer of the trust domain asserts goes on in place of what is proven here (RFC 3325 5).
void Proxy::keep_asserted(const Request& request, std::vector<Target>& targets) const {
  if (!request.message.has(HeaderId::p_asserted_identity) || !is_trusted(request.from, services_.settings()))
    return;
  for (Target& target : targets) {
    target.keeps_asserted = true;
    target.asserted.clear();
  }
}

/// `route`: where it has been read.
void Proxy::forward(const RequestPtr& request, std::vector<Target> targets,
                    std::optional<DialogRoute> route) {
  Context* context = find(request->id);
  if (!context) return;
  if (context->cancelled) return give_up(request, 487);
  const auto breadth = breadth_of(request->message, services_.settings());
  if (breadth == 0) return give_up(request, 440, "Max-Breadth Exceeded");
  if (begins_call(request->message))
    if (const auto full =
            ringing_.take(*request, context->callee.aor, services_.settings(), context->ringing)) {
      forget(request->id);
      return services_.respond(*request, too_many_ring(*request, *full).finish());
    }
  context->branches = targets.size();
  keep_asserted(*request, targets);
  if (!route) route = read_dialog_route(request->message, key_, services_.settings());
  report_forwarded(*context);
  forwarder_.start(request->id, {.bucket = request->bucket,
                                 .request = request->message,
                                 .route = std::move(*route),
                                 .targets = std::move(targets),
                                 .breadth = breadth,
                                 .ring = services_.settings().serial_ring});
}

/// What is sent back to the caller of a request: our own Via taken off, and the identity of whoever answers
/// kept from callers outside of the trust domain where that is wished (RFC 3325 5, 7).
std::string Proxy::answer_back(const Request& request, const sip::Message& response) const {
  sip::Splice back(response);
  if (hides_headers(request.message))
    proxy::restore(back, response, request.message);
  else
    back.drop_first(HeaderId::via);
  if (response.status() < 300 && hides_headers(response))
    hide_answerer(back, response,
                  hidden_contact(response, request.bucket, request.from, is_to_sips(request.message)));
  const bool is_own_device = request.identity.authenticated && request.from.name.empty();
  if (response.has(HeaderId::p_asserted_identity) &&
      !may_show_identity(response, request.from, is_own_device, services_.settings()))
    back.drop(HeaderId::p_asserted_identity);
  return back.finish();
}

Proxy::Taken Proxy::take_over(TransactionId id, OnRefusal on_refusal) {
  Context* context = find(id);
  if (!context || !context->on_end) return {};
  context->is_taken = true;
  context->on_refusal = std::move(on_refusal);
  return {context->request, std::exchange(context->refusals, {})};
}

/// Does the room answer, which now hears of the outcome?
bool Proxy::is_answered(Context& context, const Outcome& outcome, Now now) {
  const OnEnd on_end = std::exchange(context.on_end, {});
  const RequestPtr request = context.request;
  return on_end && on_end(request, outcome, now);
}

void Proxy::report_forwarded(const Context& context) {
  if (!observer_) return;
  const auto& message = context.request->message;
  const Now now = services_.clock().now();
  if (begins_call(message)) observer_->on_invite(*context.request, context.callee.aor, now);
  if (context.is_vouched && message.method() == Method::bye) observer_->on_bye(*context.request, now);
}

/// Who hears of the responses to a request; null: nobody does.
CallObserver* Proxy::observer_of(const Context& context) const {
  const auto& message = context.request->message;
  const auto method = message.method();
  const bool changes_call = context.is_vouched && (method == Method::invite || method == Method::update);
  return changes_call || begins_call(message) ? observer_ : nullptr;
}

void Proxy::on_response(Forwarder::Key key, std::size_t target, const sip::Message& response, Now now) {
  Context* context = find(key);
  if (!context) return;
  const Target& from = forwarder_.target(key, target);
  if (auto* observer = observer_of(*context))
    observer->on_response(*context->request, {target, from.aor, from.binding}, response, now);
  const bool is_final = response.status() >= 200;
  if (!is_final && context->is_taken) return;
  if (is_final && context->on_end) {
    const registrar::Binding none{};
    const Outcome outcome{.status = response.status(),
                          .device = from.aor == context->callee.aor ? &from.binding : &none};
    if (is_answered(*context, outcome, now)) return;
  }
  services_.respond(*context->request, answer_back(*context->request, response));
}

void Proxy::on_success_again(Forwarder::Key key, const sip::Message& response, Now now) {
  const Context* context = find(key);
  if (!context || !has_way_back(context->request->message, response)) return;
  if (auto* observer = observer_of(*context))
    observer->on_response(*context->request, {0, {}, registrar::Binding()}, response, now);
  services_.respond(*context->request, answer_back(*context->request, response));
}

void Proxy::on_target_end(Forwarder::Key key, std::size_t target, const Forwarder::End& end, Now now) {
  Context* context = find(key);
  if (!context) return;
  if (context->on_end) note_refusal(*context, target, end, now);
  context = find(key);
  if (context && observer_ && begins_call(context->request->message))
    observer_->on_branch_end(*context->request, target, end.status, now);
}

/// For the room that had it delivered.
void Proxy::note_refusal(Context& context, std::size_t target, const Forwarder::End& end, Now now) {
  constexpr int loop_detected = 482;
  const bool may_take_later = is_absence(end);
  context.is_absent |= may_take_later;
  const Target& from = forwarder_.target(context.request->id, target);
  if (end.status < 300 || !end.is_answered || end.status == loop_detected || from.aor != context.callee.aor)
    return;
  Refusal refusal{from.binding, may_take_later};
  if (!context.is_taken) return context.refusals.push_back(std::move(refusal));
  const OnRefusal on_refusal = context.on_refusal;
  const RequestPtr request = context.request;
  if (on_refusal) on_refusal(request, refusal, now);
}

void Proxy::on_early_end(Forwarder::Key key, std::string_view to_tag, int status) {
  const Context* context = find(key);
  if (!context || context->best != 0) return;
  constexpr int early_dialog_terminated = 199;
  auto reply = begin_reply(context->request->message, early_dialog_terminated, to_tag);
  reply.add(HeaderId::reason, "SIP;cause=" + std::to_string(status));
  services_.respond(*context->request, std::move(reply).finish());
}

void Proxy::on_flow_failed(Forwarder::Key key, const Target& target, Now) {
  if (!find(key) || target.aor.empty()) return;
  // Where too much waits, the next request finds it out again.
  if (!peers_.post<Proxy>(bucket_of(target.aor), FlowFailed{target.aor, target.binding}))
    log::debug("proxy", "{} {}: its flow has failed, its binding stays", target.aor,
               target.binding.contact());
}

void Proxy::on(const FlowFailed& failed, Bucket, Now) {
  registrar_.on_flow_failed(failed.aor, failed.binding);
}

void Proxy::on_end(Forwarder::Key key, const Forwarder::End& best, Now now) {
  Context* context = find(key);
  if (!context) return;
  const RequestPtr request = context->request;
  context->best = best.status;
  ringing_.give_back(context->ringing);
  if (auto* observer = observer_of(*context)) observer->on_end(*request, best.status, now);
  if (best.status >= 300) report_unanswered(*context, best.status);
  if (best.status >= 300 && context->on_end) {
    const bool is_absent = context->is_absent && best.status < 600;
    const Outcome outcome{
        .status = best.status, .is_absent = is_absent, .refusals = std::move(context->refusals)};
    if (is_answered(*context, outcome, now)) return forget(key);
  }
  // Whoever has hung up is sent nowhere else.
  if (context->cancelled && best.status / 100 == 3) {
    services_.respond(*request, 487);
  } else if (best.status >= 300) {
    services_.respond(*request, best.response ? answer_back(*request, *best.response)
                                              : request->reply(best.status, best.reason).finish());
  }
  // Copies of a 2xx may follow for 64*T1 (RFC 6026 7.1).
  if (request->message.method() != Method::invite || best.status >= 300) return forget(key);
  context->copies.set(now.mono + replay_time, [this, key](Time) { forget(key); });
}

void Proxy::report_unanswered(const Context& context, int status) {
  if (!observer_ || !begins_call(context.request->message) || context.callee.aor.empty()) return;
  const std::vector<std::string> callees =
      context.led_to.empty() ? std::vector{context.callee.aor} : context.led_to;
  observer_->on_unanswered(*context.request, callees, status, context.reasons, services_.clock().now());
}

void Proxy::on_cancel(TransactionId id, const sip::Message& cancel, Now) {
  Context* context = find(id);
  if (!context) return;
  context->cancelled = true;
  context->reasons.clear();
  for (const std::string_view reason : cancel.each(HeaderId::reason))
    sip::append_value(context->reasons, reason);
  forwarder_.cancel(id, std::string(context->reasons));
}

std::vector<Table> Proxy::tables(Now) const {
  Table table{.name = "forwards", .rows = {}};
  for (const auto& [id, context] : contexts_) {
    const auto& message = context.request->message;
    table.rows.push_back({{"method", std::string(message.method_text())},
                          {"to", std::string(message.request_uri_text())},
                          {"call_id", std::string(message.call_id())},
                          {"branches", std::to_string(context.branches)},
                          {"best", std::to_string(context.best)}});
  }
  return {std::move(table)};
}

}  // namespace beckon::server::proxy
