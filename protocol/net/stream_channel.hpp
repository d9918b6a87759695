#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <deque>
#include <optional>
#include <vector>

#include "protocol/net/channel.hpp"
#include "protocol/net/tls_impl.hpp"

namespace beckon::net {

/// The one implementation of Channel. Only this room's .cpp files include this.
class StreamChannel final : public Channel, public std::enable_shared_from_this<StreamChannel> {
 public:
  using Socket = boost::asio::ip::tcp::socket;
  using Done = std::function<void(ErrorCode)>;

  /// `remote` is the peer's address as it was when the socket was accepted: a peer that has closed already
  /// has no address any more. For a socket that is yet to be connected, `connect` sets it.
  StreamChannel(Loop& loop, Socket socket, const Address& remote, TlsContextPtr tls, ChannelLimits limits);

  /// Before `start`: connects, shakes hands. Without TLS the handshake is done at once. `done` is called
  /// exactly once, and the channel lives until then.
  void connect(const Address& remote, Done done);
  void accept_handshake(Done done);
  void dial_handshake(const std::string& server_name, Identity identity, Done done);
  /// Is released when the channel closes (the acceptor's count of it).
  void hold(std::shared_ptr<void> thing) { held_ = std::move(thing); }

  void start(Handler handler) override;
  bool send(SharedText octets, SharedText rest) override;
  void pause() override { paused_ = true; }
  void resume() override;
  void finish() override;
  void close(ErrorCode reason) override;
  void set_idle(Duration idle) override;

  bool is_open() const override { return state_ == State::open; }
  bool is_secure() const override { return secure_; }
  std::size_t queued() const override { return queued_; }
  Time last_received() const override { return last_received_; }
  const Address& local() const override { return local_; }
  const Address& remote() const override { return remote_; }
  std::vector<std::string> peer_names() override;
  Loop& loop() override { return loop_; }

 private:
  enum class State { opening, open, finishing, closed };
  using Tls = boost::asio::ssl::stream<Socket&>;

  ErrorCode check_pin(const SSL* ssl, const std::string& pinned);
  void learn_local();
  void handshake(boost::asio::ssl::stream_base::handshake_type type, Done done);
  void limit_opening(const std::shared_ptr<Done>& done);
  void read();
  void on_read(const ErrorCode& error, std::size_t size);
  void write();
  void on_written(const ErrorCode& error);
  void say_goodbye();
  void drain();
  void watch_idle();

  Loop& loop_;
  TlsContextPtr tls_context_;
  std::shared_ptr<boost::asio::ssl::context> tls_in_use_;
  Socket socket_;
  std::optional<Tls> tls_;
  bool secure_ = false;
  ChannelLimits limits_;
  Address local_, remote_;
  Handler handler_;
  std::shared_ptr<void> held_;
  std::shared_ptr<StreamChannel> self_;  ///< From `start` until closed.

  State state_ = State::opening;
  bool paused_ = false;
  bool reading_ = false;
  bool writing_ = false;
  bool saying_goodbye_ = false;
  std::vector<char> in_;
  std::deque<SharedText> out_;
  std::vector<boost::asio::const_buffer> gather_;
  std::size_t queued_ = 0;
  Time last_received_{};
  Timer timer_;
};

}  // namespace beckon::net
