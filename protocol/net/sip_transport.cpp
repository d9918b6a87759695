#include "protocol/net/sip_transport.hpp"

#include <algorithm>
#include <atomic>
#include <map>
#include <unordered_map>
#include <unordered_set>

#include "protocol/base/log.hpp"
#include "protocol/base/text.hpp"
#include "protocol/net/flow.hpp"
#include "protocol/net/source_address.hpp"
#include "protocol/net/udp_socket.hpp"

namespace beckon::net {
namespace {

constexpr std::size_t largest_datagram = 65507;  // octets; what IPv4 leaves
constexpr std::size_t waiting_for_dial = 1000;   // messages for one connection that is being made
constexpr std::size_t stun_header = 20;          // octets; RFC 8489 5
constexpr int loop_shift = 56;                   // a FlowId's top octet is its loop's number

FlowId make_flow_id(std::uint8_t loop) {
  static std::atomic<std::uint64_t> last{0};
  return std::uint64_t{loop} << loop_shift | ++last;
}
std::uint8_t loop_of(FlowId flow) { return static_cast<std::uint8_t>(flow >> loop_shift); }

bool is_stun(std::string_view octets) {
  return octets.size() >= stun_header && static_cast<unsigned char>(octets.front()) <= 3;
}

// What follows leading line ends (RFC 3261 7.5) when a start line can begin there. Empty for keep-alives
// (RFC 5626 4.4.1, four zero octets of old clients) and junk.
std::string_view sip_part(std::string_view octets) {
  const auto begin = octets.find_first_not_of("\r\n");
  if (begin == std::string_view::npos || !is_alpha(octets[begin])) return {};
  return octets.substr(begin);
}

std::string print_host_port(const std::string& host, std::uint16_t port) {
  if (const auto ip = parse_ip(host)) return print(Address{*ip, port});
  return host + ":" + std::to_string(port);
}

// Stands in when the transport is gone and a posted call still arrives.
class NoReceiver final : public Receiver {
  void on_message(const Hop&, sip::Message) override {}
  void on_malformed(const Hop&, ErrorCode, std::string_view) override {}
};

}  // namespace

struct SipTransport::Impl : std::enable_shared_from_this<Impl> {
  using Outgoing = transaction::Outgoing;
  using Failed = transaction::OnFailed;
  using Dialled = Callback<void(Result<Hop>), 64>;
  /// The far end of a connection. Over TLS the name belongs to it: a certificate for one name proves nothing
  /// about another one at the same address (RFC 5922 7.1).
  struct Remote {
    explicit Remote(const Hop& hop)
        : protocol(hop.protocol),
          address(hop.remote),
          name(transaction::is_secure(hop.protocol) ? hop.name : std::string()) {}
    Protocol protocol;
    Address address;
    std::string name;
    auto operator<=>(const Remote&) const = default;
  };
  /// The name that its certificate must be for.
  static std::string name_of(const Remote& to) { return to.name.empty() ? print(to.address.ip) : to.name; }
  struct Listener {
    Protocol protocol;
    Address address;
  };
  struct Peer {
    Loop* loop;
    std::weak_ptr<Impl> impl;
  };

  Impl(Loop& owner, Options chosen, Receiver& told)
      : loop(owner), options(std::move(chosen)), receiver(&told) {}

  // ---- listening
  Result<Address> listen_udp(const Address& address, UdpSocket::Sharing sharing);
  Result<Address> listen_stream(Protocol protocol, const Address& address);
  Acceptor::OnChannel on_channel(Protocol protocol);
  void open_websocket(Protocol protocol, const ChannelPtr& channel);
  void on_datagram(UdpSocket& socket, const Address& from, const Address& to, std::string_view octets);

  // ---- flows
  Hop add_flow(Protocol protocol, ChannelPtr channel);
  Hop add_dialled(const Remote& to, ChannelPtr channel, std::shared_ptr<void> place);
  Hop add_flow(const std::shared_ptr<Flow>& flow);
  void on_flow_closed(const Hop& hop);
  void with_flow(const Remote& to, Dialled done);
  bool may_dial(const Address& to) const;
  std::shared_ptr<void> take_place(const IpAddress& to);
  void dial_flow(const Remote& to, Dialled done);
  void on_dialled(const Remote& to, Result<ChannelPtr> channel, std::shared_ptr<void> place);
  void note_alias(const Hop& from, const sip::Message& message);
  std::shared_ptr<Flow> find_alias(const Remote& to) const;
  std::shared_ptr<Flow> find(FlowId flow) const;

