#include "protocol/crypto/crypto.hpp"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/rand.h>

#include <algorithm>
#include <cstdlib>
#include <memory>

namespace beckon::crypto {
namespace {

template <auto Free>
struct Deleter {
  template <class T>
  void operator()(T* object) const {
    Free(object);
  }
};
using Context = std::unique_ptr<EVP_MD_CTX, Deleter<EVP_MD_CTX_free>>;
using CipherContext = std::unique_ptr<EVP_CIPHER_CTX, Deleter<EVP_CIPHER_CTX_free>>;
using PKey = std::unique_ptr<EVP_PKEY, Deleter<EVP_PKEY_free>>;
using KeyContext = std::unique_ptr<EVP_PKEY_CTX, Deleter<EVP_PKEY_CTX_free>>;

constexpr std::size_t tag_size = 16;

/// OpenSSL fails here only when memory is gone or the library is broken; no caller could continue safely.
void require(bool good) {
  if (!good) std::abort();
}

const EVP_MD* digest_of(Hash algorithm) {
  // Fetched once: a fetch by name at every call costs more than the hash of a short text.
  static const EVP_MD* const digests[] = {
      EVP_MD_fetch(nullptr, "MD5", nullptr), EVP_MD_fetch(nullptr, "SHA1", nullptr),
      EVP_MD_fetch(nullptr, "SHA256", nullptr), EVP_MD_fetch(nullptr, "SHA512-256", nullptr)};
  const EVP_MD* digest = digests[static_cast<std::size_t>(algorithm)];
  require(digest != nullptr);
  return digest;
}

int size_of(ByteView bytes) { return static_cast<int>(bytes.size()); }

PKey private_key(int type, const Key32& secret) {
  PKey key(EVP_PKEY_new_raw_private_key(type, nullptr, secret.data(), secret.size()));
  require(key != nullptr);
  return key;
}

Key32 public_part(const PKey& key) {
  Key32 out{};
  std::size_t size = out.size();
  require(EVP_PKEY_get_raw_public_key(key.get(), out.data(), &size) == 1 && size == out.size());
  return out;
}

KeyPair make_pair(int type, Random& random) {
  KeyPair pair{};
  random.fill(pair.secret);
  pair.pub = public_part(private_key(type, pair.secret));
  return pair;
}

}  // namespace

const char* to_string(Errc value) {
  switch (value) {
    case Errc::bad_tag:
      return "authentication tag does not check";
    case Errc::bad_key:
      return "key of wrong length or form";
    case Errc::zero_secret:
      return "shared secret is zero";
    case Errc::bad_signature:
      return "signature does not check";
  }
  return "unknown";
}

Bytes hash(Hash algorithm, ByteView data) {
  const EVP_MD* digest = digest_of(algorithm);
  Bytes out(static_cast<std::size_t>(EVP_MD_get_size(digest)));
  require(EVP_Digest(data.data(), data.size(), out.data(), nullptr, digest, nullptr) == 1);
  return out;
}

Bytes hmac(Hash algorithm, ByteView key, ByteView data) {
  const EVP_MD* digest = digest_of(algorithm);
  Bytes out(static_cast<std::size_t>(EVP_MD_get_size(digest)));
  // An empty key is legal; OpenSSL takes a null pointer for "no key set".
  static constexpr std::uint8_t none = 0;
  require(HMAC(digest, key.empty() ? &none : key.data(), size_of(key), data.data(), data.size(), out.data(),
               nullptr) != nullptr);
  return out;
}

Bytes pbkdf2(Hash algorithm, std::string_view password, ByteView salt, unsigned iterations,
             std::size_t size) {
  Bytes out(size);
  require(PKCS5_PBKDF2_HMAC(password.data(), static_cast<int>(password.size()), salt.data(), size_of(salt),
                            static_cast<int>(iterations), digest_of(algorithm), static_cast<int>(size),
                            out.data()) == 1);
  return out;
}

Key32 hkdf_extract(ByteView salt, ByteView ikm) {
  static constexpr Key32 zeros{};
  const Bytes prk = hmac(Hash::sha256, salt.empty() ? ByteView(zeros) : salt, ikm);
  Key32 out{};
  std::copy(prk.begin(), prk.end(), out.begin());
  return out;
}

Bytes hkdf_expand(ByteView prk, ByteView info, std::size_t size) {
  Bytes out;
  Bytes block;
  for (std::uint8_t counter = 1; out.size() < size; ++counter) {
    Bytes input = std::move(block);
    append(input, info);
    append_u8(input, counter);
    block = hmac(Hash::sha256, prk, input);
    const std::size_t take = std::min(block.size(), size - out.size());
    out.insert(out.end(), block.begin(), block.begin() + static_cast<std::ptrdiff_t>(take));
  }
  return out;
}

Bytes hkdf(ByteView ikm, ByteView salt, ByteView info, std::size_t size) {
  return hkdf_expand(hkdf_extract(salt, ikm), info, size);
}

Bytes aes128gcm_seal(const Key16& key, ByteView nonce, ByteView aad, ByteView plain) {
  const CipherContext context(EVP_CIPHER_CTX_new());
  Bytes out(plain.size() + tag_size);
  int written = 0;
  require(EVP_EncryptInit_ex(context.get(), EVP_aes_128_gcm(), nullptr, key.data(), nonce.data()) == 1);
  require(EVP_EncryptUpdate(context.get(), nullptr, &written, aad.data(), size_of(aad)) == 1);
  require(EVP_EncryptUpdate(context.get(), out.data(), &written, plain.data(), size_of(plain)) == 1);
  require(EVP_EncryptFinal_ex(context.get(), out.data() + written, &written) == 1);
  require(EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_GET_TAG, tag_size, out.data() + plain.size()) ==
          1);
  return out;
}

