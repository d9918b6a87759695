#include "media/stream/udp_port.hpp"

#include <linux/errqueue.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

namespace beckon::stream {
namespace {

using boost::asio::ip::udp;

constexpr std::size_t batch = 16;            // datagrams per system call: some calls' worth of one tick
constexpr std::size_t largest = 2048;        // octets; media and HELLOs stay below an Ethernet frame
constexpr std::size_t rounds = 8;            // batches before other handlers get their turn
constexpr int receive_buffer = 1024 * 1024;  // octets, a second of several video calls
constexpr std::array<std::uint8_t, 12> mapped_prefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

union SocketAddress {
  sockaddr any;
  sockaddr_in v4;
  sockaddr_in6 v6;
};

ErrorCode last_error() { return {errno, boost::system::system_category()}; }

/// As the socket's family needs it: an IPv6 socket reaches IPv4 through mapped addresses.
socklen_t fill(SocketAddress& out, const Address& address, bool v6_socket) {
  std::memset(&out, 0, sizeof out);
  const bool v4 = address.ip.family == IpAddress::Family::v4;
  if (!v6_socket) {
    out.v4.sin_family = AF_INET;
    out.v4.sin_port = htons(address.port);
    std::memcpy(&out.v4.sin_addr, address.ip.octets.data(), 4);
    return sizeof out.v4;
  }
  out.v6.sin6_family = AF_INET6;
  out.v6.sin6_port = htons(address.port);
  auto* const octets = out.v6.sin6_addr.s6_addr;
  if (v4) std::copy(mapped_prefix.begin(), mapped_prefix.end(), octets);
  std::memcpy(octets + (v4 ? 12 : 0), address.ip.octets.data(), v4 ? 4 : 16);
  return sizeof out.v6;
}

Address read(const SocketAddress& in) {
  Address address;
  if (in.any.sa_family == AF_INET) {
    address.port = ntohs(in.v4.sin_port);
    std::memcpy(address.ip.octets.data(), &in.v4.sin_addr, 4);
    return address;
  }
  const auto* const octets = in.v6.sin6_addr.s6_addr;
  address.port = ntohs(in.v6.sin6_port);
  const bool mapped = std::equal(mapped_prefix.begin(), mapped_prefix.end(), octets);
  address.ip.family = mapped ? IpAddress::Family::v4 : IpAddress::Family::v6;
  std::memcpy(address.ip.octets.data(), octets + (mapped ? 12 : 0), mapped ? 4 : 16);
  return address;
}

bool is_unreachable(int error) {
  return error == ECONNREFUSED || error == EHOSTUNREACH || error == ENETUNREACH;
}

void set_option(int socket, int level, int name, int value) {
  // The socket works without it, only less well: failure is ignored.
  (void)::setsockopt(socket, level, name, &value, sizeof value);
}

}  // namespace

struct UdpPort::Impl : std::enable_shared_from_this<UdpPort::Impl> {
  explicit Impl(boost::asio::io_context& io) : context(io), socket(io) {}

  Result<void> open(const Address& address);
  void close();
  void send(const Address& to, ByteView datagram);
  void wait();
  void on_readable();
  bool receive_batch();
  void drain_errors();
  bool read_error();
  void report_unreachable(const Address& to);

  struct Batch {
    std::array<std::array<std::uint8_t, largest>, batch> octets;
    std::array<iovec, batch> parts;
    std::array<SocketAddress, batch> from;
    std::array<mmsghdr, batch> messages;
  };

