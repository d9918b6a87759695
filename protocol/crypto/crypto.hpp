#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "protocol/base/bytes.hpp"
#include "protocol/base/random.hpp"
#include "protocol/base/result.hpp"

/// The cryptographic primitives the project uses, over OpenSSL's libcrypto: the only room that
/// includes it (TLS itself is in protocol/net). Pure functions; no key is kept here.
namespace beckon::crypto {

enum class Errc {
  bad_tag = 1,    ///< The AEAD tag does not check: forged or damaged.
  bad_key,        ///< A key of the wrong length or form.
  zero_secret,    ///< X25519 gave all zeros: the peer sent a low-order point (RFC 7748 6.1).
  bad_signature,  ///< An Ed25519 signature does not check.
};
const char* to_string(Errc value);

enum class Hash { md5, sha1, sha256, sha512_256 };

using Key16 = std::array<std::uint8_t, 16>;
using Key32 = std::array<std::uint8_t, 32>;
using Signature = std::array<std::uint8_t, 64>;

/// Digest of `data`; its size is that of the algorithm (16, 20, 32, 32).
Bytes hash(Hash algorithm, ByteView data);
Bytes hmac(Hash algorithm, ByteView key, ByteView data);
/// PBKDF2 (RFC 8018 5.2), for SCRAM (RFC 5802 `Hi`).
Bytes pbkdf2(Hash algorithm, std::string_view password, ByteView salt, unsigned iterations, std::size_t size);

/// RFC 5869 with SHA-256. An empty salt means 32 zero octets.
Key32 hkdf_extract(ByteView salt, ByteView ikm);
Bytes hkdf_expand(ByteView prk, ByteView info, std::size_t size);
Bytes hkdf(ByteView ikm, ByteView salt, ByteView info, std::size_t size);

/// AES-128-GCM; the tag of 16 octets stands last. `nonce` is 12 octets.
Bytes aes128gcm_seal(const Key16& key, ByteView nonce, ByteView aad, ByteView plain);
Result<Bytes> aes128gcm_open(const Key16& key, ByteView nonce, ByteView aad, ByteView sealed);

struct KeyPair {
  Key32 secret;
  Key32 pub;
};

/// X25519 (RFC 7748). `x25519` fails with Errc::zero_secret.
KeyPair make_x25519(Random& random);
Key32 x25519_public(const Key32& secret);
Result<Key32> x25519(const Key32& secret, const Key32& peer);

/// Ed25519 (RFC 8032); the secret is the 32-octet seed.
KeyPair make_ed25519(Random& random);
Key32 ed25519_public(const Key32& seed);
Signature ed25519_sign(const Key32& seed, ByteView message);
bool ed25519_verify(const Key32& pub, ByteView message, ByteView signature);

/// Same octets? Takes the same time for every content of equal length.
bool equal_constant_time(ByteView a, ByteView b);

/// Overwrites a secret so that the compiler cannot leave it.
void wipe(std::span<std::uint8_t> secret);

/// OpenSSL's generator, seeded by the operating system. Short requests are served from a store drawn at once,
/// of which what was given away is wiped. One thread; a child process makes its own.
class SystemRandom final : public Random {
 public:
  SystemRandom() = default;
  ~SystemRandom() override { wipe(store_); }
  SystemRandom(const SystemRandom&) = delete;
  SystemRandom& operator=(const SystemRandom&) = delete;
  void fill(std::span<std::uint8_t> out) override;

 private:
  std::array<std::uint8_t, 512> store_{};
  std::size_t left_ = 0;  ///< Octets at the front of the store that were not given out.
};

}  // namespace beckon::crypto

BECKON_ERROR_ENUM(beckon::crypto, Errc, "beckon.crypto")
