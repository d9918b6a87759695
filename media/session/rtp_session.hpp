#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "media/rtcp/packet.hpp"
#include "media/rtp/packet.hpp"
#include "media/rtp/sequence.hpp"
#include "media/rtp/statistics.hpp"
#include "media/session/path.hpp"
#include "protocol/base/random.hpp"
#include "protocol/base/timers.hpp"

namespace beckon::session {

inline constexpr Duration report_interval =
    5s;  ///< RFC 3550 6.2 minimum; each one 0.5 to 1.5 times as long (6.3.1).

/// A change of loss is reported sooner, but not more often than this (DIRECT_SESSIONS 6, RFC 4585 3.5).
inline constexpr Duration early_report_pause = 500ms;

/// One medium of a session in both directions, as the peers agreed on it.
struct Line {
  std::uint8_t payload_type = 0;             ///< In both directions, unless `received_type` is set.
  std::uint32_t clock_rate = 8000;           ///< RTP ticks a second, above 0.
  bool receives = true;                      ///< False: the peer's media is dropped.
  std::optional<std::uint32_t> ssrc{};       ///< Own, if it was announced. Absent: a random one is taken.
  std::optional<std::uint32_t> peer_ssrc{};  ///< Absent: that of the first packet.
  /// What the peer sends bears this number instead: RFC 3264 5.1 lets each end number the formats it
  /// receives.
  std::optional<std::uint8_t> received_type{};
  /// A further payload type of the same source: telephone-event (RFC 4733 2.1).
  std::optional<std::uint8_t> received_events{};
  /// The peer's source may change: it was transferred, or an announcement came first. The newest one counts,
  /// and what it sends is counted anew.
  bool follows_source = false;
};

/// The figures of a session, all its lines together.
struct Statistics {
  std::uint64_t packets_sent = 0;
  std::uint64_t octets_sent = 0;       ///< RTP payload.
  std::uint64_t packets_received = 0;  ///< Late ones included.
  std::int64_t packets_lost = 0;       ///< Expected less received (RFC 3550 A.3), negative after duplicates.
  Duration jitter{};                   ///< Of what is received, the worst line (RFC 3550 6.4.1).
  std::uint64_t reports = 0;           ///< What the peer said of own sources, so many times,
  double reported_loss = 0;  ///< in the last one: the share that did not arrive since the one before.
  std::optional<Duration> round_trip;  ///< From the last report that tells (RFC 3550 6.4.1).
  Time began{};
  std::optional<Time> first_sent;
  std::optional<Time> first_received;
};

/// One RTP session (RFC 3550): sequence numbers, timestamps, SSRCs, statistics, and RTCP reports. It knows
/// neither signalling nor keys. Packets leave through the `MediaPath`, protected there; packets come in
/// authenticated, so sources need no probation (A.1). Pure: the owner of `timers` advances them. One thread.
class RtpSession {
 public:
  /// `path` outlives the session. Own SSRCs that were not announced differ from all others (RFC 3550 8.1).
  RtpSession(std::vector<Line> lines, MediaPath& path, Random& random, TimerQueue& timers, Time began);

  std::size_t size() const { return streams_.size(); }
  std::uint32_t ssrc(std::size_t line) const { return streams_[line].ssrc; }
  /// Packets and octets of payload that one line has sent.
  std::uint64_t packets_sent(std::size_t line) const { return streams_[line].packets; }
  std::uint64_t octets_sent(std::size_t line) const { return streams_[line].octets; }
  Statistics statistics() const;

  /// What the peers agreed on anew. The own source continues; `changed` names no SSRCs.
  void change(std::size_t line, const Line& changed);

  // --- media ---
  /// Sends one packet. `timestamp` counts in ticks of the line's clock from any origin; a random offset is
  /// added. Returns false when the path did not send.
  /// `payload_type`: another one than the line's, of an event.
  bool send(std::size_t line, ByteView payload, std::uint32_t timestamp, bool marker, Time now,
            std::optional<std::uint8_t> payload_type = {});

  /// A packet of the peer.
  struct Received {
    std::size_t line = 0;
    rtp::Packet packet;   ///< Views into the octets that were received.
    bool newest = false;  ///< Its sequence number is the highest of its line so far.
  };
  /// Takes an authentic RTP packet and, if `counted`, enters it in the statistics; packets that the owner
  /// will not play are not counted. Empty: malformed, no line receives its payload type, or an SSRC that is
  /// not the line's.
  std::optional<Received> receive_rtp(ByteView packet, bool counted, Time now);

  // --- RTCP ---
  /// Takes an authentic compound packet: learns from its reports and returns it, for BYE, APP and feedback.
  /// Empty: malformed.
  rtcp::Compound receive_rtcp(ByteView packet, Time now);
  /// Sends a report about every `report_interval` from now on. `early`: and as soon as another share is
  /// lost than was reported last, which the session's profile must allow.
  void start_reports(Time now, bool early = false);
  void stop_reports() {
    early_reports_ = false;
    report_timer_.cancel();
  }
  /// Sends `packet` at once, after the report and the SDES that begin every compound packet (RFC 3550 6.1). A
  /// session without lines has no SSRC to speak with: nothing is sent.
  void send_rtcp(rtcp::Packet packet, Time now);
  /// BYE for all own SSRCs (RFC 3550 6.6).
  rtcp::Bye make_bye(std::string reason) const;

 private:
  struct Stream {
    Line line;
    std::uint32_t ssrc = 0;  ///< Own.
    std::optional<std::uint32_t> peer_ssrc;
    std::uint16_t next_sequence = 0;
    std::uint32_t timestamp_offset = 0;
    std::uint32_t last_timestamp = 0;  ///< As sent, with its time: an SR reports both.
    Time last_sent{};
    std::uint64_t packets = 0;
    std::uint64_t octets = 0;  ///< Of payload.
    rtp::ReceiverStatistics received;
    std::uint64_t received_before = 0;  ///< Of sources that the peer has left.
    std::int64_t lost_before = 0;
    rtp::SequenceUnwrapper sequences;
    std::optional<std::int64_t> highest;  ///< Sequence number, unwrapped.
    double loss_in_report = 0;            ///< The share of loss in the own last report.
    std::uint32_t last_sr = 0;            ///< Middle 32 bits of the peer's last SR.
    Time last_sr_arrival{};
  };

  std::uint32_t make_ssrc(const std::vector<Line>& lines);
  Stream* match(const rtp::Header& header);
  static void forget_source(Stream& stream);
  void learn(const rtcp::Report& report, Time now);
  void learn(const rtcp::ReportBlock& block, Time now);
  void report_early(const Stream& stream, Time now);
  rtcp::Report make_report(const Stream& stream, Time now) const;
  rtcp::Compound make_compound(Time now);
  void send_compound(const rtcp::Compound& compound, Time now);

  MediaPath& path_;
  Random& random_;
  Timer report_timer_;
  std::string cname_;
  std::vector<Stream> streams_;
  Bytes scratch_;  ///< The packet being sent, so that media allocates nothing.
  Time began_;
  bool early_reports_ = false;
  Time last_report_{};
  std::uint64_t reports_ = 0;
  double reported_loss_ = 0;
  std::optional<Duration> round_trip_;
  std::optional<Time> first_sent_;
  std::optional<Time> first_received_;
};

}  // namespace beckon::session
