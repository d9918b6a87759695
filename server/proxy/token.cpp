#include "server/proxy/token.hpp"

#include <algorithm>

#include "protocol/base/keyed_hash.hpp"
#include "server/proxy/sealing.hpp"
#include "server/shard/user_part.hpp"

namespace beckon::server::proxy {

using transaction::Hop;

namespace {

/// Follows the bucket: no other user part that we write has it.
constexpr char token_mark = '~';
constexpr std::size_t hash_octets = 6;

/// The first octet of a hop: its protocol, and what of it follows.
constexpr std::uint8_t protocol_bits = 7, has_name = 16, remote_is_v6 = 32, local_is_v6 = 64, has_flow = 128;

void put_number(std::string& out, std::uint64_t value, std::size_t octets) {
  while (octets-- > 0) out += static_cast<char>(value >> (8 * octets) & 255);
}

void put_address(std::string& out, const Address& address) {
  out += as_text(address.ip.bytes());
  put_number(out, address.port, 2);
}

void put_hop(std::string& out, const Hop& hop) {
  auto first = static_cast<unsigned>(hop.protocol);
  if (!hop.name.empty()) first |= has_name;
  if (hop.remote.ip.family == IpAddress::Family::v6) first |= remote_is_v6;
  if (hop.local.ip.family == IpAddress::Family::v6) first |= local_is_v6;
  if (hop.flow != 0) first |= has_flow;
  put_number(out, first, 1);
  if (hop.flow != 0) put_number(out, hop.flow, 8);
  put_address(out, hop.remote);
  put_address(out, hop.local);
  if (hop.name.empty()) return;
  put_number(out, hop.name.size(), 1);
  out += hop.name;
}

/// Reads what was put; what it has opened was made by this node.
class Reader {
 public:
  explicit Reader(std::string_view octets) : rest_(octets) {}
  std::string_view text(std::size_t octets) {
    const auto part = rest_.substr(0, octets);
    rest_.remove_prefix(part.size());
    is_short_ |= part.size() < octets;
    return part;
  }
  std::uint64_t number(std::size_t octets) {
    std::uint64_t value = 0;
    for (const char octet : text(octets)) value = value << 8 | static_cast<unsigned char>(octet);
    return value;
  }
  bool is_done() const { return rest_.empty() && !is_short_; }

 private:
  std::string_view rest_;
  bool is_short_ = false;
};

Address take_address(Reader& in, bool is_v6) {
  Address address{.ip = {.family = is_v6 ? IpAddress::Family::v6 : IpAddress::Family::v4}, .port = 0};
  std::ranges::copy(as_bytes(in.text(is_v6 ? 16 : 4)), address.ip.octets.begin());
  address.port = static_cast<std::uint16_t>(in.number(2));
  return address;
}

Hop take_hop(Reader& in) {
  const auto first = static_cast<std::uint8_t>(in.number(1));
  Hop hop{.protocol = static_cast<transaction::Protocol>(first & protocol_bits), .remote = {}, .local = {}};
  if ((first & has_flow) != 0) hop.flow = in.number(8);
  hop.remote = take_address(in, (first & remote_is_v6) != 0);
  hop.local = take_address(in, (first & local_is_v6) != 0);
  if ((first & has_name) != 0) hop.name = in.text(in.number(1));
  return hop;
}

std::uint64_t read_u64(ByteView bytes) {
  return std::uint64_t{read_u32(bytes)} << 32 | read_u32(bytes.subspan(4));
}

/// The bucket, which all may read, and the dialog.
std::string context_of(std::string_view prefix, std::string_view call_id) {
  std::string context(prefix);
  return context += call_id;
}

}  // namespace

/// The hash of the Call-ID is the key for the end.
std::uint64_t end_hash(std::string_view end, ByteView key, std::string_view call_id) {
  constexpr unsigned bits = 8 * hash_octets;
  const auto dialog = KeyedHash(read_u64(key), read_u64(key.subspan(8))).reference_wide(call_id);
  return KeyedHash(dialog.low, dialog.high).reference(end) >> (64 - bits);
}

std::string seal(const Token& token, ByteView key, std::string_view call_id) {
  std::string plain;
  plain.reserve(128);
  for (const auto hash : {token.caller_tag_hash, token.caller_aor_hash, token.callee_aor_hash})
    put_number(plain, hash, hash_octets);
  put_hop(plain, token.caller);
  put_hop(plain, token.callee);
  std::string user = bucket_prefix(token.bucket) + token_mark;
  return user += seal_text(plain, key, context_of(user, call_id));
}

std::optional<Token> open(std::string_view user, ByteView key, std::string_view call_id) {
  if (user.find('%') != user.npos) {
    const std::string plain = without_escapes(user);
    return plain.find('%') == plain.npos ? open(plain, key, call_id) : std::nullopt;
  }
  const auto bucket = bucket_in(user);
  const auto at = user.find('.') + 1;
  if (!bucket || at >= user.size() || user[at] != token_mark) return std::nullopt;
  const auto plain = open_text(user.substr(at + 1), key, context_of(user.substr(0, at + 1), call_id));
  if (!plain) return std::nullopt;
  Reader in(*plain);
  Token token{};
  token.bucket = *bucket;
  token.caller_tag_hash = in.number(hash_octets);
  token.caller_aor_hash = in.number(hash_octets);
  token.callee_aor_hash = in.number(hash_octets);
  token.caller = take_hop(in);
  token.callee = take_hop(in);
  return in.is_done() ? std::optional(std::move(token)) : std::nullopt;
}

}  // namespace beckon::server::proxy
