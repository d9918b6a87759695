#include "media/stream/leg.hpp"

#include <algorithm>
#include <utility>

#include "media/session/demultiplexer.hpp"
#include "protocol/base/log.hpp"

namespace beckon::stream {
namespace {

constexpr unsigned ticks_per_second = 50;

srtp::Keying keying(const LegPlan::Key& key) { return {key.profile, key.key, key.mki}; }

}  // namespace

session::Line Leg::line() const {
  return {.payload_type = plan_.codec.payload_type,
          .clock_rate = plan_.codec.clock_rate,
          .receives = plan_.receives,
          .received_type = plan_.received_type,
          .received_events = plan_.received_events,
          .follows_source = true};
}

Result<void> Leg::apply(LegPlan plan, const Files& files, Time now) {
  const bool same_codec = pump_ && plan_.codec.name == plan.codec.name;
  if (!pump_) {
    Files opened = files;
    auto pump = make_pump_anyway(plan.codec, opened, began_);
    if (!pump) return pump.error();
    pump_.emplace(std::move(*pump));
    record_ = opened.record;
  } else if (!same_codec) {
    auto coders = make_coders(plan.codec);
    if (!coders) return coders.error();
    pump_->change_codec(std::move(coders->first), std::move(coders->second));
  }
  // A key that stays keeps its counters: a packet index may not be used twice (RFC 3711 9.1).
  if (plan.local_key != plan_.local_key || !session_) {
    protector_.reset();
    if (plan.local_key) protector_.emplace(keying(*plan.local_key));
  }
  if (plan.remote_key != plan_.remote_key || !session_) {
    unprotector_.reset();
    if (plan.remote_key) unprotector_.emplace(keying(*plan.remote_key));
  }
  if (plan.remote != plan_.remote) source_.reset();
  plan_ = std::move(plan);
  if (session_) {
    session_->change(0, line());
    return {};
  }
  session::MediaPath& path = *this;
  session_.emplace(std::vector{line()}, path, random_, timers_, began_);
  session_->start_reports(now);
  sending_.next = now;
  on_tick(now);
  return {};
}

// --- what arrives

bool Leg::accepts(const Address& from) const {
  return unprotector_ || from == plan_.remote || !source_ || from == *source_;
}

bool Leg::open(Bytes& packet, bool is_rtcp) {
  if (!unprotector_) return true;
  return is_rtcp ? unprotector_->unprotect_rtcp(packet).has_value()
                 : unprotector_->unprotect_rtp(packet).has_value();
}

void Leg::on_datagram(const Address& from, ByteView datagram, Time now) {
  if (!session_ || finished_ || plan_.waits_for_keys) return;
  const auto kind = session::classify(datagram);
  const bool is_rtcp = kind == session::Kind::rtcp;
  if (kind != session::Kind::rtp && !is_rtcp) return;
  scratch_.assign(datagram.begin(), datagram.end());
  if (!open(scratch_, is_rtcp)) return;
  if (is_rtcp) return (void)session_->receive_rtcp(scratch_, now);
  if (accepts(from)) receive_rtp(from, now);
}

void Leg::receive_rtp(const Address& from, Time now) {
  const auto received = session_->receive_rtp(scratch_, true, now);
  if (!received) return;
  if (received->newest) source_ = from;
  const auto& header = received->packet.header;
  const bool is_first = session_->statistics().packets_received == 1;
  if (header.payload_type == plan_.received_events) {
    const auto digit = events_.receive(received->packet.payload, header.timestamp);
    if (digit) handlers_.on_digit(*digit);
  } else {
    pump_->receive(received->packet, now);
    if (const auto begins = pump_->begins(); begins && !playing_) {
      playing_ = Beat{*begins};
      set_timer();
    }
  }
  if (!is_first) return;
  const auto statistics = session_->statistics();
  handlers_.on_first_media(User::Direction::received, *statistics.first_received - statistics.began);
}

// --- what leaves

bool Leg::send_rtp(Bytes& packet, Time) {
  const auto& to = source_ ? source_ : plan_.remote;
  if (!to || plan_.waits_for_keys || (protector_ && !protector_->protect_rtp(packet))) return false;
  port_.send(*to, packet);
  return true;
}

void Leg::send_rtcp(Bytes& packet, Time) {
  const bool multiplexed = plan_.remote_rtcp == plan_.remote;
  const auto& to = multiplexed && source_ ? source_ : plan_.remote_rtcp;
  if (!to || plan_.waits_for_keys || (protector_ && !protector_->protect_rtcp(packet))) return;
  port_.send(*to, packet);
}

bool Leg::send_digits(std::string_view digits) {
  return plan_.events && plan_.sends && session_ && !finished_ && digits_.push(digits);
}

/// What is played is in step with what arrives, what is sent with the beginning of the call.
void Leg::on_tick(Time now) {
  while (!finished_ && playing_) {
    const auto turn = playing_->take(now);
    if (!turn) break;
    pump_->play(*turn);
  }
  while (!finished_ && sending_.take(now)) send_frame(now);
  if (!finished_) set_timer();
}

void Leg::set_timer() {
  timer_.set(playing_ ? std::min(sending_.next, playing_->next) : sending_.next,
             [this](Time when) { on_tick(when); });
}

void Leg::send_frame(Time now) {
  const bool may_send = plan_.sends && (source_ || plan_.remote);
  const bool is_event = may_send && plan_.events && !digits_.is_idle();
  const std::uint32_t timestamp = pump_->timestamp();
  const auto frame = pump_->send(may_send && !is_event);
  bool sent = false;
  if (is_event) {
    const auto packet = digits_.next(timestamp, plan_.events->clock_rate / ticks_per_second);
    if (!packet) return;
    Bytes payload;
    rtp::append(payload, packet->event);
    sent = session_->send(0, payload, packet->timestamp, packet->marker, now, plan_.events->payload_type);
  } else if (frame) {
    sent = session_->send(0, frame->payload, frame->timestamp, frame->marker, now);
  }
  if (!sent) return;
  const auto statistics = session_->statistics();
  pump_->adapt(statistics);
  if (statistics.packets_sent > 1) return;
  handlers_.on_first_media(User::Direction::sent, *statistics.first_sent - statistics.began);
}

std::optional<CallStatistics> Leg::statistics() const {
  if (!session_) return std::nullopt;
  return make_statistics(session_->statistics(), *pump_, record_);
}

void Leg::finish(Time now) {
  if (std::exchange(finished_, true) || !session_) return;
  timer_.cancel();
  session_->send_rtcp(session_->make_bye(""), now);
  session_->stop_reports();
  close_recording(*pump_, record_);
}

}  // namespace beckon::stream
