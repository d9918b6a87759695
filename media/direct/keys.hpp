#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "media/direct/hpke.hpp"
#include "media/direct/types.hpp"
#include "protocol/base/result.hpp"
#include "protocol/crypto/crypto.hpp"

/// The key schedule (DIRECT_SESSIONS 4). "c2s" is caller to callee, "s2c" the other way.
namespace beckon::direct {

/// SRTP master key (16) and master salt (12).
using SrtpKey = std::array<std::uint8_t, 28>;

/// One phase's SRTP keys. Wiped at their end.
struct PhaseKeys {
  SrtpKey c2s{};
  SrtpKey s2c{};
  ~PhaseKeys();
};

/// Everything that follows from one HELLO. Wiped at its end.
struct HelloKeys {
  PhaseKeys phase0;
  crypto::Key32 stun_c2s{};  ///< For requests sent by the caller, and their responses.
  crypto::Key32 stun_s2c{};  ///< For requests sent by the callee, and their responses.
  crypto::Key32 forward{};   ///< "ds1 fs": salt of phase 1.
  crypto::Key16 proof{};     ///< "ds1 invite" (11)
  ~HelloKeys();
};
HelloKeys derive_hello_keys(const hpke::Context& context);

/// The public inputs of phase 1.
struct Ephemerals {
  crypto::Key32 caller{};  ///< EPH of the HELLO.
  crypto::Key32 callee{};  ///< EPH of the ANSWER.
};
/// Phase 1 from its secrets: `ee` of both EPHs, `se` of the callee's EPH and the caller's device key.
PhaseKeys derive_phase1(const crypto::Key32& forward, const crypto::Key32& ee, const crypto::Key32& se,
                        const Ephemerals& ephemerals);
/// Phase 1 as each side computes it. Error: a zero product (RFC 7748 6.1).
Result<PhaseKeys> caller_phase1(const crypto::Key32& forward, const crypto::Key32& own_ephemeral,
                                const crypto::Key32& own_device, const Ephemerals& ephemerals);
Result<PhaseKeys> callee_phase1(const crypto::Key32& forward, const crypto::Key32& own_ephemeral,
                                const crypto::Key32& caller_device, const Ephemerals& ephemerals);

/// Kh, the MAC key of a HELLO.
crypto::Key32 hello_mac_key(const crypto::Key32& psk);
/// Masks or unmasks the caller's device key: `cdk` from the key, or the key from `cdk`.
crypto::Key32 mask_device_key(const crypto::Key32& key, const crypto::Key32& psk, const crypto::Key32& enc);

}  // namespace beckon::direct
