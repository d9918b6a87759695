#include "server/shard/sips.hpp"

#include "protocol/base/text.hpp"
#include "protocol/sip/header.hpp"

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
  const auto routes = request.values(HeaderId::route);
  const auto top =
      routes.empty() ? Result<sip::NameAddr>(sip::Errc::bad_value) : sip::parse_name_addr(routes.front());
  return top && top->uri.scheme == "sips";
}

std::string make_refusal(const Request& request, SipsRefusal why) {
  auto reply = request.reply(480);
  reply.add(HeaderId::warning, why == SipsRefusal::not_allowed ? "380 beckond \"SIPS Not Allowed\""
                                                               : "381 beckond \"SIPS Required\"");
  return std::move(reply).finish();
}

}  // namespace beckon::server
