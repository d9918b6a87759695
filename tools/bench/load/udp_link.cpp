#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <stdexcept>

#include "tools/bench/load/link.hpp"

namespace beckon::bench {
namespace {

constexpr std::size_t batch = 64;
constexpr int socket_buffer = 4 << 20;

class UdpLink final : public Link {
 public:
  UdpLink(std::uint16_t port, unsigned sockets, std::size_t largest)
      : largest_(largest), octets_(batch * largest) {
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_port = htons(port);
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    for (unsigned i = 0; i < sockets; ++i) {
      const int fd = ::socket(AF_INET, SOCK_DGRAM, 0);
      ::setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &socket_buffer, sizeof socket_buffer);
      ::setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &socket_buffer, sizeof socket_buffer);
      if (::connect(fd, reinterpret_cast<sockaddr*>(&name), sizeof name) != 0)
        throw std::runtime_error("no socket");
      polled_.push_back({fd, POLLIN, 0});
    }
    for (std::size_t i = 0; i < batch; ++i) {
      in_vectors_[i] = {octets_.data() + i * largest_, largest_};
      in_[i].msg_hdr.msg_iov = &in_vectors_[i];
      in_[i].msg_hdr.msg_iovlen = 1;
      out_[i].msg_hdr.msg_iov = &out_vectors_[i];
      out_[i].msg_hdr.msg_iovlen = 1;
    }
  }
  ~UdpLink() override {
    for (const auto& each : polled_) ::close(each.fd);
  }
  UdpLink(const UdpLink&) = delete;
  UdpLink& operator=(const UdpLink&) = delete;

  // One batch for each socket in turn.
  std::size_t send(const std::vector<std::string_view>& texts) override {
    const std::size_t count = std::min(batch, texts.size());
    for (std::size_t i = 0; i < count; ++i)
      out_vectors_[i] = {const_cast<char*>(texts[i].data()), texts[i].size()};
    turn_ = (turn_ + 1) % polled_.size();
    const int sent = ::sendmmsg(polled_[turn_].fd, out_.data(), static_cast<unsigned>(count), MSG_DONTWAIT);
    return sent > 0 ? static_cast<std::size_t>(sent) : 0;
  }

  void receive(int milliseconds, const Take& take) override {
    bool any = false;
    for (const auto& each : polled_) any = read(each.fd, take) || any;
    if (any || ::poll(polled_.data(), polled_.size(), milliseconds) <= 0) return;
    for (const auto& each : polled_) read(each.fd, take);
  }

  bool is_reliable() const override { return false; }

  std::uint16_t port() const override {
    sockaddr_in name{};
    socklen_t size = sizeof name;
    ::getsockname(polled_.front().fd, reinterpret_cast<sockaddr*>(&name), &size);
    return ntohs(name.sin_port);
  }

 private:
  bool read(int fd, const Take& take) {
    const int count = ::recvmmsg(fd, in_.data(), batch, MSG_DONTWAIT, nullptr);
    for (int i = 0; i < count; ++i) {
      const auto at = static_cast<std::size_t>(i);
      take({octets_.data() + at * largest_, in_[at].msg_len});
    }
    return count > 0;
  }

  std::vector<pollfd> polled_;
  std::size_t turn_ = 0;
  std::size_t largest_;
  std::vector<char> octets_;
  std::array<mmsghdr, batch> in_{}, out_{};
  std::array<iovec, batch> in_vectors_{}, out_vectors_{};
};

}  // namespace

std::unique_ptr<Link> make_udp_link(std::uint16_t port, unsigned sockets, std::size_t largest) {
  return std::make_unique<UdpLink>(port, sockets, largest);
}

}  // namespace beckon::bench
