#include "client/account/keep_alive.hpp"

#include <algorithm>

#include "protocol/base/log.hpp"

namespace beckon::client::account {
namespace {

/// Randomised, so that clients that started together spread out: "between 24 and 29 seconds" (RFC
/// 5626 4.4.2), and at least 80 % of the server's time (4.4).
Duration pause(Duration longest, Random& random) {
  const Duration shortest = longest * 5 / 6;
  return shortest + Duration(static_cast<Duration::rep>(random.unit() *
                                                        static_cast<double>((longest - shortest).count())));
}

}  // namespace

KeepAlive::KeepAlive(Context& context, Handlers handlers)
    : context_(context), handlers_(std::move(handlers)), timer_(context.timers) {}

void KeepAlive::on_registered(const sip::Message& success, Now now) {
  // "A SIP node MUST NOT send STUN requests over a flow unless it has an explicit indication that the target
  // next-hop SIP server claims to support this specification" (RFC 5626 8).
  if (!success.lists(sip::HeaderId::require, "outbound")) return stop();
  const auto to = context_.hop();
  const bool is_udp = to.protocol == transaction::Protocol::udp;
  longest_ = context_.keep_alive.value_or(is_udp ? longest_udp : longest_stream);
  if (const auto timer = success.number(sip::HeaderId::flow_timer); timer && *timer > 0)
    longest_ = std::min<Duration>(longest_, std::chrono::seconds(*timer));
  if (to_ == to) return;
  stop();
  if (to.flow != 0) {
    if (handlers_.ping_stream) handlers_.ping_stream(to.flow, longest_);
  } else if (is_udp) {
    keep(to, now.mono);
  }
}

void KeepAlive::stop() {
  timer_.cancel();
  to_.reset();
  mapped_.reset();
  asked_.reset();
}

void KeepAlive::keep(const transaction::Hop& to, Time from) {
  to_ = to;
  asked_.reset();
  timer_.set(from + pause(longest_, context_.random),
             [this](Time at) { ask({at, context_.clock.now().wall}); });
}

void KeepAlive::ask(Now now) {
  context_.random.fill(asked_.emplace());
  asked_at_ = now.mono;
  sent_ = 0;
  repeat(now);
}

void KeepAlive::repeat(Now now) {
  if (sent_ == requests) return fail("keep-alives are not answered", now);
  const auto request = stun::Writer(stun::Class::request, stun::binding, *asked_).bytes();
  const auto unreachable = [this, alive = life_.watch(), id = *asked_](ErrorCode error) {
    if (!alive.expired() && asked_ == id) fail(error.message(), context_.clock.now());
  };
  context_.transport.send(*to_, share(as_text(request)), unreachable);
  const int wait = ++sent_ == requests ? last_wait_in_rto : 1 << (sent_ - 1);
  timer_.set(now.mono + rto * wait, [this](Time at) { repeat({at, context_.clock.now().wall}); });
}

void KeepAlive::on_datagram(const Address& from, ByteView datagram, Now now) {
  if (!asked_ || from != to_->remote) return;
  const auto message = stun::parse_message(datagram);
  if (!message || message->method() != stun::binding || message->transaction() != *asked_) return;
  on_answer(*message, now);
}

void KeepAlive::on_answer(const stun::Message& answer, Now now) {
  if (answer.message_class() == stun::Class::error) return fail("keep-alives are refused", now);
  if (answer.message_class() != stun::Class::success) return;
  const auto mapped = answer.xor_mapped_address();
  // "If the XOR-MAPPED-ADDRESS in the STUN Binding Response changes, the UA MUST treat this event as a
  // failure on the flow."
  if (mapped && mapped_ && *mapped != *mapped_)
    return fail("the mapped address behind the NAT has changed", now);
  if (mapped) mapped_ = mapped;
  keep(*to_, asked_at_);
}

void KeepAlive::fail(std::string_view why, Now now) {
  log::info("account", "{}: {}", print(to_->remote), why);
  stop();
  if (handlers_.on_failed) handlers_.on_failed(why, now);
}

}  // namespace beckon::client::account
