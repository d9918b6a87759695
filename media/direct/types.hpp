#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "protocol/base/address.hpp"
#include "protocol/crypto/crypto.hpp"
#include "protocol/ds1/ticket.hpp"

/// Direct sessions: voice and video without an INVITE (DIRECT_SESSIONS.md). "Caller" and "callee" as
/// there; a direction is always told from the owner's view.
namespace beckon::direct {

/// Names one session (one HELLO context, a "leg") inside this process; never reused. 0 names none.
using CallId = std::uint64_t;

/// The MKI's first three octets and a CHECK's user name (5, TAG).
using Tag = std::array<std::uint8_t, 3>;
/// The call attempt: the same in all its HELLOs and its INVITE (5, CALL).
using Attempt = std::array<std::uint8_t, 8>;

enum class MediaKind : std::uint8_t { audio = 1, video = 2 };
const char* to_string(MediaKind kind);

enum class Direction : std::uint8_t { sendrecv = 1, sendonly = 2, recvonly = 3 };
const char* to_string(Direction direction);
constexpr bool sends(Direction direction) { return direction != Direction::recvonly; }
constexpr bool receives(Direction direction) { return direction != Direction::sendonly; }
/// The same stream seen from the other end.
Direction flip(Direction direction);
/// What both allow; nothing if no direction is left.
std::optional<Direction> intersect(Direction a, Direction b);

/// Why a session ended or was refused (10).
enum class Reason : std::uint8_t {
  none = 0,
  busy = 1,
  declined = 2,
  no_answer = 3,
  media_not_supported = 4,
  extension_not_supported = 5,
  glare_lost = 6,
  answered_elsewhere = 7,
  mode_not_allowed = 8,
  overload = 9,
  normal = 10,
  path_lost = 11,
  revoked = 12,
};
const char* to_string(Reason reason);

/// One kind of media of a session. The caller took payload type and parameters from the callee's
/// published list; the callee returns the same.
struct MediaLine {
  MediaKind kind = MediaKind::audio;
  Direction dir = Direction::sendrecv;  ///< Own view.
  std::uint8_t payload_type = 0;
  std::uint32_t clock_rate = 8000;  ///< RTP ticks a second.
  bool operator==(const MediaLine&) const = default;
};

/// One <cand> of the callee's presence (2).
struct Candidate {
  enum class Type : std::uint8_t { host, srflx };
  Type type = Type::host;
  std::uint32_t priority = 0;
  Address address;
  bool operator==(const Candidate&) const = default;
};

/// An identity's word for a device key: item IDENT (5), element <ident> (2).
struct Ident {
  crypto::Key32 key{};
  crypto::Key32 fingerprint{};  ///< Zeros: no certificate.
  crypto::Signature signature{};
  bool operator==(const Ident&) const = default;
};

}  // namespace beckon::direct
