#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "media/direct/error.hpp"
#include "media/direct/keys.hpp"
#include "media/direct/types.hpp"
#include "protocol/base/bytes.hpp"
#include "protocol/base/result.hpp"
#include "protocol/crypto/crypto.hpp"
#include "protocol/ds1/ticket.hpp"

/// The HELLO attribute (DIRECT_SESSIONS 5): its content, and how the caller seals and the callee opens it.
namespace beckon::direct {

/// Octets of a ticket (DIRECT_SESSIONS 2, `grant`).
inline constexpr std::size_t ticket_min = 60;
inline constexpr std::size_t ticket_max = 284;

inline constexpr std::size_t contact_max = 200;  ///< Octets of item CONTACT.
inline constexpr std::size_t subject_max = 120;  ///< Octets of item SUBJECT.
inline constexpr std::size_t lines_max = 2;      ///< Items MEDIA.

/// The sealed body.
struct HelloBody {
  struct Line {
    MediaKind kind = MediaKind::audio;
    Direction dir = Direction::sendrecv;  ///< The caller's view.
    std::uint8_t payload_type = 0;
    std::uint32_t ssrc = 0;
    bool operator==(const Line&) const = default;
  };
  Tag tag{};
  std::vector<Line> media;  ///< One or two, of different kinds.
  crypto::Key32 ephemeral{};
  ds1::Mode want = ds1::Mode::automatic;  ///< `ask` or `automatic`.
  std::string contact;
  std::optional<Ident> ident;
  std::string subject;
  Attempt attempt{};
  bool demands_unknown = false;  ///< An item of 0x80 or above: reject with reason 5. Never written.
};
Bytes print_body(const HelloBody& body);
/// Error: Errc::bad_body.
Result<HelloBody> parse_body(ByteView bytes);

/// The fields of the attribute, as views into the datagram.
struct HelloView {
  ds1::Epoch epoch{};
  crypto::Key32 enc{};
  crypto::Key32 cdk{};
  ByteView ticket;
  ByteView aad;      ///< All octets before the sealed body.
  ByteView sealed;   ///< The body with its tag.
  ByteView covered;  ///< All octets before the MAC.
  std::array<std::uint8_t, 16> mac{};
};
/// Errors: Errc::malformed, Errc::unknown_version.
Result<HelloView> parse_hello(ByteView attribute);

/// What the caller knows of the callee.
struct HelloTarget {
  crypto::Key32 device_key{};
  ds1::Epoch epoch{};
  ds1::Grant grant;
};
/// A HELLO ready to be sent, and the keys it establishes.
struct SealedHello {
  Bytes attribute;
  HelloKeys keys;
};
/// `enc` is a fresh pair for every HELLO. Error: a zero product, so the callee's key is worthless.
Result<SealedHello> seal_hello(const HelloTarget& target, const crypto::KeyPair& device,
                               const crypto::KeyPair& enc, const HelloBody& body);

/// Does the MAC prove that the sender holds the ticket's psk? (6, step 4)
bool has_good_mac(const HelloView& hello, const crypto::Key32& psk);

/// A HELLO opened by the callee.
struct OpenedHello {
  crypto::Key32 caller_key{};  ///< The device key that made it.
  HelloBody body;
  HelloKeys keys;
};
/// Step 6. Errors: Errc::not_opened, Errc::bad_body, a zero product.
Result<OpenedHello> open_hello(const HelloView& hello, const crypto::Key32& psk,
                               const crypto::KeyPair& device);

}  // namespace beckon::direct
