#include "media/rtp/statistics.hpp"

#include <algorithm>
#include <cstdlib>

namespace beckon::rtp {
namespace {

constexpr std::int64_t max_cumulative = 0x7fffff;  // 24 signed bits (RFC 3550 6.4.1)
constexpr std::int64_t min_cumulative = -0x800000;

}  // namespace

void ReceiverStatistics::on_packet(std::uint16_t sequence, std::uint32_t timestamp, Time arrival) {
  const std::int64_t extended = sequences_.unwrap(sequence);
  const std::int64_t micros = arrival.time_since_epoch().count();
  // Split, so that a large uptime times a large clock rate cannot overflow.
  const std::int64_t ticks = micros / 1'000'000 * clock_rate_ + micros % 1'000'000 * clock_rate_ / 1'000'000;
  const std::int64_t transit = ticks - timestamps_.unwrap(timestamp);
  if (received_ == 0) {
    first_ = highest_ = extended;
  } else {
    // RFC 3550 A.8, the integer form: J += |D| - J/16 with J in 16ths.
    jitter16_ += std::abs(transit - transit_) - ((jitter16_ + 8) >> 4);
  }
  first_ = std::min(first_, extended);
  highest_ = std::max(highest_, extended);
  transit_ = transit;
  ++received_;
}

std::uint64_t ReceiverStatistics::expected() const {
  return received_ == 0 ? 0 : static_cast<std::uint64_t>(highest_ - first_ + 1);
}

std::int64_t ReceiverStatistics::lost() const {
  return static_cast<std::int64_t>(expected()) - static_cast<std::int64_t>(received_);
}

ReceptionReport ReceiverStatistics::report() {
  const auto expected_now = static_cast<std::int64_t>(expected_since_report());
  const auto lost_now = lost_since_report();
  reported_expected_ = expected();
  reported_received_ = received_;
  ReceptionReport report;
  if (expected_now > 0 && lost_now > 0) {
    report.fraction_lost =
        static_cast<std::uint8_t>(std::min<std::int64_t>((lost_now << 8) / expected_now, 255));
  }
  report.cumulative_lost = static_cast<std::int32_t>(std::clamp(lost(), min_cumulative, max_cumulative));
  report.highest_sequence = static_cast<std::uint32_t>(highest_);
  report.jitter = static_cast<std::uint32_t>(jitter16_ >> 4);
  return report;
}

}  // namespace beckon::rtp
