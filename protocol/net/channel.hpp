#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "protocol/base/address.hpp"
#include "protocol/base/bytes.hpp"
#include "protocol/base/result.hpp"
#include "protocol/net/error.hpp"
#include "protocol/net/loop.hpp"
#include "protocol/net/tls.hpp"

namespace beckon::net {

/// Bounds of one stream connection (DESIGN 7).
struct ChannelLimits {
  std::size_t queue = 4u << 20;  ///< Octets waiting to be written: four of the largest messages. Past it
                                 ///< the peer reads too slowly, and the channel is closed.
  Duration idle = 120s;          ///< Without an octet from the peer. Zero: no bound.
  Duration handshake = 10s;      ///< TCP connect and TLS handshake, each.
  Duration linger = 5s;          ///< To write out what is queued once `finish` was called.
};

/// One open TCP connection, with or without TLS (the handshake is done). It belongs to its loop's thread and
/// keeps itself alive until it is closed.
class Channel {
 public:
  struct Handler {
    /// Octets arrived; valid during the call.
    std::function<void(std::string_view octets)> on_octets;
    /// Called exactly once, last of all, never from inside a call to the channel. Then the handlers are
    /// dropped.
    std::function<void(ErrorCode reason)> on_closed;
    /// May be empty. The system has taken everything that was queued; never called from inside `send`.
    std::function<void()> on_written{};
  };
  virtual ~Channel() = default;

  /// Begins reading. Once.
  virtual void start(Handler handler) = 0;
  /// Queues octets; past the bound the channel is closed with Errc::queue_full and false is returned.
  bool send(SharedText octets) { return send(std::move(octets), nullptr); }
  /// Two pieces that leave together, the second may be null: one WebSocket message, one write.
  virtual bool send(SharedText octets, SharedText rest) = 0;
  /// Stops and takes up reading again (one HTTP request at a time).
  virtual void pause() = 0;
  virtual void resume() = 0;
  /// Writes out what is queued, ends TLS, closes.
  virtual void finish() = 0;
  /// Closes at once.
  virtual void close(ErrorCode reason) = 0;
  virtual void set_idle(Duration idle) = 0;

  virtual bool is_open() const = 0;
  virtual bool is_secure() const = 0;
  virtual std::size_t queued() const = 0;  ///< Octets not yet taken by the system.
  virtual Time last_received() const = 0;
  virtual const Address& local() const = 0;
  virtual const Address& remote() const = 0;
  /// What the peer's trusted certificate is for (RFC 5922 7.1): SIP domains and addresses. Empty when the
  /// peer showed none.
  virtual std::vector<std::string> peer_names() = 0;
  virtual Loop& loop() = 0;
};
using ChannelPtr = std::shared_ptr<Channel>;

struct DialOptions {
  Address remote;
  TlsContextPtr tls{};  ///< None: plain TCP.
  std::string
      server_name{};  ///< The name the certificate must be for; a name (not a literal) is also sent as SNI.
  Identity identity = Identity::sip;
  ChannelLimits limits{};
};
/// Connects; `done` is called later, exactly once.
void dial(Loop& loop, DialOptions options, std::function<void(Result<ChannelPtr>)> done);

/// Accepts connections on one address and hands them to loops in turn.
class Acceptor {
 public:
  struct Options {
    TlsContextPtr tls{};  ///< None: plain TCP.
    ChannelLimits limits{};
    std::size_t connections = 50000;  ///< In all; the next ones are closed at once.
    std::size_t connections_per_address = 100;
    /// Addresses that the bound for each address does not concern; loopback unless set.
    std::function<bool(const IpAddress&)> trusted{};
  };
  /// Called on the loop the channel belongs to.
  using OnChannel = std::function<void(ChannelPtr)>;

  explicit Acceptor(Loop& loop);
  /// Accepts no more; channels that exist live on.
  ~Acceptor();
  Acceptor(const Acceptor&) = delete;
  Acceptor& operator=(const Acceptor&) = delete;

  /// Binds and listens; port 0 takes a free one. Connections stay on this loop.
  /// Returns the address bound, or the system's error.
  Result<Address> listen(const Address& address, Options options, OnChannel on_channel);
  /// Spreads new connections over these (loop, callback) pairs, in turn. Loops must outlive the acceptor.
  void spread(std::vector<std::pair<Loop*, OnChannel>> targets);

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace beckon::net
