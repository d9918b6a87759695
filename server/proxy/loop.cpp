#include "server/proxy/loop.hpp"

#include <algorithm>

#include "protocol/base/text.hpp"
#include "protocol/crypto/crypto.hpp"

namespace beckon::server::proxy {

using sip::HeaderId;

namespace {

/// Begins the mark in a branch; the random part in front of it has none.
constexpr char separator = '~';
constexpr std::size_t mac_octets = 8;

/// Of a branch of ours that has one; empty otherwise.
std::string_view mark_in(std::string_view branch) {
  const auto at = branch.rfind(separator);
  return at == branch.npos ? std::string_view{} : branch.substr(at);
}

}  // namespace

std::string loop_mark(const sip::Message& request, ByteView key) {
  const auto uri = request.request_uri();
  const auto cseq = request.cseq();
  std::string text = "loop\n";
  text += uri ? sip::canonical_aor(*uri) : std::string(request.request_uri_text());
  for (const std::string_view route : request.values(HeaderId::route)) text.append("\n").append(route);
  text.append("\n\n").append(request.call_id());
  text.append("\n").append(std::to_string(cseq ? cseq->number : 0));
  const Bytes mac = crypto::hmac(crypto::Hash::sha256, key, as_bytes(text));
  return separator + to_hex(ByteView(mac).first(mac_octets));
}

bool is_looping(const sip::Message& request, ByteView key) {
  std::string mine;  // made when the first mark is met
  return std::ranges::any_of(request.values(HeaderId::via), [&](std::string_view value) {
    if (value.find(separator) == value.npos) return false;
    const auto via = sip::parse_via(value);
    const auto mark = via ? mark_in(via->branch()) : std::string_view{};
    if (mark.empty()) return false;
    if (mine.empty()) mine = loop_mark(request, key);
    return mark == mine;
  });
}

}  // namespace beckon::server::proxy
