#include "server/proxy/identity.hpp"

#include <algorithm>
#include <vector>

#include "protocol/base/text.hpp"
#include "protocol/sip/builder.hpp"
#include "protocol/sip/value_list.hpp"
#include "server/shard/anonymity.hpp"

namespace beckon::server::proxy {

using sip::HeaderId;

namespace {

constexpr std::string_view privacy_option = "privacy";
/// Octets of the values named in a reason phrase.
constexpr std::size_t unserved_max = 64;
/// Header lines of a message that came in, and a Content-Length of ours.
constexpr std::size_t header_lines_max = sip::Limits{}.header_lines + 1;

void add_value(Privacy& privacy, std::string_view value) {
  if (iequals(value, "none")) {
    privacy.none = true;
  } else if (iequals(value, "id")) {
    privacy.id = true;
  } else if (iequals(value, "header")) {
    privacy.header = true;
  } else if (iequals(value, "critical")) {
    privacy.critical = true;
  } else if (!value.empty() && privacy.unserved.size() < unserved_max) {
    privacy.user |= iequals(value, "user");
    if (!privacy.unserved.empty()) privacy.unserved += ';';
    privacy.unserved += value.substr(0, unserved_max);
  }
}

/// All lines count, though one alone may stand: what is asked for in any of them is asked for.
std::vector<std::string_view> privacy_values(const sip::Message& message) {
  std::vector<std::string_view> values;
  if (!message.has(HeaderId::privacy)) return values;
  for (const sip::HeaderLine line : message.headers()) {
    if (line.id != HeaderId::privacy) continue;
    for (const std::string_view piece : split(line.value, ';')) values.push_back(trim(piece));
  }
  return values;
}

}  // namespace

Privacy read_privacy(const sip::Message& message) {
  Privacy privacy;
  for (const std::string_view value : privacy_values(message)) add_value(privacy, value);
  return privacy;
}

std::string privacy_to_forward(const sip::Message& message) {
  std::string left;
  bool asks = false;
  for (const std::string_view value : privacy_values(message)) {
    if (value.empty() || iequals(value, "header")) continue;
    asks |= !iequals(value, "critical");
    if (!left.empty()) left += ';';
    left += value;
  }
  return asks ? left : std::string();
}

void drop_personal_lines(sip::Splice& out, const sip::Message& request) {
  if (!request.has(HeaderId::privacy)) return;
  const Privacy privacy = read_privacy(request);
  if (!privacy.user || privacy.none) return;
  for (const HeaderId id : {HeaderId::subject, HeaderId::call_info, HeaderId::organization,
                            HeaderId::user_agent, HeaderId::reply_to, HeaderId::in_reply_to})
    out.drop(id);
}

std::string privacy_failure(const sip::Message& request) {
  const Privacy privacy = read_privacy(request);
  if (!privacy.critical || privacy.none || privacy.unserved.empty()) return {};
  return "Privacy Not Available: " + privacy.unserved;
}

bool is_trusted(const transaction::Hop& peer, const Settings& settings) {
  if (transaction::is_secure(peer.protocol) && settings.federation.trusts(peer.name)) return true;
  return std::ranges::any_of(settings.trust_domain,
                             [&](const Network& each) { return each.contains(peer.remote.ip); });
}

bool may_show_identity(const sip::Message& request, const transaction::Hop& peer, bool is_own_device,
                       const Settings& settings) {
  const Privacy privacy = read_privacy(request);
  const bool is_hidden = privacy.id || (!privacy.none && has_anonymous_sender(request));
  return is_trusted(peer, settings) || (!is_hidden && (privacy.none || is_own_device));
}

std::string proxy_require_to_forward(const sip::Message& request) {
  const Privacy privacy = read_privacy(request);
  const bool is_done = privacy.none || privacy.unserved.empty();
  std::string left;
  for (const std::string_view option : request.each(HeaderId::proxy_require)) {
    if (!is_done || !iequals(option, privacy_option)) sip::append_value(left, option);
  }
  return left;
}

sip::Message without_identities(const sip::Message& response) {
  if (!response.has(HeaderId::p_asserted_identity) && !response.has(HeaderId::p_preferred_identity))
    return response;
  std::string text =
      sip::Splice(response).drop(HeaderId::p_asserted_identity).drop(HeaderId::p_preferred_identity).finish();
  // It may be longer than it came: lines that LF alone ended end with CRLF now.
  const sip::Limits limits{.message = text.size(), .header_lines = header_lines_max};
  auto changed = sip::Message::parse(share(std::move(text)), limits);
  return changed ? std::move(*changed) : response;
}

}  // namespace beckon::server::proxy
