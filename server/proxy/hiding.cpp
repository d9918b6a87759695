#include "server/proxy/hiding.hpp"

#include <vector>

#include "protocol/base/text.hpp"
#include "protocol/sip/value_list.hpp"
#include "server/proxy/identity.hpp"
#include "server/proxy/sealing.hpp"
#include "server/shard/user_part.hpp"

namespace beckon::server::proxy {

using sip::HeaderId;

namespace {

/// Follows the bucket of a sealed Contact. Such a URI does not follow in a Route: `shard/route` looks for
/// another mark there.
constexpr std::string_view hidden_mark = "h";

std::string join_values(const std::vector<std::string_view>& values) {
  std::string text;
  for (const std::string_view value : values) sip::append_value(text, value);
  return text;
}

void forward_privacy(sip::Splice& out, const sip::Message& message) {
  const std::string left = privacy_to_forward(message);
  left.empty() ? out.drop(HeaderId::privacy) : out.replace(HeaderId::privacy, left);
}

}  // namespace

bool hides_headers(const sip::Message& message) {
  if (!message.has(HeaderId::privacy)) return false;
  const Privacy privacy = read_privacy(message);
  return privacy.header && !privacy.none;
}

std::string seal_contact(const sip::Message& message, Bucket bucket, ByteView key) {
  const auto contact = sip::parse_name_addr(message.first(HeaderId::contact));
  if (!contact) return {};
  std::string plain = sip::print(contact->uri);
  if (message.is_request()) plain.append("\n").append(join_values(message.values(HeaderId::record_route)));
  std::string user = bucket_prefix(bucket).append(hidden_mark);
  return user += seal_text(plain, key, user + std::string(message.call_id()));
}

std::optional<Hidden> open_contact(std::string_view user, ByteView key, std::string_view call_id) {
  if (!bucket_in(user)) return std::nullopt;
  if (user.find('%') != user.npos) {
    const std::string plain_user = without_escapes(user);
    return plain_user.find('%') == plain_user.npos ? open_contact(plain_user, key, call_id) : std::nullopt;
  }
  const auto at = user.find('.') + 1;
  if (user.substr(at, hidden_mark.size()) != hidden_mark) return std::nullopt;
  const std::string_view prefix = user.substr(0, at + hidden_mark.size());
  const auto plain = open_text(user.substr(prefix.size()), key, std::string(prefix).append(call_id));
  if (!plain) return std::nullopt;
  const auto [contact, routes] = cut(*plain, '\n');
  return Hidden{std::string(contact), std::string(routes)};
}

void hide(sip::Splice& out, const sip::Message& request, std::string_view contact) {
  out.drop(HeaderId::via).drop(HeaderId::record_route);
  contact.empty() ? out.drop(HeaderId::contact) : out.replace(HeaderId::contact, contact);
  forward_privacy(out, request);
}

void restore(sip::Splice& out, const sip::Message& response, const sip::Message& request) {
  out.drop(HeaderId::via);
  const auto vias = request.values(HeaderId::via);
  for (auto via = vias.rbegin(); via != vias.rend(); ++via) out.prepend(HeaderId::via, *via);
  if (!request.has(HeaderId::record_route) || !response.has(HeaderId::record_route)) return;
  auto routes = response.values(HeaderId::record_route);
  for (const std::string_view before : request.values(HeaderId::record_route)) routes.push_back(before);
  out.replace(HeaderId::record_route, join_values(routes));
}

void hide_answerer(sip::Splice& out, const sip::Message& response, std::string_view contact) {
  if (!contact.empty()) out.replace(HeaderId::contact, contact);
  forward_privacy(out, response);
}

bool has_way_back(const sip::Message& request, const sip::Message& response) {
  if (!request.has(HeaderId::via) || hides_headers(request)) return true;
  const auto vias = response.each(HeaderId::via);
  auto via = vias.begin();
  return via != vias.end() && ++via != vias.end();
}

}  // namespace beckon::server::proxy
