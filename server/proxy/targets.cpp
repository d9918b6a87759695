#include "server/proxy/proxy.hpp"

#include <algorithm>
#include <utility>

#include "protocol/base/text.hpp"
#include "protocol/sip/builder.hpp"
#include "server/proxy/identity.hpp"
#include "server/shard/anonymity.hpp"
#include "server/store/store.hpp"

/// Whom a request is for: its targets (RFC 3261 16.5).
namespace beckon::server::proxy {

using sip::HeaderId;
using sip::Method;

/// RFC 5627 6.2: a dialog's remote target is the caller's own.
bool Proxy::shows_others_gruu(const Request& request) const {
  if (!request.identity.authenticated || !starts_dialog(request.message.method())) return false;
  const auto contact = sip::view_name_addr(request.message.first(HeaderId::contact));
  if (!contact || !contact->uri.parameter("gr") || !services_.settings().serves(to_lower(contact->uri.host)))
    return false;
  const auto owner = registrar_.callee_of(contact->uri);
  return owner && owner->aor != request.identity.aor;
}

void Proxy::deliver(const RequestPtr& request, OnUnreachable unreachable, OnEnd on_end) {
  const auto uri = request->message.request_uri();
  if (!uri) return services_.respond(*request, 400);
  if (const auto failure = privacy_failure(request->message); !failure.empty())
    return services_.respond(*request, 500, failure);
  Context& context = begin(request);
  context.unreachable = std::move(unreachable);
  context.on_end = std::move(on_end);
  const auto route = read_dialog_route(request->message, key_, services_.settings());
  if (!services_.settings().serves(uri->host) || !route.rest.empty()) {
    if (auto callee = owner_of_contact(request->message, route)) {
      find(request->id)->by_contact = true;
      return locate(request, std::move(*callee));
    }
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

/// In a dialog that has outlived its token the user in To may have the device whose contact the Request-URI
/// is.
std::optional<Callee> Proxy::owner_of_contact(const sip::Message& request, const DialogRoute& route) const {
  const auto to = sip::view_name_addr(request.header(HeaderId::to));
  const bool may_be = !request.to_tag().empty() && route.rest.empty() && to && !to->uri.user.empty() &&
                      services_.settings().serves(to_lower(to->uri.host));
  return may_be ? std::optional(Callee{.aor = sip::canonical_aor(to->uri)}) : std::nullopt;
}

void Proxy::on_located_by_contact(const RequestPtr& request,
                                  const std::vector<registrar::Binding>& bindings) {
  const auto uri = request->message.request_uri();
  const auto found = std::ranges::find_if(bindings, [&](const registrar::Binding& each) {
    const auto contact = sip::parse_uri(each.contact());
    return contact && sip::equivalent(*contact, *uri);
  });
  if (found != bindings.end()) return to_bindings(request, {*found});
  if (may_leave(*request)) return to_foreign(request, *uri);
  fail(request, Unreachable::offline);
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

/// Where a request that may leave goes.
std::optional<Destination> Proxy::outside(const Request& request, const sip::Uri& uri) const {
  return destination_of(uri, locator_.abilities(), request.from.remote.ip,
                        services_.settings().federation.tls_only);
}

void Proxy::to_foreign(const RequestPtr& request, const sip::Uri& uri) {
  find(request->id)->callee = {};
  // The user is ours, the next hop is not: of the user's devices that says nothing.
  if (services_.settings().serves(request->message.request_uri()->host)) find(request->id)->on_end = {};
  auto to = outside(*request, uri);
  if (!to) return give_up(request, 404, "Domain Not Found");
  if (is_to_sips(request->message)) to = secured(std::move(*to));
  if (to->is_nowhere()) return give_up(request, SipsRefusal::not_allowed);
  Target target{.to = std::move(*to), .in_dialogs = starts_dialog(request->message.method())};
  if (request->identity.authenticated) target.asserted = '<' + request->identity.aor + '>';
  std::vector<Target> targets;
  targets.push_back(std::move(target));
  forward(request, std::move(targets));
}

Asked asked_of(const Request& request) {
  const auto& message = request.message;
  return Asked{.sender = request.identity.aor,
               .is_anonymous = has_anonymous_sender(message),
               .method = message.method(),
               .replaces = std::string(trim(cut(message.header(HeaderId::replaces), ';').first))};
}

void Proxy::locate(const RequestPtr& request, Callee of) {
  Context& context = *find(request->id);
  context.callee = std::move(of);
  FindTargets question{.callee = context.callee, .request = request->id, .back = request->bucket};
  // The devices of a dialog get what follows in it, whatever their user says meanwhile.
  if (!context.in_dialog) question.asked = asked_of(*request);
  const Bucket home = bucket_of(context.callee.aor);
  const Now now = services_.clock().now();
  if (home == request->bucket) return on(find_targets(question, now), home, now);
  if (!peers_.post<Proxy>(home, std::move(question))) give_up(request, 503);
}

Proxy::FoundTargets Proxy::find_targets(const FindTargets& question, Now now) {
  FoundTargets found{.request = question.request,
                     .redirected = question.redirected,
                     .aor = question.callee.aor,
                     .bindings = registrar_.targets(question.callee, now),
                     .is_valid = registrar_.is_valid(question.callee)};
  if (wishes_ && question.asked) found.wish = wishes_->wish(question.callee.aor, *question.asked, now);
  return found;
}

void Proxy::on(const FindTargets& question, Bucket, Now now) {
  peers_.post_back<Proxy>(question.back, find_targets(question, now));
}

void Proxy::on(const FoundTargets& found, Bucket, Now) {
  if (found.redirected) return on_found_elsewhere(found);
  const Context* context = find(found.request);
  if (!context) return;
  const RequestPtr request = context->request;
  switch (found.wish.kind) {
    case Wish::Kind::deliver:
      return on_located(request, found.bindings, found.is_valid);
    case Wish::Kind::offline:
      return fail(request, Unreachable::offline);
    case Wish::Kind::refuse:
      return refuse(request, found.wish);
  }
}

void Proxy::refuse(const RequestPtr& request, const Wish& wish) {
  if (find(request->id)->cancelled) return give_up(request, 487);
  forget(request->id);
  auto reply = request->reply(wish.status);
  if (!wish.reason.empty()) reply.add(HeaderId::reason, wish.reason);
  services_.respond(*request, std::move(reply).finish());
}

void Proxy::on_located(const RequestPtr& request, const std::vector<registrar::Binding>& bindings,
                       bool is_valid) {
  const Context* context = find(request->id);
  if (!context) return;
  if (context->in_dialog) return on_located_in_dialog(request, bindings);
  if (context->by_contact) return on_located_by_contact(request, bindings);
  if (!bindings.empty()) return to_bindings(request, bindings);
  if (!is_valid) return fail(request, Unreachable::unknown);
  ask_whether_known(request, std::string(context->callee.aor));
}

void Proxy::ask_whether_known(const RequestPtr& request, const std::string& aor) {
  users_.find_user(aor, [this, request](const Result<store::UserPtr>& user) {
    if (!user) return fail(request, Unreachable::failed);
    const Context* context = find(request->id);
    if (*user && context) report_unanswered(*context, 480);
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
  auto target = proxy::target_of(binding, is_to_sips(request.message), locator_.abilities());
  if (!target) return std::nullopt;
  target->in_dialogs = starts_dialog(request.message.method()) && request.message.to_tag().empty();
  if (request.identity.authenticated) target->asserted = '<' + request.identity.aor + '>';
  return target;
}

/// The bindings of one device follow each other.
std::vector<Target> Proxy::targets_of(const Request& request, const std::string& aor,
                                      const std::vector<registrar::Binding>& bindings) const {
  std::vector<Target> targets;
  for (const auto& binding : bindings) {
    auto target = target_of(request, binding);
    if (!target) continue;
    target->aor = aor;
    const bool is_other = !targets.empty() && !binding.instance().empty() &&
                          targets.back().binding.instance() == binding.instance();
    (is_other ? targets.back().others : targets).push_back(std::move(*target));
  }
  return targets;
}

void Proxy::to_bindings(const RequestPtr& request, const std::vector<registrar::Binding>& bindings) {
  const bool sips = is_to_sips(request->message);
  auto targets = targets_of(*request, find(request->id)->callee.aor, bindings);
  if (targets.empty()) return give_up(request, sips ? SipsRefusal::not_allowed : SipsRefusal::required);
  forward(request, std::move(targets));
}

}  // namespace beckon::server::proxy
