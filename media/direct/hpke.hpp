#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "protocol/base/bytes.hpp"
#include "protocol/base/result.hpp"
#include "protocol/crypto/crypto.hpp"

/// HPKE (RFC 9180), mode_auth_psk, of the one suite direct sessions use: DHKEM(X25519, HKDF-SHA256),
/// HKDF-SHA256, AES-128-GCM (DIRECT_SESSIONS 4).
namespace beckon::direct::hpke {

/// The same on both sides. Wiped at its end.
class Context {
 public:
  Context(const crypto::Key32& shared_secret, ByteView info, ByteView psk, ByteView psk_id);
  Context(const Context&) = default;
  Context& operator=(const Context&) = default;
  ~Context();

  /// Each sequence number may seal one message only.
  Bytes seal(std::uint64_t sequence, ByteView aad, ByteView plain) const;
  Result<Bytes> open(std::uint64_t sequence, ByteView aad, ByteView sealed) const;
  Bytes export_secret(std::string_view context, std::size_t size) const;

  // For the test vectors.
  const crypto::Key16& key() const { return key_; }
  const std::array<std::uint8_t, 12>& base_nonce() const { return base_nonce_; }
  const crypto::Key32& exporter_secret() const { return exporter_secret_; }

 private:
  crypto::Key16 key_{};
  std::array<std::uint8_t, 12> base_nonce_{};
  crypto::Key32 exporter_secret_{};
};

/// What both sides know beforehand.
struct Agreement {
  ByteView info;
  ByteView psk;
  ByteView psk_id;
};

/// SetupAuthPSKS; `ephemeral` is fresh for every call, its public part is `enc`. Error: a zero secret
/// (RFC 7748 6.1).
Result<Context> setup_sender(const crypto::KeyPair& ephemeral, const crypto::Key32& receiver,
                             const crypto::KeyPair& sender, const Agreement& agreement);
/// SetupAuthPSKR. Error: a zero secret.
Result<Context> setup_receiver(const crypto::Key32& enc, const crypto::KeyPair& receiver,
                               const crypto::Key32& sender, const Agreement& agreement);

}  // namespace beckon::direct::hpke
