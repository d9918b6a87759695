#include "media/direct/caller.hpp"

#include <algorithm>
#include <array>

namespace beckon::direct {
namespace {

constexpr std::array<Duration, 7> hello_times{0ms,   20ms,  60ms,  140ms,
                                              300ms, 620ms, 1260ms};  // DIRECT_SESSIONS 5
constexpr Duration early_burst = 100ms;  ///< Of the early rate, so that whole packets pass.
constexpr std::size_t state_size = 4;    ///< Octets of DIRECT-STATE.

/// Refusals after which an INVITE makes sense (10).
bool is_worth_invite(Reason reason) {
  return reason == Reason::media_not_supported || reason == Reason::extension_not_supported ||
         reason == Reason::overload;
}

}  // namespace

Caller::Caller(Host& host, const crypto::KeyPair& device, Setup setup, Time now)
    : Session(host, Role::caller, std::move(setup.subject), setup.ssrcs, {}, setup.hello.keys, now),
      device_(device),
      callee_key_(setup.callee_key),
      ephemeral_(setup.ephemeral),
      expects_auto_(setup.expects_auto),
      start_(now),
      hello_timer_(host.timers),
      fallback_timer_(host.timers),
      quiet_timer_(host.timers) {
  crypto::wipe(setup.ephemeral.secret);
  set_linger(keys_linger_time);
  for (const auto& candidate : setup.candidates) {
    Leg leg{.address = candidate.address, .request = {}, .transaction = {}};
    host.random.fill(leg.transaction);
    leg.request = stun::Writer(stun::Class::request, stun::binding, leg.transaction)
                      .add(stun::attribute::direct_hello, setup.hello.attribute)
                      .add_fingerprint()
                      .bytes();
    legs_.push_back(std::move(leg));
  }
}

Caller::~Caller() { crypto::wipe(ephemeral_.secret); }

void Caller::start(Time now) {
  announce();
  fallback_timer_.set(now + fallback_time,
                      [this](Time later) { want_fallback(FallbackWanted::Why::slow, Reason::none, later); });
  quiet_timer_.set(now + quiet_time, [this](Time) { quiet_ = true; });
  state_timer_.set(now + give_up_time, [this](Time later) { end(Reason::path_lost, false, later); });
  send_hellos(0, now);
}

void Caller::send_hellos(std::size_t round, Time now) {
  for (const auto& leg : legs_) {
    if (!leg.unreachable) send(leg.address, leg.request);
  }
  if (round + 1 == hello_times.size()) return;
  hello_timer_.set(now + hello_times[round + 1] - hello_times[round],
                   [this, round](Time later) { send_hellos(round + 1, later); });
}

void Caller::stop_hellos() {
  hello_timer_.cancel();
  fallback_timer_.cancel();
  quiet_timer_.cancel();
}

// --- what media may do ---

bool Caller::may_send(MediaKind kind) const {
  const auto line = find_line(kind);
  if (!line || !sends(subject().media[*line].dir)) return false;
  switch (state_) {
    case State::sent:
      return expects_auto_ && !quiet_;
    case State::answered:
      return expects_auto_;
    case State::active:
      return true;
    case State::ringing:
    case State::yielding:
    case State::dead:
      return false;
  }
  return false;
}

bool Caller::plays() const {
  // A callee answers before it sends, but its answer may be overtaken or lost.
  return state_ == State::active || (expects_auto_ && (state_ == State::sent || state_ == State::answered));
}

bool Caller::is_within_rate(MediaKind kind, std::uint64_t octets, Time now) const {
  if (reached_) return true;
  const std::uint64_t rate = kind == MediaKind::video ? early_video_rate : early_audio_rate;
  const auto time = static_cast<std::uint64_t>((now - start_ + early_burst).count());
  return octets * 8 * 1'000'000 <= rate * time;
}

std::optional<Address> Caller::media_target() const {
  if (const auto known = path_.media_target()) return known;
  const auto best = std::find_if(legs_.begin(), legs_.end(), [](const Leg& leg) { return !leg.unreachable; });
  if (best == legs_.end()) return std::nullopt;
  return best->address;
}

std::vector<Address> Caller::control_targets() const {
  if (path_.is_validated()) return path_.control_targets();
  std::vector<Address> out;
  for (const auto& leg : legs_) out.push_back(leg.address);
  return out;
}

// --- responses to the HELLO ---

bool Caller::on_response(const stun::Message& response, Time now) {
  const auto transaction = response.transaction();
  const auto leg = std::find_if(legs_.begin(), legs_.end(),
                                [&](const Leg& one) { return one.transaction == transaction; });
  if (leg == legs_.end()) return Session::on_response(response, now);
  if (response.message_class() == stun::Class::error) {
    const auto error = response.error_code();
    if (error) on_error(error->code, now);
    return true;
  }
  const auto state = response.find(stun::attribute::direct_state);
  if (!state || state->value.size() < state_size || !response.has_good_integrity(keys_.stun_c2s)) return true;
  on_state(*leg, state->value, now);
  return true;
}

/// Errors carry no integrity, so they are hints only: the session goes on waiting (5).
void Caller::on_error(int code, Time now) {
  if (state_ != State::sent) return;
  if (code == 438) want_fallback(FallbackWanted::Why::unknown_epoch, Reason::none, now);
  if (code == 400) want_fallback(FallbackWanted::Why::unknown_version, Reason::none, now);
}

void Caller::on_state(const Leg& leg, ByteView value, Time now) {
  enum : std::uint8_t { ringing = 1, answered = 2, rejected = 3 };
  const std::uint8_t said = value[0];
  if (is_dead()) {
    if (said == ringing || said == answered) on_late(now);
    return;
  }
  on_reached(leg.address, now);
  if (state_ != State::sent) return;
  if (said == ringing) enter_ringing(now);
  if (said == answered) enter_answered(now);
  if (said == rejected) on_refused(static_cast<Reason>(value[1]), read_u16(value.subspan(2)), now);
}

void Caller::on_reached(const Address& address, Time now) {
  if (reached_) return;
  reached_ = true;
  stop_hellos();
  quiet_ = false;
  path_.validate(address);
  start_checks(/*at_once=*/false, now);
}

void Caller::enter_ringing(Time now) {
  if (state_ == State::ringing) return;
  state_ = State::ringing;
  state_timer_.set(now + caller_ring_time, [this](Time later) { leave(Reason::no_answer, later); });
  report(Ringing{subject().call}, now);
}

void Caller::enter_answered(Time now) {
  state_ = State::answered;
  state_timer_.set(now + answer_time, [this](Time later) {
    want_fallback(FallbackWanted::Why::lost, Reason::none, later);
    leave(Reason::path_lost, later);
  });
  report(Answered{subject().call}, now);
}

void Caller::on_refused(Reason reason, std::uint16_t retry_after, Time now) {
  if (reason == Reason::glare_lost) return yield(now);
  if (is_worth_invite(reason)) want_fallback(FallbackWanted::Why::refused, reason, now);
  end(reason, /*by_peer=*/true, now, retry_after);
}

/// The endpoint ends this leg when the peer's HELLO comes.
void Caller::yield(Time now) {
  if (state_ == State::yielding) return;
  state_ = State::yielding;
  state_timer_.set(now + glare_time, [this](Time later) {
    want_fallback(FallbackWanted::Why::refused, Reason::glare_lost, later);
    end(Reason::glare_lost, /*by_peer=*/true, later);
  });
  if (host_.on_glare_lost(*this, now)) end(Reason::glare_lost, /*by_peer=*/true, now);
}

// --- control messages ---

void Caller::on_control(const Address& from, const Control& control, Time now) {
  if (control.type == Control::Type::ack) return on_ack(control.number);
  if (is_dead()) return on_late(now);
  on_reached(from, now);
  const bool is_open = state_ != State::active && state_ != State::yielding;
  if (control.type == Control::Type::answer && is_open) return on_answer(control, now);
  send_ack(control, now);
  if (!is_open) return;
  if (control.type == Control::Type::ringing) enter_ringing(now);
  if (control.type == Control::Type::reject) on_refused(control.reason, 0, now);
}

void Caller::on_answer(const Control& answer, Time now) {
  const auto keys =
      caller_phase1(keys_.forward, ephemeral_.secret, device_.secret, {ephemeral_.pub, answer.ephemeral});
  if (!keys) return leave(Reason::path_lost, now);
  crypto::wipe(ephemeral_.secret);
  open_phase1(*keys);
  send_in_phase1();
  set_linger(dead_time);
  const bool was_answered = state_ == State::answered;
  state_ = State::active;
  state_timer_.cancel();
  send_ack(answer, now);
  start_checks(/*at_once=*/true, now);
  start_reports(now);
  host_.on_won(*this, now);
  if (!was_answered) report(Answered{subject().call}, now);
  report(Active{subject().call}, now);
}

// --- the end ---

void Caller::on_peer_bye(Reason reason, Time now) {
  if (is_worth_invite(reason) && state_ != State::active)
    want_fallback(FallbackWanted::Why::refused, reason, now);
  end(reason, /*by_peer=*/true, now);
}

void Caller::on_consent_lost(Time now) {
  if (state_ == State::ringing) want_fallback(FallbackWanted::Why::lost, Reason::none, now);
  leave(Reason::path_lost, now);
}

/// The callee took up a call that has ended here: one BYE ends it there too (8, DEAD).
void Caller::on_late(Time now) {
  if (is_leaving() || std::exchange(late_answered_, true)) return;
  send_one_bye(Reason::answered_elsewhere, now);
}

void Caller::on_unreachable(const Address& to, Time now) {
  if (state_ != State::sent || reached_) return;
  for (auto& leg : legs_) leg.unreachable = leg.unreachable || leg.address == to;
  const bool all = std::all_of(legs_.begin(), legs_.end(), [](const Leg& leg) { return leg.unreachable; });
  if (all) want_fallback(FallbackWanted::Why::unreachable, Reason::none, now);
}

void Caller::want_fallback(FallbackWanted::Why why, Reason reason, Time now) {
  if (is_dead() || std::exchange(fallback_reported_, true)) return;
  fallback_timer_.cancel();
  report(FallbackWanted{subject().call, why, reason, subject().attempt, subject().tag, subject().epoch,
                        keys_.proof},
         now);
}

}  // namespace beckon::direct
