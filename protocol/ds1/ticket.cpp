#include "protocol/ds1/ticket.hpp"

#include <algorithm>

namespace beckon::ds1 {
namespace {

constexpr std::size_t nonce_size = 12;
constexpr std::size_t tag_size = 16;
constexpr std::size_t plain_block =
    32;  ///< The plaintext is padded to a multiple of this: it hides the AOR's length.
constexpr std::string_view ticket_label = "beckon-ds1 ticket";

Bytes aor_text(std::string_view aor) {
  Bytes out;
  append_u8(out, static_cast<std::uint8_t>(aor.size()));
  append(out, aor);
  return out;
}

crypto::Key16 ticket_key(const crypto::Key32& secret) {
  Bytes derived = crypto::hkdf(secret, {}, as_bytes(ticket_label), 16);
  crypto::Key16 key{};
  std::copy(derived.begin(), derived.end(), key.begin());
  crypto::wipe(derived);
  return key;
}

Bytes ticket_aad(const Epoch& epoch) {
  Bytes aad;
  append(aad, ticket_label);
  append(aad, epoch);
  return aad;
}

std::optional<Permission> parse_permission(ByteView plain) {
  if (plain.size() < 2 || (plain[0] != 1 && plain[0] != 2)) return std::nullopt;
  const std::size_t size = plain[1];
  if (size > aor_max || size + 2 > plain.size()) return std::nullopt;
  return Permission{static_cast<Mode>(plain[0]), std::string(as_text(plain.subspan(2, size)))};
}

/// What an identity signs: label, AOR, device key, certificate fingerprint.
Bytes identity_text(std::string_view aor, const crypto::Key32& device_key, const crypto::Key32& fingerprint) {
  Bytes text;
  append(text, "beckon-ds1 ident");
  append(text, aor_text(aor));
  append(text, device_key);
  append(text, fingerprint);
  return text;
}

/// One user's 30 digits (DIRECT_SESSIONS 13).
std::string half_safety_number(std::string_view aor, const crypto::Key32& ident) {
  Bytes text;
  append(text, "beckon-ds1 safety");
  append(text, aor_text(aor));
  append(text, ident);
  const Bytes digest = crypto::hash(crypto::Hash::sha256, text);
  std::string digits;
  for (std::size_t group = 0; group < 6; ++group) {
    std::uint64_t value = 0;
    for (std::size_t octet = 0; octet < 5; ++octet) value = value << 8 | digest[group * 5 + octet];
    const std::string number = std::to_string(value % 100000);
    digits.append(5 - number.size(), '0').append(number);
  }
  return digits;
}

}  // namespace

const char* to_string(Mode mode) {
  switch (mode) {
    case Mode::ask:
      return "ask";
    case Mode::automatic:
      return "auto";
    case Mode::off:
      break;
  }
  return "off";
}

Mode parse_mode(std::string_view text) {
  if (text == "ask") return Mode::ask;
  if (text == "auto") return Mode::automatic;
  return Mode::off;
}

Grant make_grant(const crypto::Key32& secret, const Epoch& epoch, const Permission& permission,
                 Random& random) {
  Bytes plain;
  append_u8(plain, static_cast<std::uint8_t>(permission.mode));
  append(plain, aor_text(permission.aor));
  plain.resize((plain.size() + plain_block - 1) / plain_block * plain_block);
  Grant grant;
  grant.ticket = random.bytes(nonce_size);
  auto key = ticket_key(secret);
  const Bytes sealed = crypto::aes128gcm_seal(key, grant.ticket, ticket_aad(epoch), plain);
  crypto::wipe(key);
  append(grant.ticket, sealed);
  grant.psk = ticket_psk(secret, grant.ticket);
  return grant;
}

std::optional<Permission> open_ticket(const crypto::Key32& secret, const Epoch& epoch, ByteView ticket) {
  if (ticket.size() < nonce_size + plain_block + tag_size) return std::nullopt;
  auto key = ticket_key(secret);
  const auto plain =
      crypto::aes128gcm_open(key, ticket.first(nonce_size), ticket_aad(epoch), ticket.subspan(nonce_size));
  crypto::wipe(key);
  if (!plain) return std::nullopt;
  return parse_permission(*plain);
}

crypto::Key32 ticket_psk(const crypto::Key32& secret, ByteView ticket) {
  Bytes info;
  append(info, "beckon-ds1 psk");
  append(info, ticket);
  Bytes derived = crypto::hkdf(secret, {}, info, 32);
  crypto::Key32 psk{};
  std::copy(derived.begin(), derived.end(), psk.begin());
  crypto::wipe(derived);
  return psk;
}

crypto::Signature sign_identity(const crypto::Key32& ident_seed, std::string_view aor,
                                const crypto::Key32& device_key, const crypto::Key32& fingerprint) {
  return crypto::ed25519_sign(ident_seed, identity_text(aor, device_key, fingerprint));
}

bool verify_identity(const crypto::Key32& ident, std::string_view aor, const crypto::Key32& device_key,
                     const crypto::Key32& fingerprint, ByteView signature) {
  return aor.size() <= aor_max &&
         crypto::ed25519_verify(ident, identity_text(aor, device_key, fingerprint), signature);
}

std::string safety_number(std::string_view aor_a, const crypto::Key32& ident_a, std::string_view aor_b,
                          const crypto::Key32& ident_b) {
  std::string first = half_safety_number(aor_a, ident_a);
  std::string second = half_safety_number(aor_b, ident_b);
  if (second < first) std::swap(first, second);
  return first + second;
}

}  // namespace beckon::ds1
