#include "server/proxy/token.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "protocol/base/keyed_hash.hpp"
#include "protocol/base/text.hpp"
#include "protocol/crypto/crypto.hpp"

namespace beckon::server::proxy {

using transaction::Hop;

namespace {

constexpr char separator = '~';

std::string hex_number(std::uint64_t value) { return fmt::format("{:x}", value); }

std::string print_end(const Address& address) {
  return to_hex(address.ip.bytes()) + '-' + hex_number(address.port);
}

std::optional<Address> parse_end(std::string_view text) {
  const auto [ip, port] = cut(text, '-');
  const auto octets = from_hex(ip);
  const auto number = parse_number<std::uint16_t>(port, 16);
  if (!octets || !number || (octets->size() != 4 && octets->size() != 16)) return std::nullopt;
  Address address{.ip = {.family = octets->size() == 4 ? IpAddress::Family::v4 : IpAddress::Family::v6},
                  .port = *number};
  std::copy(octets->begin(), octets->end(), address.ip.octets.begin());
  return address;
}

/// "protocol flow remote local", with a name "protocol flow remote local name", separated by '_'.
std::string print_hop(const Hop& hop) {
  std::string text = hex_number(static_cast<unsigned>(hop.protocol)) + '_' + hex_number(hop.flow) + '_' +
                     print_end(hop.remote) + '_' + print_end(hop.local);
  if (!hop.name.empty()) text += '_' + to_hex(as_bytes(hop.name));
  return text;
}

std::optional<Hop> parse_hop(std::string_view text) {
  const auto parts = split(text, '_');
  if (parts.size() != 4 && parts.size() != 5) return std::nullopt;
  const auto protocol = parse_number<unsigned>(parts[0], 16);
  const auto flow = parse_number<transaction::FlowId>(parts[1], 16);
  const auto remote = parse_end(parts[2]);
  const auto local = parse_end(parts[3]);
  const auto name = parts.size() == 5 ? from_hex(parts[4]) : Bytes{};
  if (!name || !protocol || *protocol > static_cast<unsigned>(transaction::Protocol::wss) || !flow ||
      !remote || !local) {
    return std::nullopt;
  }
  return Hop{static_cast<transaction::Protocol>(*protocol), *remote, *local, *flow,
             std::string(as_text(*name))};
}

std::uint64_t read_u64(ByteView bytes) {
  return std::uint64_t{read_u32(bytes)} << 32 | read_u32(bytes.subspan(4));
}

/// 80 bits of SipHash-128-2-4, a MAC for texts as short as these and several times quicker than HMAC. The
/// other half of the key is `end_hash`'s.
std::string mac_of(std::string_view text, ByteView key, std::string_view call_id) {
  std::string signed_text(text);
  signed_text += '\n';
  signed_text += call_id;
  const auto mac =
      KeyedHash(read_u64(key.subspan(16)), read_u64(key.subspan(24))).reference_wide(signed_text);
  return fmt::format("{:016x}{:04x}", mac.low, mac.high >> 48);
}

}  // namespace

/// The hash of the Call-ID is the key for the end.
std::uint64_t end_hash(std::string_view end, ByteView key, std::string_view call_id) {
  constexpr unsigned bits = 48;
  const auto dialog = KeyedHash(read_u64(key), read_u64(key.subspan(8))).reference_wide(call_id);
  return KeyedHash(dialog.low, dialog.high).reference(end) >> (64 - bits);
}

std::string seal(const Token& token, ByteView key, std::string_view call_id) {
  std::string text = bucket_prefix(token.bucket) + 'r' + hex_number(token.caller_tag_hash) + '-' +
                     hex_number(token.caller_aor_hash) + '-' + hex_number(token.callee_aor_hash) + separator +
                     print_hop(token.caller) + separator + print_hop(token.callee);
  const std::string mac = mac_of(text, key, call_id);
  return text + separator + mac;
}

std::optional<Token> open(std::string_view user, ByteView key, std::string_view call_id) {
  const auto bucket = bucket_in(user);
  const auto end = user.rfind(separator);
  if (!bucket || end == user.npos) return std::nullopt;
  const std::string mac = mac_of(user.substr(0, end), key, call_id);
  if (!crypto::equal_constant_time(as_bytes(mac), as_bytes(user.substr(end + 1)))) return std::nullopt;
  const auto parts =
      split(user.substr(bucket_prefix(*bucket).size(), end - bucket_prefix(*bucket).size()), separator);
  if (parts.size() != 3 || !parts[0].starts_with('r')) return std::nullopt;
  const auto hashes = split(parts[0].substr(1), '-');
  if (hashes.size() != 3) return std::nullopt;
  const auto tag = parse_number<std::uint64_t>(hashes[0], 16);
  const auto caller_aor = parse_number<std::uint64_t>(hashes[1], 16);
  const auto callee_aor = parse_number<std::uint64_t>(hashes[2], 16);
  const auto caller = parse_hop(parts[1]);
  const auto callee = parse_hop(parts[2]);
  if (!tag || !caller_aor || !callee_aor || !caller || !callee) return std::nullopt;
  return Token{*bucket, *tag, *caller_aor, *callee_aor, *caller, *callee};
}

}  // namespace beckon::server::proxy