Result<Bytes> aes128gcm_open(const Key16& key, ByteView nonce, ByteView aad, ByteView sealed) {
  if (sealed.size() < tag_size) return Errc::bad_tag;
  const ByteView cipher = sealed.first(sealed.size() - tag_size);
  Bytes tag(sealed.end() - tag_size, sealed.end());
  const CipherContext context(EVP_CIPHER_CTX_new());
  Bytes out(cipher.size());
  int written = 0;
  require(EVP_DecryptInit_ex(context.get(), EVP_aes_128_gcm(), nullptr, key.data(), nonce.data()) == 1);
  require(EVP_DecryptUpdate(context.get(), nullptr, &written, aad.data(), size_of(aad)) == 1);
  require(EVP_DecryptUpdate(context.get(), out.data(), &written, cipher.data(), size_of(cipher)) == 1);
  require(EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_SET_TAG, tag_size, tag.data()) == 1);
  if (EVP_DecryptFinal_ex(context.get(), out.data() + written, &written) != 1) {
    wipe(out);
    return Errc::bad_tag;
  }
  return out;
}

KeyPair make_x25519(Random& random) { return make_pair(EVP_PKEY_X25519, random); }
Key32 x25519_public(const Key32& secret) { return public_part(private_key(EVP_PKEY_X25519, secret)); }

Result<Key32> x25519(const Key32& secret, const Key32& peer) {
  const PKey own = private_key(EVP_PKEY_X25519, secret);
  const PKey other(EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, nullptr, peer.data(), peer.size()));
  require(other != nullptr);
  const KeyContext context(EVP_PKEY_CTX_new(own.get(), nullptr));
  require(EVP_PKEY_derive_init(context.get()) == 1 &&
          EVP_PKEY_derive_set_peer(context.get(), other.get()) == 1);
  Key32 out{};
  std::size_t size = out.size();
  // OpenSSL itself refuses the all-zero result; checked again as the RFC demands it of us.
  if (EVP_PKEY_derive(context.get(), out.data(), &size) != 1) return Errc::zero_secret;
  if (equal_constant_time(out, Key32{})) return Errc::zero_secret;
  return out;
}

KeyPair make_ed25519(Random& random) { return make_pair(EVP_PKEY_ED25519, random); }
Key32 ed25519_public(const Key32& seed) { return public_part(private_key(EVP_PKEY_ED25519, seed)); }

Signature ed25519_sign(const Key32& seed, ByteView message) {
  const PKey key = private_key(EVP_PKEY_ED25519, seed);
  const Context context(EVP_MD_CTX_new());
  Signature out{};
  std::size_t size = out.size();
  require(EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key.get()) == 1);
  require(EVP_DigestSign(context.get(), out.data(), &size, message.data(), message.size()) == 1);
  return out;
}

bool ed25519_verify(const Key32& pub, ByteView message, ByteView signature) {
  if (signature.size() != Signature{}.size()) return false;
  const PKey key(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, pub.data(), pub.size()));
  const Context context(EVP_MD_CTX_new());
  require(key != nullptr && EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key.get()) == 1);
  return EVP_DigestVerify(context.get(), signature.data(), signature.size(), message.data(),
                          message.size()) == 1;
}

bool equal_constant_time(ByteView a, ByteView b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

void wipe(std::span<std::uint8_t> secret) { OPENSSL_cleanse(secret.data(), secret.size()); }

void SystemRandom::fill(std::span<std::uint8_t> out) {
  if (out.size() > store_.size() / 8) {
    require(RAND_bytes(out.data(), static_cast<int>(out.size())) == 1);
    return;
  }
  if (out.size() > left_) {
    require(RAND_bytes(store_.data(), static_cast<int>(store_.size())) == 1);
    left_ = store_.size();
  }
  left_ -= out.size();
  std::copy_n(store_.begin() + static_cast<std::ptrdiff_t>(left_), out.size(), out.begin());
  wipe({store_.data() + left_, out.size()});
}

}  // namespace beckon::crypto
