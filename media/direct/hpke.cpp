#include "media/direct/hpke.hpp"

#include <algorithm>

namespace beckon::direct::hpke {
namespace {

constexpr std::uint8_t mode_auth_psk = 3;
constexpr std::array<std::uint8_t, 5> kem_suite{'K', 'E', 'M', 0x00, 0x20};
constexpr std::array<std::uint8_t, 10> suite{'H', 'P', 'K', 'E', 0x00, 0x20, 0x00, 0x01, 0x00, 0x01};

crypto::Key32 labeled_extract(ByteView suite_id, ByteView salt, std::string_view label, ByteView ikm) {
  Bytes input;
  append(input, "HPKE-v1");
  append(input, suite_id);
  append(input, label);
  append(input, ikm);
  const auto out = crypto::hkdf_extract(salt, input);
  crypto::wipe(input);
  return out;
}

Bytes labeled_expand(ByteView suite_id, ByteView prk, std::string_view label, ByteView info,
                     std::size_t size) {
  Bytes input;
  append_u16(input, static_cast<std::uint16_t>(size));
  append(input, "HPKE-v1");
  append(input, suite_id);
  append(input, label);
  append(input, info);
  return crypto::hkdf_expand(prk, input, size);
}

template <class Array>
void take(Array& out, Bytes bytes) {
  std::copy_n(bytes.begin(), out.size(), out.begin());
  crypto::wipe(bytes);
}

/// ExtractAndExpand of RFC 9180 4.1 over both products.
crypto::Key32 shared_secret(const crypto::Key32& ephemeral_product, const crypto::Key32& static_product,
                            const crypto::Key32& enc, const crypto::Key32& receiver,
                            const crypto::Key32& sender) {
  Bytes products;
  append(products, ephemeral_product);
  append(products, static_product);
  Bytes context;
  append(context, enc);
  append(context, receiver);
  append(context, sender);
  auto prk = labeled_extract(kem_suite, {}, "eae_prk", products);
  crypto::wipe(products);
  crypto::Key32 out{};
  take(out, labeled_expand(kem_suite, prk, "shared_secret", context, out.size()));
  crypto::wipe(prk);
  return out;
}

std::array<std::uint8_t, 12> nonce_of(std::array<std::uint8_t, 12> nonce, std::uint64_t sequence) {
  for (std::size_t i = 0; i < 8; ++i) nonce[11 - i] ^= static_cast<std::uint8_t>(sequence >> 8 * i);
  return nonce;
}

}  // namespace

Context::Context(const crypto::Key32& shared, ByteView info, ByteView psk, ByteView psk_id) {
  Bytes context{mode_auth_psk};
  append(context, labeled_extract(suite, {}, "psk_id_hash", psk_id));
  append(context, labeled_extract(suite, {}, "info_hash", info));
  auto secret = labeled_extract(suite, shared, "secret", psk);
  take(key_, labeled_expand(suite, secret, "key", context, key_.size()));
  take(base_nonce_, labeled_expand(suite, secret, "base_nonce", context, base_nonce_.size()));
  take(exporter_secret_, labeled_expand(suite, secret, "exp", context, exporter_secret_.size()));
  crypto::wipe(secret);
}

Context::~Context() {
  crypto::wipe(key_);
  crypto::wipe(base_nonce_);
  crypto::wipe(exporter_secret_);
}

Bytes Context::seal(std::uint64_t sequence, ByteView aad, ByteView plain) const {
  return crypto::aes128gcm_seal(key_, nonce_of(base_nonce_, sequence), aad, plain);
}

Result<Bytes> Context::open(std::uint64_t sequence, ByteView aad, ByteView sealed) const {
  return crypto::aes128gcm_open(key_, nonce_of(base_nonce_, sequence), aad, sealed);
}

Bytes Context::export_secret(std::string_view context, std::size_t size) const {
  return labeled_expand(suite, exporter_secret_, "sec", as_bytes(context), size);
}

namespace {

Result<Context> setup(Result<crypto::Key32> ephemeral_product, Result<crypto::Key32> static_product,
                      const crypto::Key32& enc, const crypto::Key32& receiver, const crypto::Key32& sender,
                      const Agreement& agreement) {
  if (!ephemeral_product) return ephemeral_product.error();
  if (!static_product) return static_product.error();
  auto shared = shared_secret(*ephemeral_product, *static_product, enc, receiver, sender);
  crypto::wipe(*ephemeral_product);
  crypto::wipe(*static_product);
  Context context(shared, agreement.info, agreement.psk, agreement.psk_id);
  crypto::wipe(shared);
  return context;
}

}  // namespace

Result<Context> setup_sender(const crypto::KeyPair& ephemeral, const crypto::Key32& receiver,
                             const crypto::KeyPair& sender, const Agreement& agreement) {
  return setup(crypto::x25519(ephemeral.secret, receiver), crypto::x25519(sender.secret, receiver),
               ephemeral.pub, receiver, sender.pub, agreement);
}

Result<Context> setup_receiver(const crypto::Key32& enc, const crypto::KeyPair& receiver,
                               const crypto::Key32& sender, const Agreement& agreement) {
  return setup(crypto::x25519(receiver.secret, enc), crypto::x25519(receiver.secret, sender), enc,
               receiver.pub, sender, agreement);
}

}  // namespace beckon::direct::hpke
