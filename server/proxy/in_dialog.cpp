#include "server/proxy/proxy.hpp"

#include <utility>

#include "protocol/base/log.hpp"
#include "protocol/base/text.hpp"
#include "server/proxy/hiding.hpp"

/// What follows in the dialogs that were made through us, ACKs too.
namespace beckon::server::proxy {

using sip::HeaderId;
using transaction::Hop;

namespace {

/// Whom the Request-URI leads to, if it is a Contact of ours that hides somebody's.
std::optional<Hidden> hidden_in(const sip::Message& request, ByteView key) {
  const auto uri = sip::view_uri(request.request_uri_text());
  return uri ? open_contact(uri->user, key, request.call_id()) : std::nullopt;
}

}  // namespace

void Proxy::forward_in_dialog(const RequestPtr& request, DialogRoute route) {
  Context& context = begin(request);
  context.is_vouched = true;
  auto to = destination_in_dialog(route, locator_.abilities());
  if (!to && may_leave(*request)) {
    const auto next = sip::parse_name_addr(route.rest.front());
    if (next) to = outside(*request, next->uri);
  }
  if (!to) return give_up(request, 403);
  if (is_to_sips(request->message)) to = secured(std::move(*to));
  if (to->is_nowhere()) return give_up(request, SipsRefusal::not_allowed);
  const auto hidden = hidden_in(request->message, key_);
  const std::string_view uri = hidden ? hidden->contact : request->message.request_uri_text();
  if (auto callee = gruu_in_dialog(request->message, route, uri)) {
    context.in_dialog = std::move(*to);
    return locate(request, std::move(*callee));
  }
  Target target{.to = std::move(*to), .is_own_device = leads_to_own_device(request->message, route)};
  if (hidden) target.uri = hidden->contact, target.path = hidden->routes;
  std::vector<Target> targets;
  targets.push_back(std::move(target));
  forward(request, std::move(targets), std::move(route));
}

/// Is the dialog's other end a user of ours, and not behind another domain's server? Asked where an identity
/// may be shown.
bool Proxy::leads_to_own_device(const sip::Message& request, const DialogRoute& route) const {
  if (!request.has(HeaderId::p_asserted_identity) || !route.token) return false;
  const bool is_callee = route.from_caller;
  const Hop& end = is_callee ? route.token->callee : route.token->caller;
  const auto aor = is_callee ? route.token->callee_aor_hash : route.token->caller_aor_hash;
  return end.name.empty() && aor != end_hash({}, key_, request.call_id());
}

/// Whose GRUU a request in a dialog is sent to. Only the dialog's other end is reached so: no credentials are
/// asked for.
std::optional<Callee> Proxy::gruu_in_dialog(const sip::Message& request, const DialogRoute& route,
                                            std::string_view text) const {
  const auto uri = sip::view_uri(text);
  if (!uri || !route.token || !uri->parameter("gr") || !services_.settings().serves(to_lower(uri->host)))
    return std::nullopt;
  auto callee = registrar_.callee_of(*uri);
  const auto other_end = route.from_caller ? route.token->callee_aor_hash : route.token->caller_aor_hash;
  return callee && end_hash(callee->aor, key_, request.call_id()) == other_end ? callee : std::nullopt;
}

/// RFC 5627 6.1: the device gets its contact as Request-URI, not the GRUU. It is reached by its newest
/// flow, but where the dialog has another proxy in its way, that is the way. A device that is not registered
/// any more may still be there.
void Proxy::on_located_in_dialog(const RequestPtr& request, const std::vector<registrar::Binding>& bindings) {
  Context* context = find(request->id);
  const auto route = read_dialog_route(request->message, key_, services_.settings());
  if (!bindings.empty() && route.rest.empty()) return to_bindings(request, bindings);
  Target target{.to = std::move(*context->in_dialog)};
  if (auto hidden = hidden_in(request->message, key_))
    target.uri = std::move(hidden->contact), target.path = std::move(hidden->routes);
  if (!bindings.empty()) {
    const auto uri = uri_toward(std::string(bindings.front().contact()), is_to_sips(request->message));
    if (uri) target.uri = *uri;
  }
  std::vector<Target> targets;
  targets.push_back(std::move(target));
  forward(request, std::move(targets));
}

void Proxy::on_ack(const Hop&, const sip::Message& ack, Now) {
  const auto route = read_dialog_route(ack, key_, services_.settings());
  const auto hidden = hidden_in(ack, key_);
  const auto callee = gruu_in_dialog(ack, route, hidden ? hidden->contact : ack.request_uri_text());
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
  auto to = destination_in_dialog(route, locator_.abilities());
  Target target{.to = {}, .breadth = breadth_of(ack, settings)};
  if (auto hidden = hidden_in(ack, key_))
    target.uri = std::move(hidden->contact), target.path = std::move(hidden->routes);
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
  const Hop hop = target.to.hops.front();
  sender_.send_ack(std::string(*outgoing(ack, route, target, hop, {}, settings)), hop);
}

}  // namespace beckon::server::proxy
