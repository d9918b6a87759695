#include "media/session/rtp_session.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "protocol/base/text.hpp"

namespace beckon::session {
namespace {

constexpr std::uint64_t least_judged = 20;  ///< Packets, before their loss is said to have changed.
constexpr double loss_change = 0.05;        ///< Share that is worth an early report.
constexpr std::size_t cname_octets = 12;    ///< 96 random bits (RFC 7022 4.2).

/// The monotonic clock as an NTP timestamp: RFC 3550 6.4.1 allows it to a sender without wall clock.
std::uint64_t ntp_time(Time now) {
  const auto micros = static_cast<std::uint64_t>(now.time_since_epoch().count());
  return (micros / 1'000'000) << 32 | (micros % 1'000'000 << 32) / 1'000'000;
}

std::uint32_t in_65536ths(Duration time) {
  return static_cast<std::uint32_t>(time.count() * 65536 / 1'000'000);
}

/// "The calculated interval [...] varied randomly over the range [0.5,1.5] times" (RFC 3550 6.3.1).
Duration next_interval(Random& random) {
  return Duration(static_cast<Duration::rep>(static_cast<double>(Duration(report_interval).count()) *
                                             (0.5 + random.unit())));
}

}  // namespace

RtpSession::RtpSession(std::vector<Line> lines, MediaPath& path, Random& random, TimerQueue& timers,
                       Time began)
    : path_(path),
      random_(random),
      report_timer_(timers),
      cname_(to_base64(random.bytes(cname_octets))),
      began_(began) {
  for (const Line& line : lines) {
    streams_.push_back({.line = line,
                        .ssrc = line.ssrc ? *line.ssrc : make_ssrc(lines),
                        .peer_ssrc = line.peer_ssrc,
                        // The lower half, so that the first wrap is far away: a receiver that misses it
                        // guesses the roll-over counter of SRTP wrong (RFC 3711 3.3.1).
                        .next_sequence = static_cast<std::uint16_t>(random.below(0x8000)),
                        .timestamp_offset = static_cast<std::uint32_t>(random.next()),
                        .received = rtp::ReceiverStatistics(line.clock_rate),
                        .received_before = 0,
                        .lost_before = 0,
                        .sequences = {},
                        .highest = {}});
  }
}

std::uint32_t RtpSession::make_ssrc(const std::vector<Line>& lines) {
  const auto is_taken = [&](std::uint32_t ssrc) {
    return std::ranges::any_of(
               lines, [&](const Line& line) { return line.ssrc == ssrc || line.peer_ssrc == ssrc; }) ||
           std::ranges::any_of(streams_, [&](const Stream& stream) { return stream.ssrc == ssrc; });
  };
  auto ssrc = static_cast<std::uint32_t>(random_.next());
  while (is_taken(ssrc)) ssrc = static_cast<std::uint32_t>(random_.next());
  return ssrc;
}

Statistics RtpSession::statistics() const {
  Statistics out;
  out.began = began_;
  out.first_sent = first_sent_;
  out.first_received = first_received_;
  out.reports = reports_;
  out.reported_loss = reported_loss_;
  out.round_trip = round_trip_;
  for (const Stream& stream : streams_) {
    out.jitter = std::max(out.jitter, stream.received.jitter());
    out.packets_sent += stream.packets;
    out.octets_sent += stream.octets;
    out.packets_received += stream.received_before + stream.received.received();
    out.packets_lost += stream.lost_before + stream.received.lost();
  }
  return out;
}

// --- media ---

bool RtpSession::send(std::size_t line, ByteView payload, std::uint32_t timestamp, bool marker, Time now,
                      std::optional<std::uint8_t> payload_type) {
  Stream& stream = streams_[line];
  rtp::Packet packet;
  packet.header = {.marker = marker,
                   .payload_type = payload_type.value_or(stream.line.payload_type),
                   .sequence = stream.next_sequence,
                   .timestamp = timestamp + stream.timestamp_offset,
                   .ssrc = stream.ssrc};
  packet.payload = payload;
  scratch_.clear();
  rtp::append_packet(scratch_, packet);
  if (!path_.send_rtp(scratch_, now)) return false;
  ++stream.next_sequence;
  ++stream.packets;
  stream.octets += payload.size();
  stream.last_timestamp = packet.header.timestamp;
  stream.last_sent = now;
  if (!first_sent_) first_sent_ = now;
  return true;
}

/// The line's own source, or the first one that speaks on it.
RtpSession::Stream* RtpSession::match(const rtp::Header& header) {
  const auto found = std::ranges::find_if(streams_, [&](const Stream& stream) {
    const Line& line = stream.line;
    return line.received_type.value_or(line.payload_type) == header.payload_type ||
           line.received_events == header.payload_type;
  });
  if (found == streams_.end()) return nullptr;
  if (found->line.follows_source && found->peer_ssrc && found->peer_ssrc != header.ssrc)
    forget_source(*found);
  if (!found->peer_ssrc) found->peer_ssrc = header.ssrc;
  return found->peer_ssrc == header.ssrc ? &*found : nullptr;
}

void RtpSession::forget_source(Stream& stream) {
  stream.peer_ssrc.reset();
  stream.received_before += stream.received.received();
  stream.lost_before += stream.received.lost();
  stream.received = rtp::ReceiverStatistics(stream.line.clock_rate);
  stream.sequences = {};
  stream.highest.reset();
  stream.last_sr = 0;
}

void RtpSession::change(std::size_t line, const Line& changed) {
  Stream& stream = streams_[line];
  const bool other_clock = stream.line.clock_rate != changed.clock_rate;
  stream.line = changed;
  if (other_clock) forget_source(stream);
}

std::optional<RtpSession::Received> RtpSession::receive_rtp(ByteView packet, bool counted, Time now) {
  const auto parsed = rtp::parse_packet(packet);
  Stream* const stream = parsed ? match(parsed->header) : nullptr;
  if (stream == nullptr || !stream->line.receives) return std::nullopt;
  const auto index = stream->sequences.unwrap(parsed->header.sequence);
  const bool newest = !stream->highest || index > *stream->highest;
  if (newest) stream->highest = index;
  if (counted) {
    stream->received.on_packet(parsed->header.sequence, parsed->header.timestamp, now);
    if (!first_received_) first_received_ = now;
    if (early_reports_) report_early(*stream, now);
  }
  return Received{static_cast<std::size_t>(stream - streams_.data()), *parsed, newest};
}

// --- RTCP ---

rtcp::Compound RtpSession::receive_rtcp(ByteView packet, Time now) {
  auto compound = rtcp::parse_compound(packet);
  if (!compound) return {};
  for (const auto& each : *compound) {
    if (const auto* report = std::get_if<rtcp::Report>(&each)) learn(*report, now);
  }
  return std::move(*compound);
}

void RtpSession::report_early(const Stream& stream, Time now) {
  const auto expected = stream.received.expected_since_report();
  if (expected < least_judged || now < last_report_ + early_report_pause) return;
  const double lost = static_cast<double>(std::max<std::int64_t>(stream.received.lost_since_report(), 0));
  if (std::abs(lost / static_cast<double>(expected) - stream.loss_in_report) < loss_change) return;
  send_compound(make_compound(now), now);
}

void RtpSession::learn(const rtcp::ReportBlock& block, Time now) {
  ++reports_;
  reported_loss_ = block.report.fraction_lost / 256.0;
  if (block.last_sr == 0) return;
  // What has passed since the own report, less what the peer let pass; a wrapped difference is nonsense.
  const auto elapsed = static_cast<std::int32_t>(static_cast<std::uint32_t>(ntp_time(now) >> 16) -
                                                 block.last_sr - block.delay_since_last_sr);
  if (elapsed >= 0) round_trip_ = Duration(std::int64_t{elapsed} * 1'000'000 / 65536);
}

void RtpSession::learn(const rtcp::Report& report, Time now) {
  for (const auto& block : report.blocks) {
    const auto is_own = [&](const Stream& stream) { return stream.ssrc == block.ssrc; };
    if (std::ranges::any_of(streams_, is_own)) learn(block, now);
  }
  if (!report.sender) return;
  for (Stream& stream : streams_) {
    if (stream.peer_ssrc != report.ssrc) continue;
    stream.last_sr = static_cast<std::uint32_t>(report.sender->ntp_time >> 16);
    stream.last_sr_arrival = now;
  }
}

rtcp::Report RtpSession::make_report(const Stream& stream, Time now) const {
  rtcp::Report report{.ssrc = stream.ssrc, .sender = {}, .blocks = {}};
  if (stream.packets == 0) return report;
  const auto ticks = (now - stream.last_sent).count() * stream.line.clock_rate / 1'000'000;
  report.sender =
      rtcp::SenderInfo{ntp_time(now), stream.last_timestamp + static_cast<std::uint32_t>(ticks),
                       static_cast<std::uint32_t>(stream.packets), static_cast<std::uint32_t>(stream.octets)};
  return report;
}

/// The first own source reports what was received; the others report only what they sent.
rtcp::Compound RtpSession::make_compound(Time now) {
  last_report_ = now;
  rtcp::Report first = make_report(streams_.front(), now);
  rtcp::Description description;
  for (Stream& stream : streams_) {
    description.chunks.push_back({stream.ssrc, {{rtcp::item_cname, cname_}}});
    if (!stream.peer_ssrc || stream.received.received() == 0) continue;
    const bool heard = stream.last_sr != 0;
    const auto said = stream.received.report();
    stream.loss_in_report = said.fraction_lost / 256.0;
    first.blocks.push_back({.ssrc = *stream.peer_ssrc,
                            .report = said,
                            .last_sr = stream.last_sr,
                            .delay_since_last_sr = heard ? in_65536ths(now - stream.last_sr_arrival) : 0});
  }
  rtcp::Compound out{std::move(first)};
  for (auto stream = streams_.begin() + 1; stream != streams_.end(); ++stream) {
    if (stream->packets > 0) out.push_back(make_report(*stream, now));
  }
  out.push_back(std::move(description));
  return out;
}

void RtpSession::send_compound(const rtcp::Compound& compound, Time now) {
  Bytes packet = rtcp::print(compound);
  path_.send_rtcp(packet, now);
}

void RtpSession::start_reports(Time now, bool early) {
  early_reports_ = early;
  report_timer_.set(now + next_interval(random_), [this](Time later) {
    if (!streams_.empty()) send_compound(make_compound(later), later);
    start_reports(later, early_reports_);
  });
}

void RtpSession::send_rtcp(rtcp::Packet packet, Time now) {
  if (streams_.empty()) return;
  auto compound = make_compound(now);
  compound.push_back(std::move(packet));
  send_compound(compound, now);
}

rtcp::Bye RtpSession::make_bye(std::string reason) const {
  rtcp::Bye bye{.ssrcs = {}, .reason = std::move(reason)};
  for (const Stream& stream : streams_) bye.ssrcs.push_back(stream.ssrc);
  return bye;
}

}  // namespace beckon::session
