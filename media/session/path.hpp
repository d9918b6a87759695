#pragma once

#include "protocol/base/bytes.hpp"
#include "protocol/base/time.hpp"

namespace beckon::session {

/// Carries the packets of one RTP session to the peer: protects them and knows the peer's address. Keys (ds1,
/// SDES, DTLS-SRTP), addresses and limits are the path's own. The owner hands packets that arrived on the
/// path and authenticated to `RtpSession::receive_rtp` and `receive_rtcp`.
class MediaPath {
 public:
  virtual ~MediaPath() = default;
  /// Protects `packet` in place and sends it. Returns false when the packet was not sent: there is no key or
  /// no address yet, or a limit is reached. A packet that was not sent spends no sequence number. The path
  /// does not call the session from inside.
  virtual bool send_rtp(Bytes& packet, Time now) = 0;
  /// The same for a compound RTCP packet; one that cannot be sent is dropped.
  virtual void send_rtcp(Bytes& packet, Time now) = 0;
};

}  // namespace beckon::session
