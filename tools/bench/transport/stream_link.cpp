#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <stdexcept>

#include "tools/bench/transport/load.hpp"

namespace beckon::bench {
namespace {

constexpr std::size_t read_size = 65536;
constexpr std::size_t unwritten_at_most = 65536;  ///< Octets one connection holds back.

/// One connection; answers are cut at their blank line, as none of them has a body.
class Connection {
 public:
  Connection(std::uint16_t port, SSL_CTX* tls) {
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_port = htons(port);
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    fd_ = ::socket(AF_INET, SOCK_STREAM, 0);
    const int yes = 1;
    ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    if (::connect(fd_, reinterpret_cast<sockaddr*>(&name), sizeof name) != 0)
      throw std::runtime_error("no connection");
    if (!tls) return;
    ssl_ = SSL_new(tls);
    SSL_set_fd(ssl_, fd_);
    if (SSL_connect(ssl_) != 1) throw std::runtime_error("no TLS");
  }
  ~Connection() {
    if (ssl_) SSL_free(ssl_);
    ::close(fd_);
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  int fd() const { return fd_; }
  bool has_room() const { return out_.size() < unwritten_at_most; }
  bool has_unwritten() const { return !out_.empty(); }
  void push(std::string_view text) { out_ += text; }

  void write() {
    if (out_.empty()) return;
    const auto written = ssl_ ? SSL_write(ssl_, out_.data(), static_cast<int>(out_.size()))
                              : ::send(fd_, out_.data(), out_.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (written > 0) out_.erase(0, static_cast<std::size_t>(written));
  }

  void read(const Link::Take& take) {
    while (true) {
      const auto size = ssl_ ? SSL_read(ssl_, piece_.data(), static_cast<int>(piece_.size()))
                             : ::recv(fd_, piece_.data(), piece_.size(), MSG_DONTWAIT);
      if (size <= 0) break;
      in_.append(piece_.data(), static_cast<std::size_t>(size));
    }
    std::size_t begin = 0;
    for (auto end = in_.find("\r\n\r\n"); end != std::string::npos; end = in_.find("\r\n\r\n", begin)) {
      take(std::string_view(in_).substr(begin, end + 4 - begin));
      begin = end + 4;
    }
    in_.erase(0, begin);
  }

  void go_on_without_waiting() {
    if (!ssl_) return;
    SSL_set_mode(ssl_, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    const int on = 1;
    ::ioctl(fd_, FIONBIO, &on);
  }

 private:
  int fd_ = -1;
  SSL* ssl_ = nullptr;
  std::string out_, in_;
  std::vector<char> piece_ = std::vector<char>(read_size);
};

class StreamLink final : public Link {
 public:
  StreamLink(std::uint16_t port, unsigned connections, bool tls) {
    if (tls) tls_ = SSL_CTX_new(TLS_client_method());
    for (unsigned i = 0; i < connections; ++i) {
      connections_.push_back(std::make_unique<Connection>(port, tls_));
      connections_.back()->go_on_without_waiting();
      polled_.push_back({connections_.back()->fd(), POLLIN, 0});
    }
  }
  ~StreamLink() override {
    connections_.clear();
    if (tls_) SSL_CTX_free(tls_);
  }
  StreamLink(const StreamLink&) = delete;
  StreamLink& operator=(const StreamLink&) = delete;

  // Spread over the connections, which then write once each.
  std::size_t send(const std::vector<std::string_view>& texts) override {
    std::size_t taken = 0;
    while (taken < texts.size() && connections_[turn_]->has_room()) {
      connections_[turn_]->push(texts[taken++]);
      turn_ = (turn_ + 1) % connections_.size();
    }
    for (const auto& each : connections_) each->write();
    return taken;
  }

  void receive(int milliseconds, const Take& take) override {
    for (std::size_t i = 0; i < connections_.size(); ++i)
      polled_[i].events = static_cast<short>(connections_[i]->has_unwritten() ? POLLIN | POLLOUT : POLLIN);
    if (::poll(polled_.data(), polled_.size(), milliseconds) <= 0) return;
    for (std::size_t i = 0; i < connections_.size(); ++i) {
      if (polled_[i].revents & POLLOUT) connections_[i]->write();
      if (polled_[i].revents & ~POLLOUT) connections_[i]->read(take);
    }
  }

  bool is_reliable() const override { return true; }

  std::uint16_t port() const override {
    sockaddr_in name{};
    socklen_t size = sizeof name;
    ::getsockname(polled_.front().fd, reinterpret_cast<sockaddr*>(&name), &size);
    return ntohs(name.sin_port);
  }

 private:
  SSL_CTX* tls_ = nullptr;
  std::vector<std::unique_ptr<Connection>> connections_;
  std::vector<pollfd> polled_;
  std::size_t turn_ = 0;
};

}  // namespace

std::unique_ptr<Link> make_stream_link(std::uint16_t port, unsigned connections, bool tls) {
  return std::make_unique<StreamLink>(port, connections, tls);
}

}  // namespace beckon::bench
