#include "server/shard/anonymity.hpp"

#include "protocol/auth/credentials.hpp"
#include "protocol/base/text.hpp"

namespace beckon::server {

using sip::HeaderId;

bool is_anonymous(const sip::UriView& sender) { return iequals(sender.host, "anonymous.invalid"); }

bool has_anonymous_sender(const sip::Message& request) {
  const auto from = sip::view_name_addr(request.header(HeaderId::from));
  return from && is_anonymous(from->uri);
}

std::string realm_of_anonymous(const sip::Message& request, const Settings& settings) {
  for (const sip::HeaderLine& line : request.headers()) {
    if (line.id != HeaderId::proxy_authorization && line.id != HeaderId::authorization) continue;
    const auto given = auth::parse_credentials(line.value);
    if (given && settings.serves(to_lower(given->realm))) return to_lower(given->realm);
  }
  const auto uri = sip::view_uri(request.request_uri_text());
  const std::string host = uri ? to_lower(uri->host) : std::string();
  return settings.serves(host) ? host : settings.domains.front();
}

}  // namespace beckon::server
