#pragma once

#include <string>
#include <string_view>

#include "protocol/base/random.hpp"
#include "protocol/base/result.hpp"
#include "protocol/crypto/crypto.hpp"
#include "protocol/ds1/media.hpp"

namespace beckon::client::direct {

/// The long-lived secrets of this device (DIRECT_SESSIONS, "Three keys of a user"). The shell stores them in
/// a file of mode 0600; they are never logged.
struct Keyring {
  crypto::KeyPair device;  ///< X25519
  crypto::KeyPair ident;   ///< Ed25519; `secret` is the seed.
  std::string instance;    ///< "urn:uuid:...", the device's name (RFC 5626 4.1).
};

Keyring make_keyring(Random& random);

/// The identity's signature over this device's key, for the own `aor`; without a certificate.
ds1::Ident make_ident(const Keyring& keyring, std::string_view aor);

/// One JSON object. Error of `parse_keyring`: std::errc::invalid_argument.
std::string print(const Keyring& keyring);
Result<Keyring> parse_keyring(std::string_view text);

}  // namespace beckon::client::direct
