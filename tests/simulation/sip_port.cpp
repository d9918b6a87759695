#include "tests/simulation/sip_port.hpp"

#include <boost/system/errc.hpp>
#include <utility>

#include "protocol/stun/message.hpp"

namespace beckon::simulation {

using transaction::Hop;
using transaction::Protocol;

/// One connection, held by both ends.
struct SipPort::Stream {
  struct End {
    std::weak_ptr<SipPort*> port;
    Hop hop;              ///< As this end sees it.
    Time last_arrival{};  ///< Keeps the order of what comes to this end.
  };
  End ends[2];
  bool closed = false;
};

SipPort::SipPort(SipNetwork& network, const Address& address, Streams streams, Handlers handlers)
    : network_(network),
      address_(address),
      kind_(streams),
      handlers_(std::move(handlers)),
      self_(std::make_shared<SipPort*>(this)) {
  listening_ = network_.network_.listen(
      address_, [this](const Address& from, const std::string& datagram) { on_datagram(from, datagram); });
  if (kind_ != Streams::dials) network_.listening_[address_] = this;
}

SipPort::~SipPort() {
  self_.reset();
  cut_flows();
  if (kind_ != Streams::dials) network_.listening_.erase(address_);
}

void SipPort::cut_flows() {
  for (const auto& [id, stream] : std::exchange(streams_, {})) close(stream);
}

/// Each end is notified after the delay of the network, and not before it was notified of the opening.
void SipPort::close(const std::shared_ptr<Stream>& stream) {
  if (std::exchange(stream->closed, true)) return;
  for (const auto& end : stream->ends) {
    const auto port = end.port.lock();
    if (!port) continue;
    SipPort& owner = **port;
    owner.streams_.erase(end.hop.flow);
    owner.network_.network_.deliver_reliably(
        [weak = end.port, flow = end.hop.flow] {
          if (const auto living = weak.lock()) (*living)->handlers_.on_flow_closed(flow);
        },
        end.last_arrival);
  }
}

std::shared_ptr<SipPort::Stream> SipPort::find_or_dial(const Hop& hop) {
  if (hop.flow != 0) {
    const auto found = streams_.find(hop.flow);
    return found == streams_.end() ? nullptr : found->second;
  }
  for (const auto& [id, stream] : streams_) {
    for (const auto& end : stream->ends) {
      if (end.hop.flow == id && end.hop.remote == hop.remote) return stream;
    }
  }
  return dial(hop);
}

std::shared_ptr<SipPort::Stream> SipPort::dial(const Hop& hop) {
  const auto found = network_.listening_.find(hop.remote);
  if (kind_ == Streams::takes || found == network_.listening_.end()) return nullptr;
  SipPort& other = *found->second;
  const Address local{address_.ip, ++network_.last_port_};
  auto stream = std::make_shared<Stream>();
  stream->ends[0] = {self_, {hop.protocol, hop.remote, local, ++network_.last_flow_}};
  stream->ends[1] = {other.self_, {hop.protocol, local, hop.remote, ++network_.last_flow_}};
  streams_[stream->ends[0].hop.flow] = stream;
  other.streams_[stream->ends[1].hop.flow] = stream;
  for (auto& end : stream->ends) {
    end.last_arrival = network_.network_.deliver_reliably([weak = end.port, flow = end.hop] {
      if (const auto living = weak.lock()) (*living)->handlers_.on_flow_opened(flow);
    });
  }
  return stream;
}

void SipPort::tap(const Hop& hop, const SharedText& text) {
  if (!network_.tap_) return;
  if (const auto message = sip::Message::parse(text)) network_.tap_(address_, hop.remote, *message);
}

void SipPort::send(const Hop& hop, transaction::Outgoing outgoing, transaction::OnFailed failed) {
  const heap::Scope scope(heap::Owner::nobody);
  const SharedText message = outgoing.join();
  tap(hop, message);
  Network& network = network_.network_;
  if (hop.protocol == Protocol::udp) return network.send(address_, hop.remote, std::string(*message));
  const auto stream = find_or_dial(hop);
  network.world().note("stream " + print(address_) + ' ' + print(hop.remote), *message);
  if (!stream) {
    auto shared = std::make_shared<transaction::OnFailed>(std::move(failed));
    network.deliver_reliably([weak = std::weak_ptr(self_), shared] {
      if (weak.lock() && *shared)
        (*shared)(boost::system::errc::make_error_code(boost::system::errc::connection_refused));
    });
    return;
  }
  const int far = stream->ends[0].port.lock() == self_ ? 1 : 0;
  Time& last = stream->ends[far].last_arrival;
  last = network.deliver_reliably(
      [stream, far, message = std::move(message)] { arrive(stream, far, message); }, last);
}

void SipPort::arrive(const std::shared_ptr<Stream>& stream, int end, const SharedText& message) {
  const auto port = stream->ends[end].port.lock();
  if (!port || stream->closed) return;
  (*port)->network_.network_.world().note("arrives " + print(stream->ends[end].hop.remote), *message);
  (*port)->take(stream->ends[end].hop, message);
}

void SipPort::take(const Hop& from, const SharedText& text) {
  const auto message = sip::Message::parse(text);
  if (!message) return;
  if (network_.arrival_tap_) {
    const heap::Scope scope(heap::Owner::nobody);
    network_.arrival_tap_(address_, *message);
  }
  handlers_.on_message(from, *message);
}

void SipPort::on_datagram(const Address& from, const std::string& datagram) {
  if (stun::parse_message(as_bytes(datagram))) {
    const auto reply = handlers_.on_stun ? handlers_.on_stun(from, as_bytes(datagram)) : std::nullopt;
    if (reply) network_.network_.send(address_, from, std::string(as_text(*reply)));
    return;
  }
  take({Protocol::udp, from, address_, 0}, share(datagram));
}

}  // namespace beckon::simulation
