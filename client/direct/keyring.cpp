#include "client/direct/keyring.hpp"

#include <algorithm>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "protocol/base/text.hpp"
#include "protocol/ds1/ticket.hpp"

namespace beckon::client::direct {
namespace {

ErrorCode bad_keyring() {
  return boost::system::errc::make_error_code(boost::system::errc::invalid_argument);
}

Result<crypto::Key32> read_key(const boost::json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  if (value == nullptr || !value->is_string()) return bad_keyring();
  auto bytes = from_base64(value->as_string());
  if (!bytes || bytes->size() != crypto::Key32{}.size()) return bad_keyring();
  crypto::Key32 key{};
  std::copy(bytes->begin(), bytes->end(), key.begin());
  crypto::wipe(*bytes);
  return key;
}

constexpr std::string_view urn = "urn:uuid:";

/// The device's name is sent as it is, so it must be what RFC 5626 4.1 wants: a URN, here of a UUID.
bool is_uuid_urn(std::string_view text) {
  if (!text.starts_with(urn)) return false;
  text.remove_prefix(urn.size());
  if (text.size() != 36) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    const char c = to_lower(text[i]);
    if (dash ? c != '-' : !is_digit(c) && (c < 'a' || c > 'f')) return false;
  }
  return true;
}

/// A random UUID of RFC 4122 4.4.
std::string make_uuid(Random& random) {
  Bytes octets = random.bytes(16);
  octets[6] = static_cast<std::uint8_t>((octets[6] & 0x0f) | 0x40);
  octets[8] = static_cast<std::uint8_t>((octets[8] & 0x3f) | 0x80);
  std::string hex = to_hex(octets);
  for (const std::size_t at : {20U, 16U, 12U, 8U}) hex.insert(at, "-");
  return std::string(urn) + hex;
}

}  // namespace

Keyring make_keyring(Random& random) {
  return {crypto::make_x25519(random), crypto::make_ed25519(random), make_uuid(random)};
}

ds1::Ident make_ident(const Keyring& keyring, std::string_view aor) {
  const crypto::Key32 no_certificate{};
  return {keyring.ident.pub, no_certificate,
          ds1::sign_identity(keyring.ident.secret, aor, keyring.device.pub, no_certificate)};
}

std::string print(const Keyring& keyring) {
  return boost::json::serialize(boost::json::object{{"device", to_base64(keyring.device.secret)},
                                                    {"ident", to_base64(keyring.ident.secret)},
                                                    {"instance", keyring.instance}});
}

Result<Keyring> parse_keyring(std::string_view text) {
  ErrorCode error;
  const auto value = boost::json::parse(text, error);
  if (error || !value.is_object()) return bad_keyring();
  const auto& object = value.as_object();
  const auto device = read_key(object, "device");
  const auto ident = read_key(object, "ident");
  const auto* instance = object.if_contains("instance");
  if (!device || !ident || instance == nullptr || !instance->is_string()) return bad_keyring();
  if (!is_uuid_urn(instance->as_string())) return bad_keyring();
  return Keyring{{*device, crypto::x25519_public(*device)},
                 {*ident, crypto::ed25519_public(*ident)},
                 std::string(instance->as_string())};
}

}  // namespace beckon::client::direct
