#include "media/ice/lite.hpp"

#include <algorithm>
#include <utility>

#include "protocol/stun/message.hpp"

namespace beckon::ice {
namespace {

namespace attribute = stun::attribute;

Bytes refuse(const stun::Message& request, int code, std::string_view reason, ByteView key) {
  stun::Writer out(stun::Class::error, stun::binding, request.transaction());
  out.add_error_code(code, reason);
  if (!key.empty()) out.add_sha1_integrity(key);
  return out.add_fingerprint().bytes();
}

/// Attributes that a check may not have. The codec lists those of ICE, too: to other ends they mean nothing.
Bytes unknown_of(const stun::Message& request) {
  Bytes out;
  for (const auto type : request.unknown_required()) {
    if (type != attribute::priority && type != attribute::use_candidate) append_u16(out, type);
  }
  return out;
}

}  // namespace

Credentials make_credentials(Random& random) { return {random.token(4), random.token(16)}; }

void Lite::set_peer(const std::string& ufrag) {
  if (ufrag == peer_ufrag_) return;
  // Checks that came before the answer are the peer's, as far as their names tell.
  if (!peer_ufrag_.empty()) {
    remote_.reset();
    checked_.fill(std::nullopt);
  }
  peer_ufrag_ = ufrag;
}

bool Lite::has_checked(const Address& from) const {
  return std::ranges::find(checked_, std::optional(from)) != checked_.end();
}

Lite::Outcome Lite::on_datagram(const Address& from, ByteView datagram) {
  const auto request = stun::parse_message(datagram);
  if (!request || request->message_class() != stun::Class::request || request->method() != stun::binding)
    return {};
  // "MUST use the FINGERPRINT mechanism" (RFC 8445 7.1.4).
  if (!request->has_good_fingerprint()) return {};
  const auto name = request->find(attribute::username);
  if (!name || !request->find(attribute::message_integrity))
    return {refuse(*request, 400, "Bad Request", {}), false};
  // The receiver's name first (RFC 8445 7.2.2).
  const std::string_view text = as_text(name->value);
  const bool is_ours =
      text.size() > own_.ufrag.size() + 1 && text.starts_with(own_.ufrag) && text[own_.ufrag.size()] == ':';
  const bool is_peers = is_ours && (peer_ufrag_.empty() || text.substr(own_.ufrag.size() + 1) == peer_ufrag_);
  const ByteView key = as_bytes(own_.password);
  if (!is_peers || !request->has_good_sha1_integrity(key))
    return {refuse(*request, 401, "Unauthorized", {}), false};

  if (const Bytes unknown = unknown_of(*request); !unknown.empty()) {
    stun::Writer out(stun::Class::error, stun::binding, request->transaction());
    out.add_error_code(420, "Unknown Attribute").add(attribute::unknown_attributes, unknown);
    return {out.add_sha1_integrity(key).add_fingerprint().bytes(), false};
  }
  // A lite end is never the controlling one: the peer switches (RFC 8445 6.1.1, 7.3.1.1).
  if (request->find(attribute::ice_controlled)) return {refuse(*request, 487, "Role Conflict", key), false};

  if (!has_checked(from)) checked_[next_++ % checked_max] = from;
  Outcome out;
  if (request->find(attribute::use_candidate)) out.nominated = std::exchange(remote_, from) != from;
  stun::Writer answer(stun::Class::success, stun::binding, request->transaction());
  out.answer = answer.add_xor_mapped_address(from).add_sha1_integrity(key).add_fingerprint().bytes();
  return out;
}

}  // namespace beckon::ice
