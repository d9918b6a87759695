#pragma once

#include <array>
#include <cstdint>

#include "protocol/ds1/media.hpp"

/// Direct sessions: voice and video without an INVITE (DIRECT_SESSIONS.md). "Caller" and "callee" are used as
/// there; a direction is always the owner's view.
namespace beckon::direct {

/// Names one session (one HELLO context, a "leg") inside this process; never reused. 0 names none.
using CallId = std::uint64_t;

/// The MKI's first three octets and a CHECK's user name (5, TAG).
using Tag = std::array<std::uint8_t, 3>;
/// The call attempt: the same in all its HELLOs and its INVITE (5, CALL).
using Attempt = std::array<std::uint8_t, 8>;

using ds1::Candidate;
using ds1::Direction;
using ds1::Ident;
using ds1::MediaKind;

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

}  // namespace beckon::direct
