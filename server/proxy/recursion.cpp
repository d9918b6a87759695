#include "server/proxy/proxy.hpp"

#include <algorithm>
#include <utility>

#include "protocol/base/text.hpp"
#include "protocol/sip/value_list.hpp"
#include "server/proxy/gather.hpp"

/// Redirections that the proxy follows itself (RFC 3261 16.5, 16.7 step 4): to users of ours alone, whom the
/// caller could call anyway, and to each of them once.
namespace beckon::server::proxy {

using sip::HeaderId;

/// A SIPS request is not redirected to anything less (RFC 3261 16.5).
std::optional<Callee> Proxy::user_of_contact(const Context& context, std::string_view contact) const {
  const auto address = sip::view_name_addr(contact);
  if (!address || address->uri.user.empty() || !services_.settings().serves(to_lower(address->uri.host)))
    return std::nullopt;
  if (is_to_sips(context.request->message) && !iequals(address->uri.scheme, "sips")) return std::nullopt;
  return registrar_.callee_of(address->uri);
}

bool Proxy::is_tried(const Context& context, const std::string& aor) {
  return aor == context.callee.aor || std::ranges::find(context.led_to, aor) != context.led_to.end();
}

bool Proxy::on_redirect(Forwarder::Key key, std::size_t target, const sip::Message& response) {
  constexpr int use_proxy = 305;  // and what follows it say something else about their Contacts
  Context* context = find(key);
  if (!services_.settings().recurse || !context || response.status() >= use_proxy ||
      context->callee.aor.empty() || !context->request->message.to_tag().empty())
    return false;
  Redirected redirected{.branch = target};
  std::string left;
  for (const std::string_view contact : response.each(HeaderId::contact)) {
    auto callee = user_of_contact(*context, contact);
    const std::string aor = callee ? callee->aor : std::string();
    // A caller that followed it would ring a second time where it has rung.
    if (callee && is_tried(*context, aor)) continue;
    const bool is_room = context->led_to.size() < services_.settings().max_breadth;
    if (callee && is_room &&
        peers_.post<Proxy>(bucket_of(aor),
                           FindTargets{std::move(*callee), context->request->id, context->request->bucket,
                                       target, asked_of(*context->request)})) {
      ++redirected.waiting;
      context->led_to.push_back(aor);
      continue;
    }
    sip::append_value(left, contact);
  }
  if (redirected.waiting == 0) return false;
  if (!left.empty()) redirected.left = with_contacts(response, left);
  context->redirected.push_back(std::move(redirected));
  return true;
}

void Proxy::report_redirected(const Context& context, const Redirected& all) {
  if (context.request->message.method() != sip::Method::invite) return;
  const std::string from = forwarder_.target(context.request->id, all.branch).aor;
  std::string_view last;
  for (const Target& target : all.found)
    if (target.aor != std::exchange(last, target.aor))
      observer_->on_redirected(*context.request, from, target.aor, services_.clock().now());
}

void Proxy::on_found_elsewhere(const FoundTargets& found) {
  Context* context = find(found.request);
  if (!context) return;
  const auto entry = std::ranges::find(context->redirected, *found.redirected, &Redirected::branch);
  if (entry == context->redirected.end()) return;
  if (found.wish.kind == Wish::Kind::deliver)
    for (Target& target : targets_of(*context->request, found.aor, found.bindings))
      entry->found.push_back(std::move(target));
  if (--entry->waiting != 0) return;
  Redirected all = std::move(*entry);
  context->redirected.erase(entry);
  keep_asserted(*context->request, all.found);
  if (observer_) report_redirected(*context, all);
  forwarder_.redirect(found.request, all.branch, std::move(all.found), std::move(all.left));
  context = find(found.request);
  if (context) context->branches = std::max(context->branches, forwarder_.size(found.request));
}

}  // namespace beckon::server::proxy
