#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/base/bytes.hpp"
#include "protocol/base/random.hpp"
#include "protocol/crypto/crypto.hpp"

/// What server and user agent compute alike for direct sessions (DIRECT_SESSIONS.md): modes, tickets,
/// the signature of an identity. Knows neither SIP nor XML nor media.
namespace beckon::ds1 {

/// Order: off < ask < auto (DIRECT_SESSIONS 2).
enum class Mode : std::uint8_t { off = 0, ask = 1, automatic = 2 };
const char* to_string(Mode mode);        ///< "off", "ask", "auto"
Mode parse_mode(std::string_view text);  ///< Unknown text is `off`.

using Epoch = std::array<std::uint8_t, 4>;

/// AORs longer than this have no direct sessions.
inline constexpr std::size_t aor_max = 220;

/// What a ticket says about its holder.
struct Permission {
  Mode mode = Mode::off;
  std::string aor;  ///< "sip:bob@example.org"
  bool operator==(const Permission&) const = default;
};

/// One watcher's grant: an opaque ticket (60..284 octets) and the key shared with its holder.
struct Grant {
  Bytes ticket;
  crypto::Key32 psk{};
};

/// Makes the grant of (secret, epoch, watcher, mode) (DIRECT_SESSIONS 3.6). Call once per epoch and
/// keep the result: each call takes a fresh nonce.
Grant make_grant(const crypto::Key32& secret, const Epoch& epoch, const Permission& permission,
                 Random& random);

/// Opens a ticket; nullopt for one that was not sealed with this secret and epoch.
std::optional<Permission> open_ticket(const crypto::Key32& secret, const Epoch& epoch, ByteView ticket);
crypto::Key32 ticket_psk(const crypto::Key32& secret, ByteView ticket);

/// The identity's signature over a device key and certificate fingerprint (DIRECT_SESSIONS, "Three
/// keys of a user"). `fingerprint` is 32 zero octets where there is no certificate.
crypto::Signature sign_identity(const crypto::Key32& ident_seed, std::string_view aor,
                                const crypto::Key32& device_key, const crypto::Key32& fingerprint);
bool verify_identity(const crypto::Key32& ident, std::string_view aor, const crypto::Key32& device_key,
                     const crypto::Key32& fingerprint, ByteView signature);

/// The 60 digits two users compare (DIRECT_SESSIONS 13), the same on both screens.
std::string safety_number(std::string_view aor_a, const crypto::Key32& ident_a, std::string_view aor_b,
                          const crypto::Key32& ident_b);

}  // namespace beckon::ds1
