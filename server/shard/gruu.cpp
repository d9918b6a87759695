#include "server/shard/gruu.hpp"

#include <algorithm>
#include <array>

#include "protocol/base/text.hpp"
#include "protocol/sip/grammar.hpp"
#include "server/shard/user_part.hpp"

namespace beckon::server {

namespace {

constexpr std::string_view temporary_mark = "tgruu.";
constexpr std::size_t gruu_nonce_size = 12, gruu_tag_size = 16;
/// Epoch, CSeq, reg-id and the length of the user.
constexpr std::size_t gruu_head_size = 4 + 4 + 4 + 1;
/// What is sealed has a multiple of the one, and at least the other.
constexpr std::size_t gruu_block = 16, gruu_plain_min = 48;

/// paramchar of RFC 3261 25.1.
bool is_parameter_character(char c) {
  constexpr std::string_view marks = "-_.!~*'()[]/:&+$";
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         marks.find(c) != marks.npos;
}

/// An instance ID is a URN (RFC 5626 4.1).
bool is_urn(std::string_view instance) {
  constexpr std::string_view scheme = "urn:";
  return instance.size() > scheme.size() && iequals(instance.substr(0, scheme.size()), scheme);
}

}  // namespace

std::string public_gruu(std::string_view aor, std::string_view instance) {
  constexpr std::string_view escape_digits = "0123456789ABCDEF";
  constexpr std::string_view name = ";gr=";
  std::string text;
  if (!is_urn(instance)) return text;
  text.reserve(aor.size() + name.size() + instance.size());
  text.append(aor).append(name);
  for (const char c : instance) {
    if (is_parameter_character(c)) {
      text += c;
      continue;
    }
    const auto octet = static_cast<unsigned char>(c);
    text.append({'%', escape_digits[octet >> 4], escape_digits[octet & 15]});
  }
  return text;
}

bool may_be_temporary(const sip::UriView& uri) { return uri.user.starts_with(temporary_mark); }

Gruus::Gruus(const crypto::Key32& secret) {
  const auto derive = [&](std::string_view purpose, auto& key) {
    Bytes made = crypto::hkdf(secret, {}, as_bytes(purpose), key.size());
    std::ranges::copy(made, key.begin());
    crypto::wipe(made);
  };
  derive("beckon gruu nonces", nonces_);
  derive("beckon gruu texts", texts_);
}

Gruus::~Gruus() {
  crypto::wipe(nonces_);
  crypto::wipe(texts_);
}

/// Made of what is sealed, so that a nonce is used for one text only.
Bytes Gruus::nonce_of(std::string_view domain, ByteView plain) const {
  Bytes text(plain.begin(), plain.end());
  const ByteView tail = as_bytes(domain);
  text.insert(text.end(), tail.begin(), tail.end());
  Bytes mac = crypto::hmac(crypto::Hash::sha256, nonces_, text);
  mac.resize(gruu_nonce_size);
  return mac;
}

std::string Gruus::temporary(const TemporaryGruu& gruu) const {
  constexpr std::string_view scheme = "sip:";
  const std::size_t at = gruu.aor.rfind('@');
  if (!gruu.aor.starts_with(scheme) || at == gruu.aor.npos || gruu.epoch == 0) return {};
  const std::string_view user = gruu.aor.substr(scheme.size(), at - scheme.size());
  const std::string_view domain = gruu.aor.substr(at + 1);
  if (user.size() > 255) return {};
  Bytes plain;
  plain.reserve(gruu_plain_min);
  append_u32(plain, gruu.epoch);
  append_u32(plain, gruu.cseq);
  append_u32(plain, gruu.reg_id);
  append_u8(plain, static_cast<std::uint8_t>(user.size()));
  const ByteView name = as_bytes(user);
  plain.insert(plain.end(), name.begin(), name.end());
  plain.resize(std::max(gruu_plain_min, (plain.size() + gruu_block - 1) / gruu_block * gruu_block));
  Bytes text = nonce_of(domain, plain);
  const Bytes sealed = crypto::aes128gcm_seal(texts_, text, as_bytes(domain), plain);
  text.insert(text.end(), sealed.begin(), sealed.end());
  std::string uri(scheme);
  uri.append(temporary_mark).append(to_user_part(text)).append("@").append(domain).append(";gr");
  return uri;
}

std::optional<Callee> Gruus::open(const sip::UriView& uri) const {
  const auto text = from_user_part(uri.user.substr(temporary_mark.size()));
  if (!text || text->size() < gruu_nonce_size + gruu_plain_min + gruu_tag_size) return std::nullopt;
  // As an AOR spells it.
  const std::string whole = sip::canonical_aor(uri);
  const std::string domain = whole.substr(whole.rfind('@') + 1);
  const ByteView all(*text);
  const ByteView nonce = all.first(gruu_nonce_size);
  const auto plain = crypto::aes128gcm_open(texts_, nonce, as_bytes(domain), all.subspan(gruu_nonce_size));
  if (!plain || plain->size() < gruu_plain_min) return std::nullopt;
  const ByteView octets(*plain);
  const std::size_t length = octets[gruu_head_size - 1];
  if (length > octets.size() - gruu_head_size) return std::nullopt;
  Callee callee{.aor = "sip:", .epoch = read_u32(octets)};
  callee.aor.append(as_text(octets.subspan(gruu_head_size, length))).append("@").append(domain);
  return callee;
}

std::optional<Callee> Gruus::read(const sip::UriView& uri) const {
  const auto gr = uri.parameter("gr");
  if (!gr) return Callee{.aor = sip::canonical_aor(uri)};
  if (may_be_temporary(uri)) return open(uri);
  std::string instance = without_escapes(*gr);
  if (uri.user.empty() || !is_urn(instance)) return std::nullopt;
  return Callee{.aor = sip::canonical_aor(uri), .instance = std::move(instance)};
}

}  // namespace beckon::server
