#include "media/direct/keys.hpp"

#include <algorithm>

namespace beckon::direct {
namespace {

template <class Array>
void take(Array& out, Bytes bytes) {
  std::copy_n(bytes.begin(), out.size(), out.begin());
  crypto::wipe(bytes);
}

SrtpKey phase1_key(const crypto::Key32& prk, std::string_view label, const Ephemerals& ephemerals) {
  Bytes info;
  append(info, label);
  append(info, ephemerals.caller);
  append(info, ephemerals.callee);
  SrtpKey out{};
  take(out, crypto::hkdf_expand(prk, info, out.size()));
  return out;
}

Result<PhaseKeys> derive_phase1(const crypto::Key32& forward, Result<crypto::Key32> ee,
                                Result<crypto::Key32> se, const Ephemerals& ephemerals) {
  if (!ee) return ee.error();
  if (!se) return se.error();
  const PhaseKeys keys = derive_phase1(forward, *ee, *se, ephemerals);
  crypto::wipe(*ee);
  crypto::wipe(*se);
  return keys;
}

}  // namespace

PhaseKeys::~PhaseKeys() {
  crypto::wipe(c2s);
  crypto::wipe(s2c);
}

HelloKeys::~HelloKeys() {
  crypto::wipe(stun_c2s);
  crypto::wipe(stun_s2c);
  crypto::wipe(forward);
  crypto::wipe(proof);
}

HelloKeys derive_hello_keys(const hpke::Context& context) {
  HelloKeys keys;
  take(keys.phase0.c2s, context.export_secret("ds1 ph0 c2s", keys.phase0.c2s.size()));
  take(keys.phase0.s2c, context.export_secret("ds1 ph0 s2c", keys.phase0.s2c.size()));
  take(keys.stun_c2s, context.export_secret("ds1 stun c2s", keys.stun_c2s.size()));
  take(keys.stun_s2c, context.export_secret("ds1 stun s2c", keys.stun_s2c.size()));
  take(keys.forward, context.export_secret("ds1 fs", keys.forward.size()));
  take(keys.proof, context.export_secret("ds1 invite", keys.proof.size()));
  return keys;
}

PhaseKeys derive_phase1(const crypto::Key32& forward, const crypto::Key32& ee, const crypto::Key32& se,
                        const Ephemerals& ephemerals) {
  Bytes products;
  append(products, ee);
  append(products, se);
  auto prk = crypto::hkdf_extract(forward, products);
  crypto::wipe(products);
  PhaseKeys keys;
  keys.c2s = phase1_key(prk, "ds1 ph1 c2s", ephemerals);
  keys.s2c = phase1_key(prk, "ds1 ph1 s2c", ephemerals);
  crypto::wipe(prk);
  return keys;
}

Result<PhaseKeys> caller_phase1(const crypto::Key32& forward, const crypto::Key32& own_ephemeral,
                                const crypto::Key32& own_device, const Ephemerals& ephemerals) {
  return derive_phase1(forward, crypto::x25519(own_ephemeral, ephemerals.callee),
                       crypto::x25519(own_device, ephemerals.callee), ephemerals);
}

Result<PhaseKeys> callee_phase1(const crypto::Key32& forward, const crypto::Key32& own_ephemeral,
                                const crypto::Key32& caller_device, const Ephemerals& ephemerals) {
  return derive_phase1(forward, crypto::x25519(own_ephemeral, ephemerals.caller),
                       crypto::x25519(own_ephemeral, caller_device), ephemerals);
}

crypto::Key32 hello_mac_key(const crypto::Key32& psk) {
  crypto::Key32 key{};
  take(key, crypto::hkdf(psk, {}, as_bytes("beckon-ds1 hello"), key.size()));
  return key;
}

crypto::Key32 mask_device_key(const crypto::Key32& key, const crypto::Key32& psk, const crypto::Key32& enc) {
  Bytes info;
  append(info, "beckon-ds1 devkey");
  append(info, enc);
  const Bytes mask = crypto::hkdf(psk, {}, info, key.size());
  crypto::Key32 out{};
  std::transform(key.begin(), key.end(), mask.begin(), out.begin(),
                 [](std::uint8_t a, std::uint8_t b) { return static_cast<std::uint8_t>(a ^ b); });
  return out;
}

}  // namespace beckon::direct
