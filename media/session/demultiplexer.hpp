#pragma once

#include "protocol/base/bytes.hpp"

namespace beckon::session {

/// What a datagram on a port of media is, as its first two octets say (RFC 7983 7, RFC 5761 4).
enum class Kind {
  stun,     ///< First octet 0 to 3.
  dtls,     ///< First octet 20 to 63.
  rtp,      ///< First octet 128 to 191, RTP or SRTP.
  rtcp,     ///< First octet 128 to 191 and second octet 192 to 223, RTCP or SRTCP.
  unknown,  ///< Anything else, ZRTP and TURN channels included. Drop the datagram.
};

/// Sorts a datagram without reading further: a datagram of a known kind may still be malformed.
Kind classify(ByteView datagram);

}  // namespace beckon::session
