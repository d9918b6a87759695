#include "server/daemon/sip_ports.hpp"

#include "protocol/stun/message.hpp"

namespace beckon::server {
namespace {

/// Hands what one loop's transport receives to the shard of that loop.
class ShardReceiver final : public net::Receiver {
 public:
  ShardReceiver(const std::unique_ptr<Node>& node, unsigned number, trace::Recorder& recorder)
      : node_(node), number_(number), recorder_(recorder) {}
  void on_message(const transaction::Hop& from, sip::Message message) override {
    recorder_.received(from, message);
    node_->shard(number_).on_message(from, std::move(message));
  }
  bool takes_unread(const transaction::Hop& from, const SharedText& text) override {
    // Before the NOTIFY that it lets go.
    return node_->shard(number_).retire(*text, [&] { recorder_.received(from, text); });
  }
  void on_malformed(const transaction::Hop& from, ErrorCode error, std::string_view text) override {
    recorder_.malformed(from, error, text);
    node_->shard(number_).on_malformed(from, error, text);
  }
  void on_peer_verified(const transaction::Hop& flow, const std::vector<std::string>& names) override {
    node_->shard(number_).on_peer_verified(flow.flow, names);
  }
  void on_flow_closed(transaction::FlowId flow) override { node_->on_flow_closed(flow); }

 private:
  const std::unique_ptr<Node>& node_;
  unsigned number_;
  trace::Recorder& recorder_;
};

net::SipTransport::Options transport_options(const Config& config, const Certificates& certificates) {
  const ConnectionLimits& bounds = config.connections;
  net::SipTransport::Options options;
  options.advertise = config.advertise;
  options.tls_server = certificates.sip();
  options.tls_web = certificates.web();
  options.tls_client = certificates.dialled();
  options.limits = {.queue = std::size_t{1024} * bounds.queue_kib,
                    .idle = config.settings.idle_connection,
                    .handshake = bounds.handshake};
  options.message_time = bounds.message;
  options.websocket = {.message = std::size_t{1024} * bounds.websocket_message_kib,
                       .handshake = bounds.handshake,
                       .ping = bounds.websocket_ping,
                       .origins = bounds.websocket_origins};
  options.connections = bounds.total;
  options.connections_per_address = bounds.per_address;
  options.on_stun = answer_stun;
  options.trusted = [settings = config.settings](const IpAddress& source) { return settings.trusts(source); };
  return options;
}

}  // namespace

std::optional<Bytes> answer_stun(const Address& from, ByteView message) {
  return stun::make_binding_response(message, from, {});  // a name would make forged sources worth while
}

std::optional<Failure> open_sip_ports(const Config& config, const Certificates& certificates,
                                      const Seats& seats, const std::unique_ptr<Node>& node,
                                      std::vector<Listener>& bound) {
  std::vector<net::SipTransport*> transports;
  for (unsigned i = 0; i < seats.size(); ++i) {
    Seat& seat = *seats[i];
    seat.receiver = std::make_unique<ShardReceiver>(node, i, seat.recorder);
    seat.transport = std::make_unique<net::SipTransport>(seat.loop, transport_options(config, certificates),
                                                         *seat.receiver);
    seat.tap = std::make_unique<trace::Tap>(*seat.transport, seat.recorder);
    transports.push_back(seat.transport.get());
  }
  for (const Listener& listener : config.listening()) {
    if (!listener.protocol()) continue;
    const auto address = transports.front()->listen(*listener.protocol(), listener.address);
    if (!address) return cannot_listen(listener, address.error());
    bound.push_back({listener.kind, *address});
  }
  if (transports.size() == 1) return std::nullopt;
  const auto joined = net::SipTransport::connect_peers(transports);
  if (joined) return std::nullopt;
  return Failure{Exit::cannot_listen, "shards cannot share the listeners: " + joined.error().message()};
}

}  // namespace beckon::server
