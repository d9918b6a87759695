#include "client/invite/transport.hpp"

#include <utility>

#include "media/session/demultiplexer.hpp"

namespace beckon::client::invite {
namespace {

std::vector<dtls::Fingerprint> to_dtls(const std::vector<sdp::Fingerprint>& list) {
  std::vector<dtls::Fingerprint> out;
  for (const auto& each : list) out.push_back({each.hash, each.digest});
  return out;
}

}  // namespace

Transport::Transport(const dtls::Identity& identity, Random& random, TimerQueue& timers, Clock& clock,
                     Handlers handlers)
    : clock_(clock),
      handlers_(std::move(handlers)),
      lite_(ice::make_credentials(random)),
      association_(identity, [this](const Address& to, ByteView datagram) { port_->send(to, datagram); }),
      timer_(timers),
      fingerprint_(identity.fingerprint()) {}

Transport::~Transport() = default;

Result<void> Transport::open(Ports& ports, const IpAddress& ip) {
  auto port = ports.open(ip, [this](const Address& from, ByteView datagram) { on_datagram(from, datagram); });
  if (!port) return port.error();
  port_ = std::move(*port);
  return {};
}

void Transport::describe(sdp::Audio& audio, Random& random, bool offered) const {
  audio.local = port_->local();
  audio.dtls = sdp::Audio::Dtls{{fingerprint_.hash, fingerprint_.digest}, random.token(16), offered};
  audio.ice = sdp::Audio::Ice{lite_.own().ufrag, lite_.own().password};
}

void Transport::agree(const sdp::Agreement& agreement) {
  const Time now = clock_.now().mono;
  has_ice_ = agreement.ice && !agreement.peer_is_lite;
  has_dtls_ = agreement.dtls.has_value();
  lite_.set_peer(has_ice_ ? agreement.ice->ufrag : std::string());
  const auto& remote = has_ice_ ? lite_.remote() : agreement.remote;
  if (!has_dtls_) return settle(false);
  if (remote) association_.set_remote(*remote, has_ice_, now);
  const auto role = agreement.dtls->is_client ? dtls::Role::client : dtls::Role::server;
  association_.agree({role, to_dtls(agreement.dtls->fingerprints), agreement.dtls->id}, now);
  reported_ = association_.state();  // the caller looks at it next
  settle(false);
}

void Transport::complete(stream::LegPlan& plan) const {
  if (has_ice_) plan.remote = plan.remote_rtcp = lite_.remote();
  if (!has_dtls_) return;
  plan.waits_for_keys = !association_.keys();
  if (plan.waits_for_keys) return;
  const dtls::Keys& keys = *association_.keys();
  plan.local_key = stream::LegPlan::Key{keys.profile, keys.local, {}};
  plan.remote_key = stream::LegPlan::Key{keys.profile, keys.remote, {}};
}

void Transport::close() {
  if (has_dtls_) association_.close();
  timer_.cancel();
  has_dtls_ = has_ice_ = listens_ = false;
}

void Transport::on_datagram(const Address& from, ByteView datagram) {
  switch (session::classify(datagram)) {
    case session::Kind::stun:
      if (has_ice_ || listens_) on_check(from, datagram);
      return;
    case session::Kind::dtls:
      if (!has_dtls_ && !listens_) return;
      if (has_ice_ && !lite_.has_checked(from)) return;
      association_.on_datagram(from, datagram, clock_.now().mono);
      return settle(false);
    default:
      handlers_.on_media(from, datagram);
  }
}

void Transport::on_check(const Address& from, ByteView datagram) {
  const auto outcome = lite_.on_datagram(from, datagram);
  if (outcome.answer) port_->send(from, *outcome.answer);
  if (!outcome.nominated || !has_ice_) return;
  association_.set_remote(from, true, clock_.now().mono);
  settle(true);
}

void Transport::settle(bool changed) {
  if (const auto due = association_.deadline()) {
    timer_.set(*due, [this](Time now) {
      association_.on_deadline(now);
      settle(false);
    });
  } else {
    timer_.cancel();
  }
  changed |= std::exchange(reported_, association_.state()) != association_.state();
  if (changed) handlers_.on_change();  // may destroy nothing: calls end later
}

}  // namespace beckon::client::invite
