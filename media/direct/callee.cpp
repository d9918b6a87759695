#include "media/direct/callee.hpp"

namespace beckon::direct {
namespace {

std::vector<std::uint32_t> ssrcs_of(const HelloBody& body) {
  std::vector<std::uint32_t> out;
  for (const auto& line : body.media) out.push_back(line.ssrc);
  return out;
}

}  // namespace

Callee::Callee(Host& host, Setup setup, const Arrival& arrival, Time now)
    : Session(host, Role::callee, std::move(setup.subject), setup.ssrcs, ssrcs_of(setup.hello.body),
              setup.hello.keys, now),
      caller_key_(setup.hello.caller_key),
      caller_ephemeral_(setup.hello.body.ephemeral),
      silence_timer_(host.timers) {
  path_.add_source(arrival.from, arrival.octets);
}

// --- the HELLO's answer ---

void Callee::respond(const Arrival& arrival) {
  Bytes state{static_cast<std::uint8_t>(said_), static_cast<std::uint8_t>(refusal_)};
  append_u16(state, retry_after_);
  const auto response = stun::Writer(stun::Class::success, stun::binding, arrival.transaction)
                            .add_xor_mapped_address(arrival.from)
                            .add(stun::attribute::direct_state, state)
                            .add_integrity(keys_.stun_c2s)
                            .add_fingerprint();
  send(arrival.from, response.bytes());
}

void Callee::ring(const Arrival& arrival, Time now) {
  state_ = State::ringing;
  respond(arrival);
  send_reliably({.type = Control::Type::ringing, .number = 0, .reason = {}, .ephemeral = {}}, now);
  state_timer_.set(now + callee_ring_time, [this](Time later) { reject(Reason::no_answer, later); });
  expect_checks(now);
}

void Callee::answer_at_once(const Arrival& arrival, bool early, Time now) {
  early_ = early;
  said_ = Said::answered;
  respond(arrival);
  answer(now);
}

void Callee::refuse(Reason reason, std::uint16_t retry_after, const Arrival& arrival, Time now) {
  said_ = Said::rejected;
  refusal_ = reason;
  retry_after_ = retry_after;
  respond(arrival);
  set_linger(refused_time);
  end(reason, /*by_peer=*/false, now, retry_after);
}

void Callee::introduce(const Incoming& incoming, Time now) {
  if (is_dead()) return;
  announce();
  verified_ = incoming.verified;
  const bool answered = state_ == State::answered;
  report(incoming, now);
  if (answered) report(Answered{subject().call}, now);
}

void Callee::on_hello_again(const Arrival& arrival, Time now) {
  if (is_dead() && said_ != Said::rejected) return;
  if (!responses_.take(now)) return;
  path_.add_source(arrival.from, arrival.octets);
  respond(arrival);
}

// --- the user's decision ---

bool Callee::accept(Time now) {
  if (state_ != State::ringing) return false;
  said_ = Said::answered;
  silence_timer_.cancel();
  answer(now);
  report(Answered{subject().call}, now);
  return true;
}

void Callee::answer(Time now) {
  auto ephemeral = crypto::make_x25519(host_.random);
  const auto keys =
      callee_phase1(keys_.forward, ephemeral.secret, caller_key_, {caller_ephemeral_, ephemeral.pub});
  crypto::wipe(ephemeral.secret);
  if (!keys) return end(Reason::path_lost, /*by_peer=*/false, now);
  state_ = State::answered;
  open_phase1(*keys);
  send_reliably({.type = Control::Type::answer, .number = 0, .reason = {}, .ephemeral = ephemeral.pub}, now);
  start_checks(/*at_once=*/true, now);
  start_reports(now);
  state_timer_.set(now + phase1_time, [this](Time later) { leave(Reason::path_lost, later); });
}

bool Callee::reject(Reason reason, Time now) {
  if (state_ != State::ringing) return false;
  said_ = Said::rejected;
  refusal_ = reason;
  send_reliably({.type = Control::Type::reject, .number = 0, .reason = reason, .ephemeral = {}}, now);
  end(reason, /*by_peer=*/false, now);
  return true;
}

void Callee::revoke(Time now) {
  if (!reject(Reason::revoked, now)) leave(Reason::revoked, now);
}

void Callee::hang_up(Reason reason, Time now) {
  if (!reject(reason == Reason::normal ? Reason::declined : reason, now)) leave(reason, now);
}

// --- what the caller does ---

bool Callee::may_send(MediaKind kind) const {
  const auto line = find_line(kind);
  return line && sends(subject().media[*line].dir) && (early_ ? plays() : state_ == State::active);
}

void Callee::on_control(const Address&, const Control& control, Time) {
  if (control.type == Control::Type::ack) on_ack(control.number);
}

void Callee::on_first_phase1(const Address& from, Time now) {
  path_.validate(from);
  if (state_ != State::answered) return;
  state_ = State::active;
  state_timer_.cancel();
  send_in_phase1();
  send_check(from);
  report(Active{subject().call}, now);
}

void Callee::on_peer_check(Time now) {
  if (state_ == State::ringing) expect_checks(now);
}

void Callee::expect_checks(Time now) {
  silence_timer_.set(now + ring_silence_time,
                     [this](Time later) { end(Reason::path_lost, /*by_peer=*/true, later); });
}

}  // namespace beckon::direct
