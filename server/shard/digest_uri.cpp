#include "server/shard/digest_uri.hpp"

#include "protocol/base/text.hpp"
#include "server/shard/number.hpp"

namespace beckon::server {

namespace {

/// Path and query of "https://host/path?query" or of a target that has no host.
std::string_view without_host(std::string_view target) {
  const auto scheme = target.find("://");
  if (scheme == std::string_view::npos || target.starts_with('/')) return target;
  const auto path = target.find('/', scheme + 3);
  return path == std::string_view::npos ? "/" : target.substr(path);
}

std::string unescaped(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto octet = text[i] == '%' ? from_hex(text.substr(i + 1, 2)) : std::nullopt;
    const bool whole = octet && octet->size() == 1;
    out.push_back(whole ? static_cast<char>(octet->front()) : text[i]);
    if (whole) i += 2;
  }
  return out;
}

}  // namespace

bool is_covered(std::string_view uri, const sip::Message& request, const Settings& settings) {
  if (uri == request.request_uri_text()) return true;
  const auto given = sip::parse_uri(uri);
  if (!given) return false;
  if (given->user.empty() && settings.is_own(*given)) return true;
  const auto target = request.request_uri();
  const auto name = sip::canonical_aor(user_of_number(*given, settings).value_or(*given));
  if (name.empty()) return false;
  if (target && sip::canonical_aor(*target) == name) return true;
  const auto to = request.to();
  return to && sip::canonical_aor(to->uri) == name;
}

bool is_covered(std::string_view uri, std::string_view http_target) {
  if (uri == http_target) return true;
  return unescaped(without_host(uri)) == unescaped(without_host(http_target));
}

}  // namespace beckon::server
