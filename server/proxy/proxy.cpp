#include "server/proxy/proxy.hpp"

#include <algorithm>
#include <utility>

#include "protocol/base/log.hpp"
#include "protocol/base/text.hpp"
#include "protocol/sip/builder.hpp"
#include "server/proxy/loop.hpp"
#include "server/shard/replay.hpp"
#include "server/store/store.hpp"

namespace beckon::server::proxy {

using sip::HeaderId;
using sip::Method;
using transaction::Hop;
using transaction::TransactionId;

namespace {

/// What follows in the dialog comes through us, too.
bool starts_dialog(Method method) { return method == Method::invite || method == Method::subscribe; }

}  // namespace

Proxy::Proxy(Parts parts, const crypto::Key32& key)
    : services_(parts.services),
      sender_(parts.sender),
      peers_(parts.peers),
      locator_(parts.locator),
      users_(parts.users),
      registrar_(parts.registrar),
      key_(key),
      forwarder_(services_, sender_, locator_, key_, *this) {}

Proxy::~Proxy() { crypto::wipe(key_); }

Serves Proxy::serves() const {
  return {.methods = {Method::invite, Method::ack, Method::bye, Method::cancel, Method::info, Method::options,
                      Method::prack, Method::refer, Method::update, Method::notify},
          .accepts = {"application/sdp"}};
}

bool Proxy::vouches_for(const sip::Message& request) const {
  return !request.to_tag().empty() &&
         destination_in_dialog(request, read_dialog_route(request, key_, services_.settings()),
                               locator_.abilities());
}

bool Proxy::is_looping(const sip::Message& request) const { return proxy::is_looping(request, key_); }

Proxy::Context* Proxy::find(TransactionId id) {
  const auto found = contexts_.find(id);
  return found == contexts_.end() ? nullptr : &found->second;
}

Proxy::Context& Proxy::begin(const RequestPtr& request) {
  Context& context = contexts_.try_emplace(request->id, request, services_.timers()).first->second;
  if (request->message.method() == Method::invite) calls_.emplace(request->message.call_id(), &context);
  return context;
}

void Proxy::forget(TransactionId id) {
  const auto found = contexts_.find(id);
  if (found == contexts_.end()) return;
  const Context* context = &found->second;
  auto [call, end] = calls_.equal_range(context->request->message.call_id());
  while (call != end) call = call->second == context ? calls_.erase(call) : std::next(call);
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
  const auto route = read_dialog_route(request->message, key_, services_.settings());
  const bool in_dialog = route.token && !request->message.to_tag().empty();
  if (!in_dialog) {
    return deliver(request, [this](const RequestPtr& asked, Unreachable why) {
      answer_unreachable(services_, asked, why);
    });
  }
  Context& context = begin(request);
  auto to = destination_in_dialog(request->message, route, locator_.abilities());
  if (!to && may_leave(*request)) {
    const auto next = sip::parse_name_addr(route.rest.front());
    if (next) to = destination_of(next->uri, locator_.abilities(), request->from.remote.ip);
  }
  if (!to) return give_up(request, 403);
  if (is_to_sips(request->message)) to = secured(std::move(*to));
  if (to->is_nowhere()) return give_up(request, SipsRefusal::not_allowed);
  if (auto callee = gruu_in_dialog(request->message, route)) {
    context.in_dialog = std::move(*to);
    return locate(request, std::move(*callee));
  }
  forward(request, {{.to = std::move(*to)}});
}

// Whom to forward to

/// Whose GRUU a request in a dialog is sent to. Only the dialog's other end is reached so: no credentials are
/// asked for.
std::optional<Callee> Proxy::gruu_in_dialog(const sip::Message& request, const DialogRoute& route) const {
  const auto uri = sip::view_uri(request.request_uri_text());
  if (!uri || !route.token || !uri->parameter("gr") || !services_.settings().serves(to_lower(uri->host)))
    return std::nullopt;
  auto callee = registrar_.callee_of(*uri);
  const bool from_caller = hash_tag(request.from_tag()) == route.token->caller_tag_hash;
  const auto other_end = from_caller ? route.token->callee_aor_hash : route.token->caller_aor_hash;
  return callee && hash_tag(callee->aor) == other_end ? callee : std::nullopt;
}

/// RFC 5627 6.2: a dialog's remote target is the caller's own.
bool Proxy::shows_others_gruu(const Request& request) const {
  if (!request.identity.authenticated || !starts_dialog(request.message.method())) return false;
  const auto contact = sip::view_name_addr(request.message.first(HeaderId::contact));
  if (!contact || !contact->uri.parameter("gr") || !services_.settings().serves(to_lower(contact->uri.host)))
    return false;
  const auto owner = registrar_.callee_of(contact->uri);
  return owner && owner->aor != request.identity.aor;
}

void Proxy::deliver(const RequestPtr& request, OnUnreachable unreachable) {
  const auto uri = request->message.request_uri();
  if (!uri) return services_.respond(*request, 400);
  begin(request).unreachable = std::move(unreachable);
  const auto route = read_dialog_route(request->message, key_, services_.settings());
  if (!services_.settings().serves(uri->host) || !route.rest.empty()) {
    if (!may_leave(*request)) return fail(request, Unreachable::foreign);
    const auto next =
        route.rest.empty() ? std::nullopt : std::optional(sip::parse_name_addr(route.rest.front()));
    if (next && !*next) return give_up(request, 400);
    return to_foreign(request, next ? (*next)->uri : *uri);
  }
  auto callee = registrar_.callee_of(sip::view(*uri));
  if (uri->user.empty() || !callee) return fail(request, Unreachable::unknown);
  if (shows_others_gruu(*request)) return give_up(request, 403, "Not Your GRUU");
  locate(request, std::move(*callee));
}

void Proxy::fail(const RequestPtr& request, Unreachable why) {
  Context* context = find(request->id);
  if (!context) return;
  if (context->cancelled) return give_up(request, 487);
  const OnUnreachable unreachable = std::move(context->unreachable);
  forget(request->id);
  unreachable(request, why);
}

/// No open relay: only users of ours, proven by their password, send to other domains.
bool Proxy::may_leave(const Request& request) const {
  const auto& settings = services_.settings();
  if (settings.foreign != ForeignPolicy::forward || !request.identity.authenticated) return false;
  const auto sender = sip::parse_uri(request.identity.aor);
  return sender && settings.serves(sender->host);
}

void Proxy::to_foreign(const RequestPtr& request, const sip::Uri& uri) {
  auto to = destination_of(uri, locator_.abilities(), request->from.remote.ip);
  if (!to) return give_up(request, 404, "Domain Not Found");
  if (is_to_sips(request->message)) to = secured(std::move(*to));
  if (to->is_nowhere()) return give_up(request, SipsRefusal::not_allowed);
  forward(request, {{.to = std::move(*to), .in_dialogs = starts_dialog(request->message.method())}});
}

void Proxy::locate(const RequestPtr& request, Callee of) {
  const Callee& callee = find(request->id)->callee = std::move(of);
  const Bucket home = bucket_of(callee.aor);
  if (home == request->bucket)
    return on_located(request, registrar_.targets(callee, services_.clock().now()),
                      registrar_.is_valid(callee));
  if (!peers_.post<Proxy>(home, FindTargets{callee, request->id, request->bucket})) give_up(request, 503);
}

void Proxy::on(const FindTargets& question, Bucket, Now now) {
  peers_.post_back<Proxy>(question.back,
                          FoundTargets{question.request, registrar_.targets(question.callee, now),
                                       registrar_.is_valid(question.callee)});
}

void Proxy::on(const FoundTargets& found, Bucket, Now) {
  if (Context* context = find(found.request))
    on_located(RequestPtr(context->request), found.bindings, found.is_valid);
}

void Proxy::on_located(const RequestPtr& request, const std::vector<registrar::Binding>& bindings,
                       bool is_valid) {
  const Context* context = find(request->id);
  if (!context) return;
  if (context->in_dialog) return on_located_in_dialog(request, bindings);
  if (!bindings.empty()) return to_bindings(request, bindings);
  if (!is_valid) return fail(request, Unreachable::unknown);
  ask_whether_known(request, std::string(context->callee.aor));
}

/// RFC 5627 6.1: the device gets its contact as Request-URI, not the GRUU. It is reached by its newest
/// flow, but where the dialog has another proxy in its way, that is the way. A device that is not registered
/// any more may still be there.
void Proxy::on_located_in_dialog(const RequestPtr& request, const std::vector<registrar::Binding>& bindings) {
  Context* context = find(request->id);
  const auto route = read_dialog_route(request->message, key_, services_.settings());
  if (!bindings.empty() && route.rest.empty()) return to_bindings(request, bindings);
  Target target{.to = std::move(*context->in_dialog)};
  if (!bindings.empty()) {
    const auto uri = uri_toward(std::string(bindings.front().contact()), is_to_sips(request->message));
    if (uri) target.uri = *uri;
  }
  std::vector<Target> targets;
  targets.push_back(std::move(target));
  forward(request, std::move(targets));
}

void Proxy::ask_whether_known(const RequestPtr& request, const std::string& aor) {
  users_.find_user(aor, [this, request](const Result<store::UserPtr>& user) {
    if (!user) return fail(request, Unreachable::failed);
    fail(request, *user ? Unreachable::offline : Unreachable::unknown);
  });
}

void answer_unreachable(Answers& answers, const RequestPtr& request, Proxy::Unreachable why) {
  switch (why) {
    case Proxy::Unreachable::unknown:
      return answers.respond(*request, 404, "Unknown User");
    case Proxy::Unreachable::offline:
      return answers.respond(*request, 480, "User Is Offline");
    case Proxy::Unreachable::foreign:
      return answers.respond(*request, 403, "Domain Not Served Here");
    case Proxy::Unreachable::failed:
      return answers.respond(*request, 500);
  }
}

/// Nothing where a request may not go to that contact.
std::optional<Target> Proxy::target_of(const Request& request, const registrar::Binding& binding) const {
  const auto uri = uri_toward(std::string(binding.contact()), is_to_sips(request.message));
  if (!uri) return std::nullopt;
  auto to = destination_of(binding, locator_.abilities());
  if (is_sips(binding.contact())) to = secured(std::move(to));
  if (to.is_nowhere()) return std::nullopt;
  Target target{.to = std::move(to),
                .uri = *uri,
                .path = std::string(binding.path()),
                .in_dialogs = starts_dialog(request.message.method()) && request.message.to_tag().empty(),
                .binding = binding};
  if (request.identity.authenticated) target.asserted = '<' + request.identity.aor + '>';
  return target;
}

/// The bindings of one device follow each other.
void Proxy::to_bindings(const RequestPtr& request, const std::vector<registrar::Binding>& bindings) {
  const bool sips = is_to_sips(request->message);
  std::vector<Target> targets;
  for (const auto& binding : bindings) {
    auto target = target_of(*request, binding);
    if (!target) continue;
    const bool is_other = !targets.empty() && !binding.instance().empty() &&
                          targets.back().binding.instance() == binding.instance();
    (is_other ? targets.back().others : targets).push_back(std::move(*target));
  }
  if (targets.empty()) return give_up(request, sips ? SipsRefusal::not_allowed : SipsRefusal::required);
  forward(request, std::move(targets));
}

/// One line for each side where the two reach us differently (RFC 5658); the callee's on top.
std::vector<std::string> Proxy::record_route(Forwarder::Key key, const Hop& callee) {
  const Context* context = find(key);
  if (!context) return {};
  const Request& request = *context->request;
  const std::string user = seal({.bucket = request.bucket,
                                 .caller_tag_hash = hash_tag(request.message.from_tag()),
                                 .caller_aor_hash = hash_tag(request.identity.aor),
                                 .callee_aor_hash = hash_tag(context->callee.aor),
                                 .caller = request.from,
                                 .callee = callee},
                                key_, request.message.call_id());
  // RFC 3261 16.6 step 4.
  const bool sips = is_to_sips(request.message);
  std::string for_caller = '<' + sender_.own_uri(user, request.from, sips) + ";lr>";
  std::string for_callee = '<' + sender_.own_uri(user, callee, sips) + ";lr>";
  if (for_caller == for_callee) return {std::move(for_caller)};
  return {std::move(for_caller), std::move(for_callee)};
}

// Forwarding

void Proxy::forward(const RequestPtr& request, std::vector<Target> targets) {
  Context* context = find(request->id);
  if (!context) return;
  if (context->cancelled) return give_up(request, 487);
  const auto breadth = breadth_of(request->message, services_.settings());
  if (breadth == 0) return give_up(request, 440, "Max-Breadth Exceeded");
  context->branches = targets.size();
  forwarder_.start(request->id, {.bucket = request->bucket,
                                 .request = request->message,
                                 .route = read_dialog_route(request->message, key_, services_.settings()),
                                 .targets = std::move(targets),
                                 .breadth = breadth});
}

void Proxy::on_response(Forwarder::Key key, std::size_t, const sip::Message& response, Now) {
  if (const Context* context = find(key))
    services_.respond(*context->request, sip::Splice(response).drop_first(HeaderId::via).finish());
}

void Proxy::on_flow_failed(Forwarder::Key key, const Target& target, Now) {
  const Context* context = find(key);
  if (!context || target.binding.contact().empty()) return;
  const std::string& aor = context->callee.aor;
  // Where too much waits, the next request finds it out again.
  if (!peers_.post<Proxy>(bucket_of(aor), FlowFailed{aor, target.binding}))
    log::debug("proxy", "{} {}: its flow has failed, its binding stays", aor, target.binding.contact());
}

void Proxy::on(const FlowFailed& failed, Bucket, Now) {
  registrar_.on_flow_failed(failed.aor, failed.binding);
}

void Proxy::on_end(Forwarder::Key key, const Forwarder::End& best, Now now) {
  Context* context = find(key);
  if (!context) return;
  const RequestPtr request = context->request;
  context->best = best.status;
  if (best.status >= 300) {
    services_.respond(*request, best.response ? sip::Splice(*best.response).drop_first(HeaderId::via).finish()
                                              : request->reply(best.status, best.reason).finish());
  }
  // Copies of a 2xx may follow for 64*T1 (RFC 6026 7.1).
  if (request->message.method() != Method::invite || best.status >= 300) return forget(key);
  context->copies.set(now.mono + replay_time, [this, key](Time) { forget(key); });
}

void Proxy::on_cancel(TransactionId id, const sip::Message& cancel, Now) {
  Context* context = find(id);
  if (!context) return;
  context->cancelled = true;
  forwarder_.cancel(id, cancel.header(HeaderId::reason));
}

void Proxy::on_ack(const Hop&, const sip::Message& ack, Now) {
  const auto route = read_dialog_route(ack, key_, services_.settings());
  const auto callee = gruu_in_dialog(ack, route);
  if (callee && peers_.post<Proxy>(bucket_of(callee->aor), ForwardAck{ack, *callee})) return;
  forward_ack(ack, route, nullptr);
}

void Proxy::on(const ForwardAck& forward, Bucket, Now now) {
  const auto bindings = registrar_.targets(forward.callee, now);
  forward_ack(forward.ack, read_dialog_route(forward.ack, key_, services_.settings()),
              bindings.empty() ? nullptr : &bindings.front());
}

/// `binding`: of the device whose GRUU it is sent to (`on_located_in_dialog`).
void Proxy::forward_ack(const sip::Message& ack, const DialogRoute& route,
                        const registrar::Binding* binding) {
  const auto& settings = services_.settings();
  auto to = destination_in_dialog(ack, route, locator_.abilities());
  Target target{.to = {}, .breadth = breadth_of(ack, settings)};
  if (binding) {
    target.uri = uri_toward(std::string(binding->contact()), is_to_sips(ack)).value_or(std::string());
    auto newest = destination_of(*binding, locator_.abilities());
    if (route.rest.empty() && !newest.query && !newest.hops.empty()) {
      to = std::move(newest);
      target.path = binding->path();
    }
  }
  if (to && is_to_sips(ack)) to = secured(std::move(*to));
  if (!to || to->hops.empty() || ack.number(HeaderId::max_forwards) == 0U) {
    return log::debug("proxy", "{} ACK cannot be forwarded", ack.call_id());
  }
  target.to = std::move(*to);
  sender_.send_ack(outgoing(ack, route, target, {}, settings), target.to.hops.front());
}

void Proxy::on_response(const sip::Message& response, Now) {
  const auto [first, end] = calls_.equal_range(response.call_id());
  for (auto call = first; call != end; ++call) {
    const Context* context = call->second;
    const auto& asked = context->request->message;
    if (asked.header(HeaderId::cseq) == response.header(HeaderId::cseq) &&
        asked.from_tag() == response.from_tag())
      return services_.respond(*context->request, sip::Splice(response).drop_first(HeaderId::via).finish());
  }
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
