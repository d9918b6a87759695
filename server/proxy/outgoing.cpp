#include "server/proxy/outgoing.hpp"

#include <algorithm>

#include "protocol/auth/credentials.hpp"
#include "protocol/sip/builder.hpp"

namespace beckon::server::proxy {

using sip::HeaderId;

namespace {

/// RFC 3261 16.6 step 3, for a request that has none.
constexpr std::uint32_t default_max_forwards = 70;

std::string join(const std::vector<std::string_view>& values) {
  std::string text;
  for (const std::string_view value : values) {
    if (!text.empty()) text += ", ";
    text += value;
  }
  return text;
}

/// Credentials for us have done their work here; those for somebody behind us travel on.
bool is_for_us(const sip::Message& request, const Settings& settings) {
  return std::ranges::any_of(request.headers(), [&](const sip::HeaderLine& line) {
    if (line.id != HeaderId::authorization) return false;
    const auto given = auth::parse_credentials(line.value);
    return given && settings.serves(given->realm);
  });
}

}  // namespace

Way read_way(const sip::Message& request, ByteView key, const Settings& settings) {
  Way way;
  way.rest = request.values(HeaderId::route);
  auto next = way.rest.begin();
  for (; next != way.rest.end(); ++next) {
    const auto route = sip::parse_name_addr(*next);
    if (!route) break;
    if (!bucket_in(route->uri.user) && !settings.is_own(route->uri)) break;
    if (!way.token) way.token = open(route->uri.user, key, request.call_id());
  }
  way.rest.erase(way.rest.begin(), next);
  return way;
}

std::optional<Destination> destination_in_dialog(const sip::Message& request, const Way& way,
                                                 const locate::Abilities& abilities) {
  if (!way.token) return std::nullopt;
  if (!way.rest.empty()) {
    const auto route = sip::parse_name_addr(way.rest.front());
    return route ? destination_of(route->uri, abilities) : std::nullopt;
  }
  const bool from_caller = hash_tag(request.from_tag()) == way.token->caller_tag_hash;
  return Destination{.query = {}, .hops = {from_caller ? way.token->callee : way.token->caller}};
}

std::string outgoing(const sip::Message& request, const Way& way, const Target& target,
                     const std::vector<std::string>& record_route, const Settings& settings) {
  sip::Splice out(request);
  if (!target.uri.empty()) out.request_uri(target.uri);
  const auto left = request.number(HeaderId::max_forwards).value_or(default_max_forwards + 1);
  out.replace(HeaderId::max_forwards, std::to_string(left - 1));
  if (way.rest.empty()) {
    out.drop(HeaderId::route);
  } else {
    out.replace(HeaderId::route, join(way.rest));
  }
  if (!target.path.empty()) out.prepend(HeaderId::route, target.path);
  out.drop(HeaderId::proxy_authorization);
  if (is_for_us(request, settings)) out.drop(HeaderId::authorization);
  out.drop(HeaderId::p_asserted_identity).drop(HeaderId::p_preferred_identity);
  if (!target.asserted.empty()) out.prepend(HeaderId::p_asserted_identity, target.asserted);
  for (const std::string& value : record_route) out.prepend(HeaderId::record_route, value);
  return out.finish();
}

}  // namespace beckon::server::proxy
