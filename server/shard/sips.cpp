#include "server/shard/sips.hpp"

#include "protocol/base/text.hpp"
#include "protocol/sip/view.hpp"

namespace beckon::server {

using sip::HeaderId;

bool is_sips(std::string_view uri) {
  constexpr std::string_view scheme = "sips:";
  return iequals(uri.substr(0, scheme.size()), scheme);
}

bool is_to_sips(const sip::Message& request) { return is_sips(request.request_uri_text()); }

bool comes_by_sips(const sip::Message& request) {
  if (is_to_sips(request)) return true;
  if (!request.has(HeaderId::route)) return false;
  const auto route = sip::view_name_addr(request.first(HeaderId::route));
  return route && iequals(route->uri.scheme, "sips");
}

std::string make_refusal(sip::Builder reply, SipsRefusal why) {
  reply.add(HeaderId::warning, why == SipsRefusal::not_allowed ? "380 beckond \"SIPS Not Allowed\""
                                                               : "381 beckond \"SIPS Required\"");
  return std::move(reply).finish();
}

}  // namespace beckon::server
