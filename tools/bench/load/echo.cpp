#include "tools/bench/load/echo.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <stdexcept>
#include <vector>

namespace beckon::bench {
namespace {

constexpr std::size_t echo_batch = 64;
constexpr std::size_t largest = 2048;
constexpr int socket_buffer = 4 << 20;

[[noreturn]] void echo(int fd) {
  std::vector<char> octets(echo_batch * largest);
  std::array<mmsghdr, echo_batch> headers{};
  std::array<iovec, echo_batch> vectors{};
  std::array<sockaddr_in, echo_batch> from{};
  while (true) {
    for (std::size_t i = 0; i < echo_batch; ++i) {
      vectors[i] = {octets.data() + i * largest, largest};
      headers[i].msg_hdr = {.msg_name = &from[i],
                            .msg_namelen = sizeof from[i],
                            .msg_iov = &vectors[i],
                            .msg_iovlen = 1,
                            .msg_control = nullptr,
                            .msg_controllen = 0,
                            .msg_flags = 0};
    }
    const int count = ::recvmmsg(fd, headers.data(), echo_batch, MSG_WAITFORONE, nullptr);
    if (count < 0) ::_exit(1);
    for (int i = 0; i < count; ++i)
      vectors[static_cast<std::size_t>(i)].iov_len = headers[static_cast<std::size_t>(i)].msg_len;
    for (int sent = 0; sent < count;) {
      const int more = ::sendmmsg(fd, headers.data() + sent, static_cast<unsigned>(count - sent), 0);
      if (more < 0) ::_exit(1);
      sent += more;
    }
  }
}

}  // namespace

Subject start_echo(int core) {
  const int fd = ::socket(AF_INET, SOCK_DGRAM, 0);
  ::setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &socket_buffer, sizeof socket_buffer);
  ::setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &socket_buffer, sizeof socket_buffer);
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof name;
  if (::bind(fd, reinterpret_cast<sockaddr*>(&name), sizeof name) != 0 ||
      ::getsockname(fd, reinterpret_cast<sockaddr*>(&name), &size) != 0)
    throw std::runtime_error("no port for the echo");
  Subject subject = Subject::fork([fd] { echo(fd); }, core);
  ::close(fd);
  subject.ports["udp"] = ntohs(name.sin_port);
  return subject;
}

}  // namespace beckon::bench