  boost::asio::io_context& context;
  udp::socket socket;
  Handlers handlers;
  Address local;
  bool v6 = false;
  std::unique_ptr<Batch> in = std::make_unique<Batch>();
};

Result<void> UdpPort::Impl::open(const Address& address) {
  v6 = address.ip.family == IpAddress::Family::v6;
  ErrorCode error;
  socket.open(v6 ? udp::v6() : udp::v4(), error);
  if (!error) socket.non_blocking(true, error);
  if (error) return error;
  const int handle = socket.native_handle();
  if (v6) set_option(handle, IPPROTO_IPV6, IPV6_V6ONLY, address.ip.is_unspecified() ? 0 : 1);
  set_option(handle, SOL_SOCKET, SO_RCVBUF, receive_buffer);
  set_option(handle, IPPROTO_IP, IP_RECVERR, 1);
  if (v6) set_option(handle, IPPROTO_IPV6, IPV6_RECVERR, 1);
  SocketAddress bound;
  socklen_t size = fill(bound, address, v6);
  if (::bind(handle, &bound.any, size) != 0 || ::getsockname(handle, &bound.any, &size) != 0) {
    const ErrorCode failed = last_error();
    close();
    return failed;
  }
  local = {address.ip, read(bound).port};
  wait();
  return {};
}

void UdpPort::Impl::close() {
  ErrorCode ignored;
  socket.close(ignored);
  handlers = {};
  local = {};
}

void UdpPort::Impl::wait() {
  socket.async_wait(udp::socket::wait_read, [self = shared_from_this()](const ErrorCode& error) {
    if (error || !self->socket.is_open()) return;
    self->on_readable();
    if (self->socket.is_open()) self->wait();
  });
}

void UdpPort::Impl::on_readable() {
  drain_errors();
  for (std::size_t round = 0; round < rounds && socket.is_open() && receive_batch(); ++round) {
  }
}

/// True if there may be more.
bool UdpPort::Impl::receive_batch() {
  for (std::size_t i = 0; i < batch; ++i) {
    in->parts[i] = {in->octets[i].data(), largest};
    in->messages[i] = {};
    in->messages[i].msg_hdr.msg_name = &in->from[i];
    in->messages[i].msg_hdr.msg_namelen = sizeof(SocketAddress);
    in->messages[i].msg_hdr.msg_iov = &in->parts[i];
    in->messages[i].msg_hdr.msg_iovlen = 1;
  }
  const int count = ::recvmmsg(socket.native_handle(), in->messages.data(), batch, MSG_DONTWAIT, nullptr);
  // The next call returns a pending ICMP error once; its details were in the error queue.
  if (count < 0) return is_unreachable(errno) || errno == EINTR;
  for (std::size_t i = 0; i < static_cast<std::size_t>(count) && handlers.on_datagram; ++i) {
    const bool cut = (in->messages[i].msg_hdr.msg_flags & MSG_TRUNC) != 0;
    if (!cut) handlers.on_datagram(read(in->from[i]), ByteView(in->octets[i]).first(in->messages[i].msg_len));
  }
  return static_cast<std::size_t>(count) == batch;
}

void UdpPort::Impl::drain_errors() {
  while (socket.is_open() && read_error()) {
  }
}

/// Takes one entry of the error queue: where the datagram was sent, and what came back.
bool UdpPort::Impl::read_error() {
  SocketAddress to{};
  std::array<std::uint8_t, 64> octets{};
  alignas(cmsghdr) std::array<std::uint8_t, 512> control{};
  iovec part{octets.data(), octets.size()};
  msghdr message{};
  message.msg_name = &to;
  message.msg_namelen = sizeof to;
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  if (::recvmsg(socket.native_handle(), &message, MSG_ERRQUEUE | MSG_DONTWAIT) < 0) return false;
  for (const cmsghdr* head = CMSG_FIRSTHDR(&message); head != nullptr;
       head = CMSG_NXTHDR(&message, const_cast<cmsghdr*>(head))) {
    const bool ip = head->cmsg_level == IPPROTO_IP && head->cmsg_type == IP_RECVERR;
    const bool ip6 = head->cmsg_level == IPPROTO_IPV6 && head->cmsg_type == IPV6_RECVERR;
    if (!ip && !ip6) continue;
    sock_extended_err details{};
    std::memcpy(&details, CMSG_DATA(head), sizeof details);
    const bool icmp = details.ee_origin == SO_EE_ORIGIN_ICMP || details.ee_origin == SO_EE_ORIGIN_ICMP6;
    if (icmp && is_unreachable(static_cast<int>(details.ee_errno)) && handlers.on_unreachable) {
      handlers.on_unreachable(read(to));
    }
  }
  return true;
}

void UdpPort::Impl::send(const Address& to, ByteView datagram) {
  const bool v4 = to.ip.family == IpAddress::Family::v4;
  if (!socket.is_open() || (!v4 && !v6)) return report_unreachable(to);
  SocketAddress address;
  const socklen_t size = fill(address, to, v6);
  const auto attempt = [&] {
    return ::sendto(socket.native_handle(), datagram.data(), datagram.size(), MSG_DONTWAIT | MSG_NOSIGNAL,
                    &address.any, size);
  };
  if (attempt() >= 0) return;
  // ECONNREFUSED is the ICMP answer to an earlier datagram, maybe to another address; this one was not sent.
  if (errno == ECONNREFUSED && attempt() >= 0) return;
  if (is_unreachable(errno)) report_unreachable(to);
}

void UdpPort::Impl::report_unreachable(const Address& to) {
  boost::asio::post(context, [self = shared_from_this(), to] {
    if (self->handlers.on_unreachable) self->handlers.on_unreachable(to);
  });
}

UdpPort::UdpPort(boost::asio::io_context& context) : impl_(std::make_shared<Impl>(context)) {}

UdpPort::~UdpPort() { impl_->close(); }

Result<void> UdpPort::open(const Address& local, Handlers handlers) {
  impl_->handlers = std::move(handlers);
  return impl_->open(local);
}

void UdpPort::close() { impl_->close(); }

void UdpPort::send(const Address& to, ByteView datagram) { impl_->send(to, datagram); }

const Address& UdpPort::local() const { return impl_->local; }

}  // namespace beckon::stream
