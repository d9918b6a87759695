#include "media/session/demultiplexer.hpp"

namespace beckon::session {

Kind classify(ByteView datagram) {
  if (datagram.empty()) return Kind::unknown;
  const auto first = datagram[0];
  if (first <= 3) return Kind::stun;
  if (first >= 20 && first <= 63) return Kind::dtls;
  if (first < 128 || first > 191 || datagram.size() < 2) return Kind::unknown;
  // Payload types 64 to 95 are not used for RTP, so that marker and payload type never look like an RTCP
  // packet type.
  const auto second = datagram[1];
  return second >= 192 && second <= 223 ? Kind::rtcp : Kind::rtp;
}

}  // namespace beckon::session
