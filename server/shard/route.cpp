#include "server/shard/route.hpp"

namespace beckon::server {

namespace {

constexpr std::string_view magic_cookie = "z9hG4bK";

std::optional<Bucket> bucket_of_response(const sip::Message& response) {
  const auto via = response.top_via();
  if (!via || !via->branch().starts_with(magic_cookie)) return std::nullopt;
  return bucket_in(via->branch().substr(magic_cookie.size()));
}

std::optional<Bucket> bucket_of_route(const sip::Message& request) {
  const auto values = request.values(sip::HeaderId::route);
  if (values.empty()) return std::nullopt;
  const auto route = sip::parse_name_addr(values.front());
  return route ? bucket_in(route->uri.user) : std::nullopt;
}

std::optional<Bucket> bucket_of_uri(const Result<sip::Uri>& uri) {
  if (!uri) return std::nullopt;
  if (const auto minted = bucket_in(uri->user)) return minted;
  return bucket_of(sip::canonical_aor(*uri));
}

std::optional<Bucket> bucket_of_to(const sip::Message& request) {
  const auto to = request.to();
  if (!to) return std::nullopt;
  return bucket_of(sip::canonical_aor(to->uri));
}

}  // namespace

std::optional<Bucket> bucket_for(const sip::Message& message) {
  if (message.is_response()) return bucket_of_response(message);
  if (const auto tagged = bucket_in(message.to_tag())) return tagged;
  if (const auto routed = bucket_of_route(message)) return routed;
  const auto method = message.method();
  if (method == sip::Method::register_ || method == sip::Method::publish) return bucket_of_to(message);
  return bucket_of_uri(message.request_uri());
}

}  // namespace beckon::server
