#include "media/direct/session.hpp"

#include <algorithm>
#include <cassert>

#include "protocol/base/text.hpp"

namespace beckon::direct {
namespace {

constexpr std::array<Duration, 6> control_times{0ms,   100ms, 200ms,
                                                400ms, 800ms, 1600ms};  // DIRECT_SESSIONS 7
constexpr std::array<Duration, 3> bye_times{0ms, 100ms, 300ms};
constexpr std::size_t cname_octets = 12;  ///< 96 random bits (RFC 7022 4.2).
constexpr std::size_t srtp_minimum = rtp::fixed_header_size + 16 + 4;

bool is_rtcp(ByteView datagram) { return datagram[1] >= 192 && datagram[1] <= 223; }  // RFC 5761 4

/// The monotonic clock as an NTP timestamp: RFC 3550 6.4.1 lets a sender without wall clock count so.
std::uint64_t ntp_time(Time now) {
  const auto micros = static_cast<std::uint64_t>(now.time_since_epoch().count());
  return (micros / 1'000'000) << 32 | (micros % 1'000'000 << 32) / 1'000'000;
}

std::uint32_t in_65536ths(Duration time) {
  return static_cast<std::uint32_t>(time.count() * 65536 / 1'000'000);
}

/// `time` more or less a part of it.
Duration jittered(Duration time, double part, Random& random) {
  const double factor = 1 - part + 2 * part * random.unit();
  return Duration(static_cast<Duration::rep>(static_cast<double>(time.count()) * factor));
}

Reason read_reason(std::string_view text) {
  const auto number = parse_number<std::uint8_t>(text);
  return number ? static_cast<Reason>(*number) : Reason::normal;
}

}  // namespace

const char* to_string(Session::State state) {
  switch (state) {
    case Session::State::sent:
      return "sent";
    case Session::State::ringing:
      return "ringing";
    case Session::State::answered:
      return "answered";
    case Session::State::active:
      return "active";
    case Session::State::dead:
      return "dead";
  }
  return "unknown";
}

Session::Session(Host& host, Role role, Subject subject, HelloKeys keys, Time now)
    : host_(host),
      keys_(std::move(keys)),
      state_timer_(host.timers),
      role_(role),
      subject_(std::move(subject)),
      began_(now),
      control_timer_(host.timers),
      check_timer_(host.timers),
      consent_timer_(host.timers),
      report_timer_(host.timers),
      bye_timer_(host.timers),
      keys_timer_(host.timers),
      forget_timer_(host.timers) {
  phases_[0] = make_phase(0, keys_.phase0);
  keys_.phase0 = {};
  cname_ = to_base64(host.random.bytes(cname_octets));
  make_streams();
}

void Session::make_streams() {
  for (const auto& line : subject_.media) {
    Stream stream;
    stream.line = line;
    stream.ssrc = static_cast<std::uint32_t>(host_.random.next());
    stream.next_sequence = static_cast<std::uint16_t>(host_.random.below(0x8000));
    stream.timestamp_offset = static_cast<std::uint32_t>(host_.random.next());
    stream.received = rtp::ReceiverStatistics(line.clock_rate);
    streams_.push_back(stream);
  }
}

Session::Phase Session::make_phase(std::uint8_t number, const PhaseKeys& keys) const {
  Bytes mki(subject_.tag.begin(), subject_.tag.end());
  append_u8(mki, number);
  const SrtpKey& out = role_ == Role::caller ? keys.c2s : keys.s2c;
  const SrtpKey& in = role_ == Role::caller ? keys.s2c : keys.c2s;
  Phase phase;
  phase.out.emplace(srtp::Keying{srtp::Profile::aead_aes128_gcm, out, mki});
  phase.in.emplace(srtp::Keying{srtp::Profile::aead_aes128_gcm, in, mki});
  return phase;
}

void Session::open_phase1(const PhaseKeys& keys) { phases_[1] = make_phase(1, keys); }

Stream* Session::find_stream(MediaKind kind) {
  const auto found = std::find_if(streams_.begin(), streams_.end(),
                                  [&](const Stream& stream) { return stream.line.kind == kind; });
  return found == streams_.end() ? nullptr : &*found;
}

const Stream* Session::find_stream(MediaKind kind) const {
  return const_cast<Session*>(this)->find_stream(kind);
}

Statistics Session::statistics() const {
  Statistics out;
  out.began = began_;
  out.first_sent = first_sent_;
  out.first_received = first_received_;
  for (const auto& stream : streams_) {
    out.packets_sent += stream.packets;
    out.octets_sent += stream.octets;
    out.packets_received += stream.received.received();
    out.packets_lost += stream.received.lost();
  }
  return out;
}

// --- receiving ---

bool Session::on_secure(const Address& from, ByteView datagram, Time now) {
  if (datagram.size() < srtp_minimum) return false;
  const std::uint8_t phase = datagram.back();
  if (phase >= phases_.size() || !phases_[phase].in) return false;
  // Handlers may send, which uses the scratch buffer: it is taken meanwhile, and given back for its memory.
  Bytes packet = std::move(host_.scratch);
  packet.assign(datagram.begin(), datagram.end());
  auto& in = *phases_[phase].in;
  const bool control = is_rtcp(datagram);
  const bool good = (control ? in.unprotect_rtcp(packet) : in.unprotect_rtp(packet)).has_value();
  if (good) {
    path_.on_received(from, datagram.size());
    on_authentic(from, phase, now);
    control ? on_reports(from, packet, now) : on_media(from, packet, now);
  }
  host_.scratch = std::move(packet);
  return good;
}

void Session::on_authentic(const Address& from, std::uint8_t phase, Time now) {
  if (phase == 0 || first_phase1_) return;
  first_phase1_ = now;
  keys_timer_.set(now + keys_linger_time, [this](Time) {
    phases_[0] = Phase{};
    crypto::wipe(keys_.forward);
  });
  on_first_phase1(from, now);
}

Stream* Session::match_stream(const rtp::Header& header) {
  for (auto& stream : streams_) {
    if (stream.line.payload_type != header.payload_type) continue;
    if (!stream.peer_ssrc) stream.peer_ssrc = header.ssrc;
    return stream.peer_ssrc == header.ssrc ? &stream : nullptr;
  }
  return nullptr;
}

void Session::on_media(const Address& from, ByteView packet, Time now) {
  const auto parsed = rtp::parse_packet(packet);
  Stream* const stream = parsed ? match_stream(parsed->header) : nullptr;
  if (stream == nullptr || !receives(stream->line.dir)) return;
  const auto index = stream->sequences.unwrap(parsed->header.sequence);
  if (!stream->highest || index > *stream->highest) {
    stream->highest = index;
    if (!is_dead() && path_.on_moved(from, packet.size(), now)) send_check(from);
  }
  if (!plays()) return;
  stream->received.on_packet(parsed->header.sequence, parsed->header.timestamp, now);
  if (!first_received_) first_received_ = now;
  host_.sink.on_media(subject_.call, stream->line.kind, *parsed, now);
}

void Session::on_reports(const Address& from, ByteView bytes, Time now) {
  const auto compound = rtcp::parse_compound(bytes);
  if (!compound) return;
  for (const auto& packet : *compound) {
    if (const auto* report = std::get_if<rtcp::Report>(&packet)) on_report(*report, now);
    if (const auto* bye = std::get_if<rtcp::Bye>(&packet)) on_bye(*bye, now);
    const auto* app = std::get_if<rtcp::App>(&packet);
    const auto control = app != nullptr ? parse_control(*app) : std::nullopt;
    if (control) on_control(from, *control, now);
  }
}

void Session::on_report(const rtcp::Report& report, Time now) {
  if (!report.sender) return;
  for (auto& stream : streams_) {
    if (stream.peer_ssrc != report.ssrc) continue;
    stream.last_sr = static_cast<std::uint32_t>(report.sender->ntp_time >> 16);
    stream.last_sr_arrival = now;
  }
}

void Session::on_bye(const rtcp::Bye& bye, Time now) {
  // One BYE is answered; ours, sent before, counts as the answer (DIRECT_SESSIONS 7).
  if (!bye_answered_) {
    bye_answered_ = true;
    if (!is_dead()) send_one_bye(Reason::normal, now);
  }
  if (!is_dead()) on_peer_bye(read_reason(bye.reason), now);
}

// --- sending ---

void Session::send(const Address& to, ByteView datagram) {
  if (is_guarded() && !path_.take_allowance(to, datagram.size())) return;
  host_.sink.send(to, datagram);
}

bool Session::send_media(MediaKind kind, ByteView payload, std::uint32_t timestamp, bool marker, Time now) {
  Stream* const stream = find_stream(kind);
  if (stream == nullptr || !may_send(kind) || !is_within_rate(*stream, payload.size(), now)) return false;
  const auto to = media_target();
  if (!to || !phases_[sending_phase_].out) return false;
  if (sending_phase_ == 0 && stream->phase0_packets >= phase0_packets_max) return false;
  rtp::Packet packet;
  packet.header = {.marker = marker,
                   .payload_type = stream->line.payload_type,
                   .sequence = stream->next_sequence,
                   .timestamp = timestamp + stream->timestamp_offset,
                   .ssrc = stream->ssrc};
  packet.payload = payload;
  Bytes& out = host_.scratch;
  out.clear();
  rtp::append_packet(out, packet);
  if (is_guarded() && !path_.take_allowance(*to, out.size() + 20)) return false;
  if (!phases_[sending_phase_].out->protect_rtp(out)) return false;
  ++stream->next_sequence;
  ++stream->packets;
  stream->octets += payload.size();
  if (sending_phase_ == 0) ++stream->phase0_packets;
  stream->last_timestamp = packet.header.timestamp;
  stream->last_sent = now;
  if (!first_sent_) first_sent_ = now;
  host_.sink.send(*to, out);
  return true;
}

rtcp::Report Session::make_report(const Stream& stream, Time now) const {
  rtcp::Report report{.ssrc = stream.ssrc, .sender = {}, .blocks = {}};
  if (stream.packets == 0) return report;
  const auto ticks = (now - stream.last_sent).count() * stream.line.clock_rate / 1'000'000;
  report.sender =
      rtcp::SenderInfo{ntp_time(now), stream.last_timestamp + static_cast<std::uint32_t>(ticks),
                       static_cast<std::uint32_t>(stream.packets), static_cast<std::uint32_t>(stream.octets)};
  return report;
}

/// Reports and SDES, as every SRTCP packet begins (DIRECT_SESSIONS 7): the first own source tells what
/// was received, the others only what they sent.
rtcp::Compound Session::make_compound(Time now) {
  rtcp::Report first = make_report(streams_.front(), now);
  rtcp::Description description;
  for (auto& stream : streams_) {
    description.chunks.push_back({stream.ssrc, {{rtcp::item_cname, cname_}}});
    if (!stream.peer_ssrc || stream.received.received() == 0) continue;
    const bool heard = stream.last_sr != 0;
    first.blocks.push_back({.ssrc = *stream.peer_ssrc,
                            .report = stream.received.report(),
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

void Session::send_compound(const rtcp::Compound& compound) {
  auto& out = phases_[sending_phase_].out;
  Bytes bytes = rtcp::print(compound);
  if (!out || !out->protect_rtcp(bytes)) return;
  for (const auto& to : control_targets()) send(to, bytes);
}

void Session::send_control_packet(rtcp::Packet packet, Time now) {
  if (streams_.empty()) return;  // a session refused for want of media has no SSRC to speak with
  auto compound = make_compound(now);
  compound.push_back(std::move(packet));
  send_compound(compound);
}

void Session::start_reports(Time now) {
  report_timer_.set(now + jittered(rtcp_interval, 0.5, host_.random), [this](Time later) {
    send_compound(make_compound(later));
    start_reports(later);
  });
}

// --- control messages (DIRECT_SESSIONS 7) ---

void Session::send_reliably(Control control, Time now) {
  control.number = ++control_number_;
  pending_control_ = control;
  resend_control(0, now);
}

void Session::resend_control(std::size_t round, Time now) {
  if (!pending_control_) return;
  send_control_packet(print(*pending_control_, streams_.front().ssrc), now);
  if (round + 1 == control_times.size()) return;
  control_timer_.set(now + control_times[round + 1] - control_times[round],
                     [this, round](Time later) { resend_control(round + 1, later); });
}

void Session::send_ack(const Control& control, Time now) {
  const Control ack{.type = Control::Type::ack, .number = control.number, .reason = {}, .ephemeral = {}};
  send_control_packet(print(ack, streams_.front().ssrc), now);
}

void Session::on_ack(std::uint8_t number) {
  if (!pending_control_ || pending_control_->number != number) return;
  pending_control_.reset();
  control_timer_.cancel();
}

// --- path checks (DIRECT_SESSIONS 6) ---

void Session::start_checks(bool at_once, Time now) {
  expect_consent(now);
  if (at_once) {
    next_check(now);
  } else {
    check_timer_.set(now + jittered(check_interval, 0.2, host_.random),
                     [this](Time later) { next_check(later); });
  }
}

void Session::next_check(Time now) {
  for (const auto& to : control_targets()) send_check(to);
  check_timer_.set(now + jittered(check_interval, 0.2, host_.random),
                   [this](Time later) { next_check(later); });
}

void Session::expect_consent(Time now) {
  consent_timer_.set(now + consent_time, [this](Time later) { on_consent_lost(later); });
}

void Session::send_check(const Address& to) {
  stun::TransactionId transaction{};
  host_.random.fill(transaction);
  const auto request = stun::Writer(stun::Class::request, stun::binding, transaction)
                           .add(stun::attribute::username, as_bytes(to_hex(subject_.tag)))
                           .add_integrity(own_stun_key())
                           .add_fingerprint();
  path_.on_check_sent(transaction, to);
  send(to, request.bytes());
}

bool Session::on_response(const stun::Message& response, Time now) {
  const auto transaction = response.transaction();
  const auto checked = path_.find_check(transaction);
  if (!checked) return false;
  if (is_dead() || response.message_class() != stun::Class::success) return true;
  if (!response.has_good_integrity(own_stun_key())) return true;
  path_.forget_check(transaction);
  path_.validate(*checked);
  expect_consent(now);
  return true;
}

bool Session::on_check(const Address& from, const stun::Message& request, Time now) {
  if (!request.has_good_integrity(peer_stun_key())) return false;
  path_.on_received(from, request.bytes().size());
  if (is_dead()) return true;
  const auto response = stun::Writer(stun::Class::success, stun::binding, request.transaction())
                            .add_xor_mapped_address(from)
                            .add_integrity(peer_stun_key())
                            .add_fingerprint();
  host_.sink.send(from, response.bytes());
  on_peer_check(now);
  return true;
}

// --- the end ---

void Session::send_one_bye(Reason reason, Time now) {
  rtcp::Bye bye{.ssrcs = {}, .reason = std::to_string(static_cast<int>(reason))};
  for (const auto& stream : streams_) bye.ssrcs.push_back(stream.ssrc);
  send_control_packet(bye, now);
}

void Session::send_bye(std::size_t round, Reason reason, Time now) {
  send_one_bye(reason, now);
  if (round + 1 == bye_times.size()) return;
  bye_timer_.set(now + bye_times[round + 1] - bye_times[round],
                 [this, round, reason](Time later) { send_bye(round + 1, reason, later); });
}

void Session::leave(Reason reason, Time now) {
  if (is_dead()) return;
  send_bye(0, reason, now);
  bye_answered_ = true;
  end(reason, false, now);
}

void Session::end(Reason reason, bool by_peer, Time now, std::uint16_t retry_after) {
  if (is_dead()) return;
  state_ = State::dead;
  // A REJECT goes on until it is acknowledged; anything else has lost its meaning.
  if (pending_control_ && pending_control_->type != Control::Type::reject) pending_control_.reset();
  state_timer_.cancel();
  report_timer_.cancel();
  check_timer_.cancel();
  consent_timer_.cancel();
  on_end();
  forget_timer_.set(now + linger_, [this](Time) { host_.forget(subject_.call); });
  tell(Ended{subject_.call, reason, by_peer, retry_after}, now);
}

}  // namespace beckon::direct
