#include "media/direct/session.hpp"

#include <algorithm>
#include <cassert>

#include "media/session/demultiplexer.hpp"
#include "protocol/base/text.hpp"

namespace beckon::direct {
namespace {

constexpr std::array<Duration, 6> control_times{0ms,   100ms, 200ms,
                                                400ms, 800ms, 1600ms};  // DIRECT_SESSIONS 7
constexpr std::array<Duration, 3> bye_times{0ms, 100ms, 300ms};
constexpr std::size_t srtp_overhead = 16 + 4;  ///< Octets of tag and MKI that protection adds.
constexpr std::size_t srtp_minimum = rtp::fixed_header_size + srtp_overhead;

/// `time`, longer or shorter by up to `part` of it.
Duration jittered(Duration time, double part, Random& random) {
  const double factor = 1 - part + 2 * part * random.unit();
  return Duration(static_cast<Duration::rep>(static_cast<double>(time.count()) * factor));
}

/// The lines as the RTP session needs them: the caller's SSRCs are own ones of the caller, and the peer's of
/// the callee.
std::vector<session::Line> make_lines(const std::vector<MediaLine>& media, Session::Role role,
                                      const std::vector<std::uint32_t>& caller_ssrcs) {
  assert(media.size() == caller_ssrcs.size());
  std::vector<session::Line> out;
  for (std::size_t i = 0; i < media.size(); ++i) {
    session::Line line{.payload_type = media[i].payload_type,
                       .clock_rate = media[i].clock_rate,
                       .receives = receives(media[i].dir)};
    (role == Session::Role::caller ? line.ssrc : line.peer_ssrc) = caller_ssrcs[i];
    out.push_back(line);
  }
  return out;
}

Reason read_reason(std::string_view text) {
  const auto number = parse_number<std::uint8_t>(text);
  return number ? static_cast<Reason>(*number) : Reason::normal;
}

}  // namespace

Session::Session(Host& host, Role role, Subject subject, const std::vector<std::uint32_t>& caller_ssrcs,
                 std::vector<std::uint32_t> peer_ssrcs, HelloKeys keys, Time now)
    : host_(host),
      keys_(std::move(keys)),
      state_timer_(host.timers),
      role_(role),
      subject_(std::move(subject)),
      peer_ssrcs_(std::move(peer_ssrcs)),
      rtp_(make_lines(subject_.media, role, caller_ssrcs), *this, host.random, host.timers, now),
      control_timer_(host.timers),
      check_timer_(host.timers),
      consent_timer_(host.timers),
      bye_timer_(host.timers),
      keys_timer_(host.timers),
      forget_timer_(host.timers) {
  phases_[0] = make_phase(0, keys_.phase0);
  keys_.phase0 = {};
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

std::optional<std::size_t> Session::find_line(MediaKind kind) const {
  const auto& media = subject_.media;
  const auto found = std::ranges::find(media, kind, &MediaLine::kind);
  if (found == media.end()) return std::nullopt;
  return static_cast<std::size_t>(found - media.begin());
}

// --- receiving ---

/// A caller learns one source for each line.
bool Session::is_source(std::uint32_t ssrc) const {
  const bool learns = role_ == Role::caller && peer_ssrcs_.size() < subject_.media.size();
  return learns || std::ranges::find(peer_ssrcs_, ssrc) != peer_ssrcs_.end();
}

bool Session::on_secure(const Address& from, ByteView datagram, Time now) {
  if (datagram.size() < srtp_minimum) return false;
  const std::uint8_t phase = datagram.back();
  if (phase >= phases_.size() || !phases_[phase].in) return false;
  const bool control = session::classify(datagram) == session::Kind::rtcp;
  const std::uint32_t ssrc = read_u32(datagram.subspan(control ? 4 : 8));
  if (!is_source(ssrc)) return false;
  // Handlers may call back into the session: the scratch buffer is taken meanwhile and given back for its
  // memory.
  Bytes packet = std::move(host_.scratch);
  packet.assign(datagram.begin(), datagram.end());
  auto& in = *phases_[phase].in;
  const bool good = (control ? in.unprotect_rtcp(packet) : in.unprotect_rtp(packet)).has_value();
  if (good) {
    if (std::ranges::find(peer_ssrcs_, ssrc) == peer_ssrcs_.end()) peer_ssrcs_.push_back(ssrc);
    path_.on_received(from, datagram.size());
    on_authentic(from, phase, now);
    control ? on_control_packets(from, packet, now) : on_media(from, packet, now);
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

void Session::on_media(const Address& from, ByteView packet, Time now) {
  const auto received = rtp_.receive_rtp(packet, plays(), now);
  if (!received) return;
  if (received->newest && !is_dead() && path_.on_moved(from, packet.size(), now)) send_check(from);
  if (plays()) host_.sink.on_media(subject_.call, subject_.media[received->line].kind, received->packet, now);
}

void Session::on_control_packets(const Address& from, ByteView bytes, Time now) {
  for (const auto& packet : rtp_.receive_rtcp(bytes, now)) {
    if (const auto* bye = std::get_if<rtcp::Bye>(&packet)) on_bye(*bye, now);
    const auto* app = std::get_if<rtcp::App>(&packet);
    const auto control = app != nullptr ? parse_control(*app) : std::nullopt;
    if (control) on_control(from, *control, now);
  }
}

void Session::on_bye(const rtcp::Bye& bye, Time now) {
  // One BYE is answered. An own BYE that was sent before counts as the answer (DIRECT_SESSIONS 7).
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
  const auto line = find_line(kind);
  if (!line || !may_send(kind)) return false;
  if (!is_within_rate(kind, rtp_.octets_sent(*line) + payload.size(), now)) return false;
  // Phase 0 is the first phase, so all that was sent counts against its limit.
  if (sending_phase_ == 0 && rtp_.packets_sent(*line) >= phase0_packets_max) return false;
  return rtp_.send(*line, payload, timestamp, marker, now);
}

bool Session::send_rtp(Bytes& packet, Time) {
  const auto to = media_target();
  auto& out = phases_[sending_phase_].out;
  if (!to || !out) return false;
  if (is_guarded() && !path_.take_allowance(*to, packet.size() + srtp_overhead)) return false;
  if (!out->protect_rtp(packet)) return false;
  host_.sink.send(*to, packet);
  return true;
}

void Session::send_rtcp(Bytes& packet, Time) {
  auto& out = phases_[sending_phase_].out;
  if (!out || !out->protect_rtcp(packet)) return;
  for (const auto& to : control_targets()) send(to, packet);
}

// --- control messages (DIRECT_SESSIONS 7) ---

void Session::send_reliably(Control control, Time now) {
  control.number = ++control_number_;
  pending_control_ = control;
  resend_control(0, now);
}

void Session::resend_control(std::size_t round, Time now) {
  if (!pending_control_ || rtp_.size() == 0) return;
  rtp_.send_rtcp(print(*pending_control_, rtp_.ssrc(0)), now);
  if (round + 1 == control_times.size()) return;
  control_timer_.set(now + control_times[round + 1] - control_times[round],
                     [this, round](Time later) { resend_control(round + 1, later); });
}

void Session::send_ack(const Control& control, Time now) {
  if (rtp_.size() == 0) return;
  const Control ack{.type = Control::Type::ack, .number = control.number, .reason = {}, .ephemeral = {}};
  rtp_.send_rtcp(print(ack, rtp_.ssrc(0)), now);
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
  checked_ = true;
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
  rtp_.send_rtcp(rtp_.make_bye(std::to_string(static_cast<int>(reason))), now);
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
  // A REJECT is repeated until it is acknowledged; any other message has lost its meaning.
  if (pending_control_ && pending_control_->type != Control::Type::reject) pending_control_.reset();
  state_timer_.cancel();
  rtp_.stop_reports();
  check_timer_.cancel();
  consent_timer_.cancel();
  on_end();
  forget_timer_.set(now + linger_, [this](Time) { host_.forget(subject_.call); });
  report(Ended{subject_.call, reason, by_peer, retry_after}, now);
}

}  // namespace beckon::direct
