#pragma once

#include <cstdint>

#include "media/rtp/sequence.hpp"
#include "protocol/base/time.hpp"

namespace beckon::rtp {

/// What a report block says about one source (RFC 3550 6.4.1).
struct ReceptionReport {
  std::uint8_t fraction_lost = 0;  ///< Since the last report, in 256ths.
  std::int32_t cumulative_lost =
      0;  ///< Clamped to 24 signed bits; negative when duplicates outnumber losses.
  std::uint32_t highest_sequence = 0;  ///< With the count of wraps in the upper 16 bits.
  std::uint32_t jitter = 0;            ///< In RTP clock ticks.
};

/// Counts what arrives from one source (RFC 3550 A.1, A.3, A.8). Packets are authenticated before they are
/// counted, so there is no probation of new sources (A.1) and no restart after a jump of the sequence
/// numbers.
class ReceiverStatistics {
 public:
  /// `clock_rate` in Hz, as the payload type says; above 0.
  explicit ReceiverStatistics(std::uint32_t clock_rate) : clock_rate_(clock_rate) {}

  void on_packet(std::uint16_t sequence, std::uint32_t timestamp, Time arrival);
  /// Starts a new interval for `fraction_lost`.
  ReceptionReport report();

  std::uint64_t received() const { return received_; }  ///< Duplicates included.
  std::uint64_t expected() const;
  /// RFC 3550 A.3: expected less received; negative when duplicates outnumber losses.
  std::int64_t lost() const;
  /// What was expected since the last report, and how much of it is missing.
  std::uint64_t expected_since_report() const { return expected() - reported_expected_; }
  std::int64_t lost_since_report() const {
    return static_cast<std::int64_t>(expected_since_report()) -
           static_cast<std::int64_t>(received_ - reported_received_);
  }
  /// Interarrival jitter (RFC 3550 6.4.1).
  Duration jitter() const { return Duration((jitter16_ >> 4) * 1'000'000 / clock_rate_); }

 private:
  std::uint32_t clock_rate_;
  SequenceUnwrapper sequences_;
  TimestampUnwrapper timestamps_;
  std::int64_t first_ = 0;
  std::int64_t highest_ = 0;
  std::uint64_t received_ = 0;
  std::uint64_t reported_expected_ = 0;
  std::uint64_t reported_received_ = 0;
  std::int64_t transit_ = 0;   ///< Of the last packet, in ticks.
  std::int64_t jitter16_ = 0;  ///< Jitter in 16ths of a tick, as A.8 keeps it.
};

}  // namespace beckon::rtp
