#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/bytes.hpp"
#include "protocol/base/random.hpp"
#include "protocol/net/channel.hpp"
#include "protocol/net/loop.hpp"
#include "protocol/net/tls.hpp"
#include "protocol/net/websocket.hpp"
#include "protocol/sip/message.hpp"
#include "protocol/transaction/transport.hpp"

namespace beckon::net {

using transaction::FlowId;
using transaction::Hop;
using transaction::Protocol;

/// Receives what the transport reads. All calls are made on the transport's loop; a Hop can be sent to as it
/// is.
class Receiver {
 public:
  virtual ~Receiver() = default;
  virtual void on_message(const Hop& from, sip::Message message) = 0;
  /// A datagram that is not read yet. True: the receiver has made out all that it needs, as for the 200 to a
  /// NOTIFY; no other call follows.
  virtual bool takes_unread(const Hop& /*from*/, const SharedText& /*text*/) { return false; }
  /// Octets that look like SIP and cannot be read; `sip::refusal` gives the answer. A TCP or TLS stream is
  /// closed after the call, when the answer is written: where its next message begins cannot be known. `text`
  /// is valid during the call.
  virtual void on_malformed(const Hop& from, ErrorCode error, std::string_view text) = 0;
  /// Right before `on_flow_opened`, when the peer showed a certificate that we trust: the names it is for
  /// (RFC 5922 7.1). For a connection we dialled, the dialled name is among them.
  virtual void on_peer_verified(const Hop& /*flow*/, const std::vector<std::string>& /*names*/) {}
  virtual void on_flow_opened(const Hop& /*flow*/) {}
  virtual void on_flow_closed(FlowId /*flow*/) {}
};

/// SIP over UDP, TCP, TLS and WebSocket (RFC 7118, server side) of one loop.
///
/// A connection, accepted or dialled, is a flow of the loop it was made on; the FlowId's top octet is that
/// loop's number. `send` to another loop's flow is posted there when the transports know each other.
///
/// A connection is reused for requests to exactly the address and port at its other end. One accepted over
/// TLS is reused only if its peer showed a certificate and asked for reuse with `alias` in its Via: then also
/// for the port of its sent-by, if the certificate is for the name we would dial there (RFC 5923 7, 8).
/// `alias` over TCP proves nothing and is ignored.
class SipTransport final : public transaction::Transport {
 public:
  struct Options {
    std::string advertise{};     ///< Host (name or literal) for `sent_by`; empty: the listener's own address.
    TlsContextPtr tls_server{};  ///< For TLS listeners, and for wss without `tls_web`.
    TlsContextPtr tls_web{};     ///< For wss listeners: browsers are not asked for certificates.
    TlsContextPtr tls_client{};  ///< For dialled TLS connections.
    ChannelLimits limits{};
    Duration message_time =
        30s;  ///< For one message on a stream, first octet to last; past it the flow is closed.
    WebSocketOptions websocket{};               ///< `message_time` is taken from above.
    std::size_t connections = 50000;            ///< Accepted, and as many dialled; past it Errc::queue_full.
    std::size_t connections_per_address = 100;  ///< Each way.
    std::function<bool(const IpAddress&)> trusted{};  ///< No bound per address; loopback unless set.
    /// Dialled flows send CRLF CRLF every 5/6 to 1 of that (zero: never), and close when no octet comes
    /// within `pong_wait` after one (RFC 5626 4.4.1; zero: no answer is expected).
    Duration keep_alive{};
    Duration pong_wait = 10s;
    Random* random{};  ///< Spreads keep-alives; outlives the transport. Null: they come at their longest.
    /// Answers a STUN message on a SIP port (RFC 5626 4.4.2): the reply, or nullopt to ignore it.
    std::function<std::optional<Bytes>(const Address& from, ByteView message)> on_stun{};
  };

  SipTransport(Loop& loop, Options options, Receiver& receiver);
  ~SipTransport() override;
  SipTransport(const SipTransport&) = delete;
  SipTransport& operator=(const SipTransport&) = delete;

  /// Listens. Port 0 takes a free one. Returns the address bound; errors: the system's,
  /// Errc::not_secure. A client that only sends needs one for UDP, and none for TCP and TLS.
  Result<Address> listen(Protocol protocol, const Address& address);
  /// Makes the transports of several loops one node: each opens the UDP addresses of the first, connections
  /// that the first one accepts are distributed in turn, and each can write to the flows of all. Before the
  /// loops run, after `listen` was called on the first. The first one's loop is destroyed before the others',
  /// as connections on the way to another loop belong to that loop.
  static Result<void> connect_peers(const std::vector<SipTransport*>& transports);

  /// Makes a new connection (tcp, tls) to that hop, or waits with others for the one being made. `done` is
  /// called later, exactly once, with the flow's Hop.
  void connect(const Hop& to, std::function<void(Result<Hop>)> done);
  /// Pings that flow at this interval from now on, instead of `Options::keep_alive` and `pong_wait`.
  void keep_alive(FlowId flow, Duration longest, Duration pong_wait);
  /// Closes the flow after what is queued was written.
  void close(FlowId flow);
  /// The same for each flow whose peer showed a certificate that was trusted when it was made.
  void close_verified();

  void send(const Hop& hop, transaction::Outgoing message, transaction::OnFailed failed) override;
  std::string sent_by(const Hop& hop) const override;

  /// A live flow of this loop.
  std::optional<Hop> find_flow(FlowId flow) const;
  std::size_t flows() const;
  /// One line per flow, for the admin's tables: id, protocol, remote, local, octets queued, names of the
  /// peer's certificate.
  std::string dump() const;

  struct Impl;

 private:
  std::shared_ptr<Impl> impl_;
};

}  // namespace beckon::net