  // ---- sending
  void send(const Hop& hop, Outgoing message, Failed failed);
  void send_on_flow(FlowId flow, Outgoing message, Failed failed);
  void send_to_peer(FlowId flow, Outgoing message, Failed failed);
  void send_datagram(const Hop& hop, Outgoing message, Failed failed);
  void send_stream(const Hop& hop, Outgoing message, Failed failed);
  void fail_later(Failed failed, ErrorCode error);
  UdpSocket* find_socket(const Hop& hop);
  void share_error(const Address& local, const Address& to, ErrorCode error);

  // ---- our own address
  const Listener* find_listener(const Hop& hop) const;
  std::string sent_by(const Hop& hop) const;

  void shut();

  Loop& loop;
  Options options;
  Receiver* receiver;
  std::vector<Listener> listeners;
  std::vector<std::unique_ptr<UdpSocket>> sockets;
  std::vector<std::pair<Protocol, std::unique_ptr<Acceptor>>> acceptors;
  std::unordered_map<FlowId, std::shared_ptr<Flow>> flows;
  std::unordered_set<ChannelPtr> shaking_hands;  ///< Will be WebSockets.
  std::map<Remote, FlowId> by_remote;            ///< Flows a message to that address may use.
  std::map<Address, FlowId> by_alias;            ///< TLS; where a peer asked for it (RFC 5923).
  std::unordered_map<FlowId, Address> alias_of;  ///< The other way round.
  std::map<Remote, std::vector<Dialled>> dialling;
  std::size_t places_taken = 0;                 ///< Flows of ours, and what becomes one...
  std::map<IpAddress, std::size_t> dialled_to;  ///< ...by their address (`counted_as`).
  std::map<std::uint8_t, Peer> peers;
};

// ---- listening

Result<Address> SipTransport::Impl::listen_udp(const Address& address, UdpSocket::Sharing sharing) {
  auto socket = std::make_unique<UdpSocket>(loop);
  // The socket is ours and stops calling when it goes.
  const auto bound = socket->open(
      address, sharing,
      [this, raw = socket.get()](const Address& from, const Address& to, std::string_view octets) {
        on_datagram(*raw, from, to, octets);
      });
  if (!bound) return bound;
  socket->share_errors(
      [this, local = *bound](const Address& to, ErrorCode error) { share_error(local, to, error); });
  sockets.push_back(std::move(socket));
  listeners.push_back({Protocol::udp, *bound});
  return bound;
}

Result<Address> SipTransport::Impl::listen_stream(Protocol protocol, const Address& address) {
  const bool secure = transaction::is_secure(protocol);
  const auto& tls = protocol == Protocol::wss && options.tls_web ? options.tls_web : options.tls_server;
  if (secure && !tls) return ErrorCode(Errc::not_secure);
  auto acceptor = std::make_unique<Acceptor>(loop);
  Acceptor::Options accepting{.tls = secure ? tls : nullptr,
                              .limits = options.limits,
                              .connections = options.connections,
                              .connections_per_address = options.connections_per_address,
                              .trusted = options.trusted};
  const auto bound = acceptor->listen(address, std::move(accepting), on_channel(protocol));
  if (!bound) return bound;
  acceptors.emplace_back(protocol, std::move(acceptor));
  listeners.push_back({protocol, *bound});
  return bound;
}

Acceptor::OnChannel SipTransport::Impl::on_channel(Protocol protocol) {
  return [weak = weak_from_this(), protocol](ChannelPtr channel) {
    const auto self = weak.lock();
    if (!self) return channel->close(Errc::closed);
    if (transaction::is_websocket(protocol)) return self->open_websocket(protocol, channel);
    self->add_flow(protocol, std::move(channel));
  };
}

void SipTransport::Impl::open_websocket(Protocol protocol, const ChannelPtr& channel) {
  shaking_hands.insert(channel);
  WebSocketOptions websocket = options.websocket;
  websocket.message_time = options.message_time;
  accept_websocket(channel, std::move(websocket),
                   [weak = weak_from_this(), protocol, channel](Result<ChannelPtr> opened) {
                     const auto self = weak.lock();
                     if (self) self->shaking_hands.erase(channel);
                     if (!opened) return;
                     if (!self) return (*opened)->close(Errc::closed);
                     self->add_flow(protocol, std::move(*opened));
                   });
}

void SipTransport::Impl::on_datagram(UdpSocket& socket, const Address& from, const Address& to,
                                     std::string_view octets) {
  if (from.port == 0) return;  // no answer can be sent there
  if (is_stun(octets)) {
    if (!options.on_stun) return;
    if (const auto reply = options.on_stun(from, as_bytes(octets)))
      socket.send(from, to.ip, share(as_text(*reply)), nullptr);
    return;
  }
  const auto text = sip_part(octets);
  if (text.empty()) return;
  const Hop hop{.protocol = Protocol::udp, .remote = from, .local = to, .flow = 0};
  SharedText shared = share(text);
  if (receiver->takes_unread(hop, shared)) return;
  auto message = sip::Message::parse(std::move(shared));
  if (!message) return receiver->on_malformed(hop, message.error(), text);
  receiver->on_message(hop, std::move(*message));
}

// ---- flows

/// `dialled` is null for a connection that was accepted.
Hop SipTransport::Impl::add_flow(Protocol protocol, ChannelPtr channel) {
  const Hop hop{.protocol = protocol,
                .remote = channel->remote(),
                .local = channel->local(),
                .flow = make_flow_id(loop.number())};
  return add_flow(std::make_shared<Flow>(hop, std::move(channel), nullptr, options.message_time));
}

Hop SipTransport::Impl::add_dialled(const Remote& to, ChannelPtr channel, std::shared_ptr<void> place) {
  const Hop hop{.protocol = to.protocol,
                .remote = to.address,
                .local = channel->local(),
                .flow = make_flow_id(loop.number()),
                .name = to.name};
  return add_flow(std::make_shared<Flow>(hop, std::move(channel), std::move(place), options.message_time));
}

Hop SipTransport::Impl::add_flow(const std::shared_ptr<Flow>& flow) {
  const Hop hop = flow->hop();
  const bool dialled = flow->is_dialled();
  flows[hop.flow] = flow;
  // Over TLS only a dialled peer has always shown a certificate.
  if (dialled || hop.protocol == Protocol::tcp) by_remote[Remote(hop)] = hop.flow;
  const auto weak = weak_from_this();
  flow->start({.on_message =
                   [weak](const Hop& from, sip::Message message) {
                     const auto self = weak.lock();
                     if (!self) return;
                     self->note_alias(from, message);
                     self->receiver->on_message(from, std::move(message));
                   },
               .on_malformed =
                   [weak](const Hop& from, ErrorCode error, std::string_view text) {
                     if (const auto self = weak.lock()) self->receiver->on_malformed(from, error, text);
                   },
               .on_closed =
                   [weak](const Hop& closed) {
                     if (const auto self = weak.lock()) self->on_flow_closed(closed);
                   }});
  if (dialled && options.keep_alive > Duration::zero())
    flow->keep_alive(options.keep_alive, options.pong_wait, options.random);
  if (!flow->peer_names().empty()) receiver->on_peer_verified(hop, flow->peer_names());
  receiver->on_flow_opened(hop);
  return hop;
}

void SipTransport::Impl::on_flow_closed(const Hop& hop) {
  flows.erase(hop.flow);
  const auto reusable = by_remote.find(Remote(hop));
  if (reusable != by_remote.end() && reusable->second == hop.flow) by_remote.erase(reusable);
  if (const auto alias = alias_of.find(hop.flow); alias != alias_of.end()) {
    const auto found = by_alias.find(alias->second);
    if (found != by_alias.end() && found->second == hop.flow) by_alias.erase(found);
    alias_of.erase(alias);
  }
  receiver->on_flow_closed(hop.flow);
}

// RFC 5923 8.1: a peer that has shown a certificate may ask for its connection to be used for requests to its
// port.
void SipTransport::Impl::note_alias(const Hop& from, const sip::Message& message) {
  if (from.protocol != Protocol::tls || !message.is_request()) return;
  const auto flow = find(from.flow);
  if (!flow || flow->is_dialled() || flow->peer_names().empty() || alias_of.contains(from.flow)) return;
  const auto via = message.top_via();
  if (!via || !sip::find_parameter(via->parameters, "alias")) return;
  const Address theirs{from.remote.ip, via->port.value_or(sip::sips_port)};
  alias_of.emplace(from.flow, theirs);
  by_alias[theirs] = from.flow;
}

std::shared_ptr<Flow> SipTransport::Impl::find_alias(const Remote& to) const {
  const auto alias = by_alias.find(to.address);
  auto flow = alias != by_alias.end() ? find(alias->second) : nullptr;
  if (!flow) return nullptr;
  const auto& names = flow->peer_names();
  const auto is_wanted = [wanted = name_of(to)](const auto& name) { return iequals(name, wanted); };
  return std::any_of(names.begin(), names.end(), is_wanted) ? flow : nullptr;
}

std::shared_ptr<Flow> SipTransport::Impl::find(FlowId flow) const {
  const auto found = flows.find(flow);
  return found != flows.end() && found->second->is_open() ? found->second : nullptr;
}

void SipTransport::Impl::with_flow(const Remote& to, Dialled done) {
  const auto known = by_remote.find(to);
  if (known != by_remote.end())
    if (const auto flow = find(known->second)) return done(flow->hop());
  if (to.protocol == Protocol::tls)
    if (const auto flow = find_alias(to)) return done(flow->hop());
  dial_flow(to, std::move(done));
}

/// Connections to an address are bounded like connections from it.
bool SipTransport::Impl::may_dial(const Address& to) const {
  if (to.port == 0 || to.ip.is_unspecified() || places_taken >= options.connections) return false;
  const bool trusted = options.trusted ? options.trusted(to.ip) : to.ip.is_loopback();
  const auto known = dialled_to.find(counted_as(to.ip));
  return trusted || known == dialled_to.end() || known->second < options.connections_per_address;
}

/// Counts a connection to this address until the last copy is destroyed.
std::shared_ptr<void> SipTransport::Impl::take_place(const IpAddress& to) {
  const IpAddress ip = counted_as(to);
  ++places_taken;
  ++dialled_to[ip];
  return {this, [weak = weak_from_this(), ip](void*) {
            const auto self = weak.lock();
            if (!self) return;
            --self->places_taken;
            const auto known = self->dialled_to.find(ip);
            if (--known->second == 0) self->dialled_to.erase(known);
          }};
}

void SipTransport::Impl::dial_flow(const Remote& to, Dialled done) {
  const auto begun = dialling.find(to);
  const bool full =
      begun == dialling.end() ? !may_dial(to.address) : begun->second.size() >= waiting_for_dial;
  if (full) {
    log::debug("net", "{} is not dialled: too many connections", print(to.address));
    loop.post([done = std::move(done)] { done(ErrorCode(Errc::queue_full)); });
    return;
  }
  if (begun != dialling.end()) return begun->second.push_back(std::move(done));
  dialling[to].push_back(std::move(done));
  DialOptions how{.remote = to.address,
                  .tls = transaction::is_secure(to.protocol) ? options.tls_client : nullptr,
                  .server_name = name_of(to),
                  .identity = Identity::sip,
                  .limits = options.limits};
  const auto place = take_place(to.address.ip);
  dial(loop, std::move(how), [weak = weak_from_this(), to, place](Result<ChannelPtr> channel) {
    if (const auto self = weak.lock()) {
      self->on_dialled(to, std::move(channel), place);
    } else if (channel) {
      (*channel)->close(Errc::closed);
    }
  });
}

void SipTransport::Impl::on_dialled(const Remote& to, Result<ChannelPtr> channel,
                                    std::shared_ptr<void> place) {
  const auto waiting = std::move(dialling[to]);
  dialling.erase(to);
  Result<Hop> hop =
      channel ? Result<Hop>(add_dialled(to, std::move(*channel), std::move(place))) : channel.error();
  if (!hop) log::debug("net", "cannot connect to {}: {}", print(to.address), hop.error().message());
  for (const auto& done : waiting) done(hop);
}

// ---- sending

void SipTransport::Impl::fail_later(Failed failed, ErrorCode error) {
  if (!failed) return;
  loop.post([failed = std::move(failed), error] { failed(error); });
}

void SipTransport::Impl::send(const Hop& hop, Outgoing message, Failed failed) {
  if (hop.flow != 0) {
    if (loop_of(hop.flow) == loop.number())
      return send_on_flow(hop.flow, std::move(message), std::move(failed));
    return send_to_peer(hop.flow, std::move(message), std::move(failed));
  }
  if (hop.protocol == Protocol::udp) return send_datagram(hop, std::move(message), std::move(failed));
  send_stream(hop, std::move(message), std::move(failed));
}

void SipTransport::Impl::send_on_flow(FlowId flow, Outgoing message, Failed failed) {
  const auto found = find(flow);
  if (!found) return fail_later(std::move(failed), Errc::flow_gone);
  found->send(std::move(message), std::move(failed));
}

void SipTransport::Impl::send_to_peer(FlowId flow, Outgoing message, Failed failed) {
  const auto peer = peers.find(loop_of(flow));
  if (peer == peers.end()) return fail_later(std::move(failed), Errc::flow_gone);
  Failed back;
  if (failed) {
    back = [home = &loop, failed = std::move(failed)](ErrorCode error) mutable {
      home->post([failed = std::move(failed), error] { failed(error); });
    };
  }
  peer->second.loop->post(
      [impl = peer->second.impl, flow, message = std::move(message), back = std::move(back)]() mutable {
        const auto there = impl.lock();
        if (there) return there->send_on_flow(flow, std::move(message), std::move(back));
        if (back) back(Errc::flow_gone);
      });
}

// An ICMP error at our socket, which may be for what a peer sent from its own of that address.
void SipTransport::Impl::share_error(const Address& local, const Address& to, ErrorCode error) {
  for (const auto& [number, peer] : peers) {
    if (peer.loop == &loop) continue;
    peer.loop->post([impl = peer.impl, local, to, error] {
      const auto there = impl.lock();
      if (!there) return;
      for (const auto& socket : there->sockets)
        if (socket->local() == local) socket->tell_unreachable(to, error);
    });
  }
}

UdpSocket* SipTransport::Impl::find_socket(const Hop& hop) {
  UdpSocket* best = nullptr;
  int best_score = -1;
  for (const auto& socket : sockets) {
    const Address& ours = socket->local();
    if (ours.ip.family != hop.remote.ip.family) continue;
    const bool any = ours.ip.is_unspecified();
    const bool reaches = any || ours.ip.is_loopback() == hop.remote.ip.is_loopback();
    const bool asked = ours.port == hop.local.port && (any || ours.ip == hop.local.ip);
    const int score = (asked ? 2 : 0) + (reaches ? 1 : 0);
    if (score > best_score) {
      best = socket.get();
      best_score = score;
    }
  }
  return best;
}

void SipTransport::Impl::send_datagram(const Hop& hop, Outgoing message, Failed failed) {
  if (message.size() > largest_datagram) return fail_later(std::move(failed), Errc::too_large);
  UdpSocket* socket = find_socket(hop);
  if (!socket) return fail_later(std::move(failed), Errc::no_socket);
  socket->send(hop.remote, hop.local.ip, std::move(message), std::move(failed));
}

void SipTransport::Impl::send_stream(const Hop& hop, Outgoing message, Failed failed) {
  if (transaction::is_secure(hop.protocol) && !options.tls_client)
    return fail_later(std::move(failed), Errc::not_secure);
  if (transaction::is_websocket(hop.protocol))
    return fail_later(std::move(failed), Errc::flow_gone);  // a WebSocket is only ever answered on
  with_flow(Remote(hop), [self = shared_from_this(), message = std::move(message),
                          failed = std::move(failed)](Result<Hop> there) mutable {
    if (!there) return self->fail_later(std::move(failed), there.error());
    self->send_on_flow(there->flow, std::move(message), std::move(failed));
  });
}

// ---- our own address

const SipTransport::Impl::Listener* SipTransport::Impl::find_listener(const Hop& hop) const {
  const Listener* best = nullptr;
  int best_score = -1;
  for (const auto& listener : listeners) {
    if (listener.protocol != hop.protocol) continue;
    const Address& ours = listener.address;
    const bool any = ours.ip.is_unspecified();
    const int score =
        (ours.ip.family == hop.remote.ip.family ? 4 : 0) +
        (any || ours.ip == hop.local.ip || ours.ip.is_loopback() == hop.remote.ip.is_loopback() ? 2 : 0) +
        (ours == hop.local ? 1 : 0);
    if (score > best_score) {
      best = &listener;
      best_score = score;
    }
  }
  return best;
}

std::string SipTransport::Impl::sent_by(const Hop& hop) const {
  Address ours = hop.local;
  if (const auto flow = find(hop.flow)) ours = flow->hop().local;
  if (const Listener* listener = find_listener(hop)) {
    ours.port = listener->address.port;
    if (!listener->address.ip.is_unspecified()) ours.ip = listener->address.ip;
  }
  if (!options.advertise.empty()) return print_host_port(options.advertise, ours.port);
  if (ours.ip.is_unspecified() || ours.ip.family != hop.remote.ip.family)
    if (const auto source = source_address(hop.remote)) ours.ip = *source;
  return print(ours);
}

void SipTransport::Impl::shut() {
  static NoReceiver nobody;
  receiver = &nobody;
  acceptors.clear();
  sockets.clear();
  dialling.clear();
  for (const auto& channel : std::exchange(shaking_hands, {})) channel->close(Errc::closed);
  for (const auto& [id, flow] : std::exchange(flows, {})) flow->close();
}

// ---- the handle

SipTransport::SipTransport(Loop& loop, Options options, Receiver& receiver)
    : impl_(std::make_shared<Impl>(loop, std::move(options), receiver)) {}

SipTransport::~SipTransport() { impl_->shut(); }

Result<Address> SipTransport::listen(Protocol protocol, const Address& address) {
  if (protocol == Protocol::udp) return impl_->listen_udp(address, UdpSocket::Sharing::first);
  return impl_->listen_stream(protocol, address);
}

Result<void> SipTransport::connect_peers(const std::vector<SipTransport*>& transports) {
  Impl& first = *transports.front()->impl_;
  for (SipTransport* each : transports) {
    Impl& impl = *each->impl_;
    for (SipTransport* other : transports)
      impl.peers[other->impl_->loop.number()] = {&other->impl_->loop, other->impl_};
    if (&impl == &first) continue;
    for (const auto& [protocol, address] : first.listeners) {
      if (protocol != Protocol::udp) {
        impl.listeners.push_back({protocol, address});
      } else if (auto joined = impl.listen_udp(address, UdpSocket::Sharing::joining); !joined) {
        return joined.error();
      }
    }
  }
  for (const auto& [protocol, acceptor] : first.acceptors) {
    std::vector<std::pair<Loop*, Acceptor::OnChannel>> targets;
    for (SipTransport* each : transports)
      targets.emplace_back(&each->impl_->loop, each->impl_->on_channel(protocol));
    acceptor->spread(std::move(targets));
  }
  return {};
}

void SipTransport::connect(const Hop& to, std::function<void(Result<Hop>)> done) {
  if (transaction::is_websocket(to.protocol)) {
    impl_->loop.post([done = std::move(done)] { done(ErrorCode(Errc::no_socket)); });
    return;
  }
  if (transaction::is_secure(to.protocol) && !impl_->options.tls_client) {
    impl_->loop.post([done = std::move(done)] { done(ErrorCode(Errc::not_secure)); });
    return;
  }
  impl_->dial_flow(Impl::Remote(to), std::move(done));
}

void SipTransport::keep_alive(FlowId flow, Duration longest, Duration pong_wait) {
  if (const auto found = impl_->find(flow)) found->keep_alive(longest, pong_wait, impl_->options.random);
}

void SipTransport::close(FlowId flow) {
  if (const auto found = impl_->find(flow)) found->finish();
}

void SipTransport::close_verified() {
  std::vector<std::shared_ptr<Flow>> verified;
  for (const auto& [id, flow] : impl_->flows)
    if (!flow->peer_names().empty()) verified.push_back(flow);
  for (const auto& flow : verified) flow->finish();
}

void SipTransport::send(const Hop& hop, transaction::Outgoing message, transaction::OnFailed failed) {
  impl_->send(hop, std::move(message), std::move(failed));
}

std::string SipTransport::sent_by(const Hop& hop) const { return impl_->sent_by(hop); }

std::optional<Hop> SipTransport::find_flow(FlowId flow) const {
  const auto found = impl_->find(flow);
  return found ? std::optional(found->hop()) : std::nullopt;
}

std::size_t SipTransport::flows() const { return impl_->flows.size(); }

std::string SipTransport::dump() const {
  std::string text;
  for (const auto& [id, flow] : impl_->flows) {
    const Hop& hop = flow->hop();
    text += fmt::format("{:016x} {} {} {} {} {} {}\n", id, transaction::via_name(hop.protocol),
                        print(hop.remote), print(hop.local), flow->is_dialled() ? "dialled" : "accepted",
                        flow->queued(), fmt::join(flow->peer_names(), ","));
  }
  return text;
}

}  // namespace beckon::net
