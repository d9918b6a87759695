#include "server/shard/number.hpp"

#include <utility>

#include "protocol/base/text.hpp"
#include "protocol/sip/builder.hpp"
#include "protocol/sip/tel.hpp"

namespace beckon::server {

std::optional<sip::Uri> user_of_number(const sip::Uri& uri, const Settings& settings) {
  const bool is_sip = uri.scheme != "tel";
  if (is_sip && !settings.serves(uri.host)) return std::nullopt;
  const auto number = sip::tel_of(uri);
  if (!number || !number->extension.empty() || !number->isdn_subaddress.empty()) return std::nullopt;
  const std::string context = to_lower(number->context);
  if (!number->is_global && !settings.serves(context)) return std::nullopt;
  const std::string& home = number->is_global ? settings.domains.front() : context;
  std::string dialled = number->digits;
  for (auto hash = dialled.find('#'); hash != dialled.npos; hash = dialled.find('#'))
    dialled.replace(hash, 1, "%23");
  sip::Uri user;
  user.scheme = is_sip ? uri.scheme : "sip";
  user.user = (number->is_global ? "+" : "") + dialled;
  user.host = is_sip ? uri.host : home;
  user.parameters = is_sip ? uri.parameters : std::string();
  user.port = is_sip ? uri.port : std::nullopt;
  return user;
}

namespace {

/// Names its user whatever the protocol is (RFC 3859, RFC 3860).
bool is_without_protocol(std::string_view uri) {
  return iequals(uri.substr(0, 5), "pres:") || iequals(uri.substr(0, 3), "im:");
}

/// The URI of the user that a Request-URI names in another way than rooms know; empty: it does not.
std::string uri_of_user(const sip::Message& request, const Settings& settings) {
  const auto uri = request.request_uri();
  if (!uri) return {};
  if (is_without_protocol(request.request_uri_text())) {
    const std::string aor = sip::canonical_aor(*uri);
    const auto [user, domain] = cut(aor, '@');
    return !domain.empty() && settings.serves(domain) ? aor : std::string();
  }
  const auto user = user_of_number(*uri, settings);
  return !user || (uri->is_sip() && user->user == uri->user) ? std::string() : sip::print(*user);
}

}  // namespace

std::optional<sip::Message> name_user(const sip::Message& request, const Settings& settings) {
  const std::string_view text = request.request_uri_text();
  const bool may_be_user =
      iequals(text.substr(0, 4), "tel:") || text.find("=phone") != text.npos || is_without_protocol(text);
  if (!may_be_user || !request.is_request() || request.method() == sip::Method::register_)
    return std::nullopt;
  const std::string user = uri_of_user(request, settings);
  if (user.empty()) return std::nullopt;
  std::string renamed = sip::Splice(request).request_uri(user).finish();
  const sip::Limits limits{.message = renamed.size()};
  auto named = sip::Message::parse(share(std::move(renamed)), limits);
  if (!named) return std::nullopt;
  return std::move(*named);
}

}  // namespace beckon::server
