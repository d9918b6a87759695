#include "server/proxy/outgoing.hpp"

#include <algorithm>

#include "protocol/auth/credentials.hpp"
#include "protocol/sip/builder.hpp"
#include "protocol/sip/value_list.hpp"
#include "server/proxy/hiding.hpp"
#include "server/proxy/identity.hpp"
#include "server/shard/sips.hpp"

namespace beckon::server::proxy {

using sip::HeaderId;

namespace {

/// RFC 3261 16.6 step 3, for a request that has none.
constexpr std::uint32_t default_max_forwards = 70;

std::string join(const std::vector<std::string>& values) {
  std::string text;
  for (const std::string& value : values) sip::append_value(text, value);
  return text;
}

/// The first Route, if it is none that routes loosely.
std::optional<sip::Uri> strict_router(const std::vector<std::string>& routes) {
  const auto first = sip::parse_name_addr(routes.empty() ? std::string_view{} : routes.front());
  if (!first || first->uri.parameter("lr")) return std::nullopt;
  return first->uri;
}

/// Credentials for us have done their work here; those for somebody behind us travel on (RFC 3261 22.3).
void drop_own_credentials(sip::Splice& out, const sip::Message& request, HeaderId id,
                          const Settings& settings) {
  if (!request.has(id)) return;
  out.drop(id);
  for (const sip::HeaderLine& line : request.headers()) {
    if (line.id != id) continue;
    const auto given = auth::parse_credentials(line.value);
    if (given && !settings.serves(given->realm)) out.prepend(id, line.value);
  }
}

}  // namespace

/// Of values that may be ours, each costs a signature, before credentials are asked for. We put two into a
/// dialog.
constexpr std::ptrdiff_t own_routes_max = 8;

DialogRoute read_dialog_route(const sip::Message& request, ByteView key, const Settings& settings) {
  DialogRoute route;
  route.rest = request.values(HeaderId::route);
  auto next = route.rest.begin();
  for (; next != route.rest.end() && next - route.rest.begin() < own_routes_max; ++next) {
    const auto value = sip::parse_name_addr(*next);
    if (!value) break;
    auto token = open(value->uri.user, key, request.call_id());
    // On top even one from before a restart, which opens no more; further down another node's is not ours.
    const bool ours =
        token || settings.is_own(value->uri) || (next == route.rest.begin() && bucket_in(value->uri.user));
    if (!ours) break;
    if (!route.token) route.token = std::move(token);
  }
  route.rest.erase(route.rest.begin(), next);
  route.from_caller =
      route.token && end_hash(request.from_tag(), key, request.call_id()) == route.token->caller_tag_hash;
  return route;
}

namespace {

/// The server of another domain is the one of the dialog if its certificate is for the same domain. False for
/// a hop that can show none.
bool keeps_name(transaction::Hop& next, const transaction::Hop& other_end) {
  if (other_end.name.empty()) return true;
  next.name = other_end.name;
  return transaction::is_secure(next.protocol);
}

}  // namespace

std::optional<Destination> destination_in_dialog(const DialogRoute& route,
                                                 const locate::Abilities& abilities) {
  if (!route.token) return std::nullopt;
  const transaction::Hop& other_end = route.from_caller ? route.token->callee : route.token->caller;
  if (!route.rest.empty()) {
    const auto first = sip::parse_name_addr(route.rest.front());
    if (!first) return std::nullopt;
    auto next = destination_of(first->uri, abilities, other_end.remote.ip);
    const bool elsewhere = next && !next->query && next->hops.front().remote.ip != other_end.remote.ip;
    if (elsewhere) return std::nullopt;
    const bool leads = next && !next->query && keeps_name(next->hops.front(), other_end);
    if (leads) {
      if (other_end.flow != 0) next->hops.insert(next->hops.begin(), other_end);
      return next;
    }
  }
  Destination to{.query = {}, .hops = {other_end}};
  if (other_end.flow == 0 || other_end.name.empty()) return to;
  to.hops.push_back(other_end);
  to.hops.back().flow = 0;  // another domain's server, which can be dialled
  return to;
}

std::optional<Target> target_of(const registrar::Binding& binding, bool sips,
                                const locate::Abilities& abilities) {
  auto uri = uri_toward(std::string(binding.contact()), sips);
  if (!uri) return std::nullopt;
  auto to = destination_of(binding, abilities);
  if (is_sips(binding.contact())) to = secured(std::move(to));
  if (to.is_nowhere()) return std::nullopt;
  return Target{
      .to = std::move(to), .uri = std::move(*uri), .path = std::string(binding.path()), .binding = binding};
}

bool starts_dialog(sip::Method method) {
  return method == sip::Method::invite || method == sip::Method::subscribe || method == sip::Method::refer;
}

std::uint32_t breadth_of(const sip::Message& request, const Settings& settings) {
  return std::min(request.number(HeaderId::max_breadth).value_or(settings.max_breadth), settings.max_breadth);
}

SharedText outgoing(const sip::Message& request, const DialogRoute& route, const Target& target,
                    const transaction::Hop& hop, const OwnLines& own, const Settings& settings) {
  std::string uri = target.uri;
  std::vector<std::string> routes;
  for (const std::string_view value : sip::split_values(target.path)) routes.emplace_back(value);
  routes.insert(routes.end(), route.rest.begin(), route.rest.end());
  if (const auto first = strict_router(routes)) {
    const std::string_view last = uri.empty() ? request.request_uri_text() : std::string_view(uri);
    routes.push_back('<' + std::string(last) + '>');
    routes.erase(routes.begin());
    uri = sip::print(*first);
  }
  sip::Splice out(request);
  if (!uri.empty()) out.request_uri(uri);
  const auto left = request.number(HeaderId::max_forwards).value_or(default_max_forwards + 1);
  out.replace(HeaderId::max_forwards, left - 1);
  out.replace(HeaderId::max_breadth, target.breadth);
  if (routes.empty()) {
    out.drop(HeaderId::route);
  } else {
    out.replace(HeaderId::route, join(routes));
  }
  drop_own_credentials(out, request, HeaderId::proxy_authorization, settings);
  drop_own_credentials(out, request, HeaderId::authorization, settings);
  const bool is_own_device = target.is_own_device || !target.binding.contact().empty();
  const bool has_identity = !target.asserted.empty() || request.has(HeaderId::p_asserted_identity);
  const bool shows = has_identity && may_show_identity(request, hop, is_own_device, settings);
  if (!shows || !target.keeps_asserted) out.drop(HeaderId::p_asserted_identity);
  if (shows && !target.asserted.empty()) out.prepend(HeaderId::p_asserted_identity, target.asserted);
  out.drop(HeaderId::p_preferred_identity);
  drop_personal_lines(out, request);
  if (hides_headers(request)) hide(out, request, own.contact);
  if (request.has(HeaderId::proxy_require)) {
    const std::string options = proxy_require_to_forward(request);
    options.empty() ? out.drop(HeaderId::proxy_require) : out.replace(HeaderId::proxy_require, options);
  }
  for (const std::string& value : own.record_route) out.prepend(HeaderId::record_route, value);
  return out.finish_shared();
}

}  // namespace beckon::server::proxy
