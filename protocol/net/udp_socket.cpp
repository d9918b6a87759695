#include "protocol/net/udp_socket.hpp"

#include <linux/errqueue.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/udp.hpp>
#include <cstring>
#include <deque>
#include <vector>

#include "protocol/base/log.hpp"
#include "protocol/net/asio.hpp"

namespace beckon::net {
namespace {

using boost::asio::ip::udp;

// An ICMP error fails the sends to its address within this time, and only the last of them.
constexpr Duration recent = 5s;
constexpr std::size_t recent_sends = 256;
// The system's buffers: a burst of registrations or a fan-out fits (the system may cap it).
constexpr int socket_buffer = 4 << 20;

Address read_address(const sockaddr_storage& storage) {
  Address address;
  if (storage.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(storage);
    std::memcpy(address.ip.octets.data(), &v4.sin_addr, 4);
    address.port = ntohs(v4.sin_port);
  } else if (storage.ss_family == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(storage);
    address.ip.family = IpAddress::Family::v6;
    std::memcpy(address.ip.octets.data(), &v6.sin6_addr, 16);
    address.port = ntohs(v6.sin6_port);
  }
  return address;
}

socklen_t write_address(const Address& address, sockaddr_storage& storage) {
  std::memset(&storage, 0, sizeof storage);
  if (address.ip.family == IpAddress::Family::v4) {
    auto& v4 = reinterpret_cast<sockaddr_in&>(storage);
    v4.sin_family = AF_INET;
    std::memcpy(&v4.sin_addr, address.ip.octets.data(), 4);
    v4.sin_port = htons(address.port);
    return sizeof v4;
  }
  auto& v6 = reinterpret_cast<sockaddr_in6&>(storage);
  v6.sin6_family = AF_INET6;
  std::memcpy(&v6.sin6_addr, address.ip.octets.data(), 16);
  v6.sin6_port = htons(address.port);
  return sizeof v6;
}

// Room for one packet-info control message of either family, and for an extended error.
struct alignas(cmsghdr) Control {
  std::array<char, 256> octets;
};

void set_source(const IpAddress& source, msghdr& header, Control& control) {
  const bool v4 = source.family == IpAddress::Family::v4;
  const std::size_t size = v4 ? sizeof(in_pktinfo) : sizeof(in6_pktinfo);
  std::memset(&control, 0, sizeof control);
  header.msg_control = control.octets.data();
  header.msg_controllen = CMSG_SPACE(size);
  cmsghdr* info = CMSG_FIRSTHDR(&header);
  info->cmsg_level = v4 ? IPPROTO_IP : IPPROTO_IPV6;
  info->cmsg_type = v4 ? IP_PKTINFO : IPV6_PKTINFO;
  info->cmsg_len = CMSG_LEN(size);
  // ipi_spec_dst, or ipi6_addr.
  unsigned char* place = CMSG_DATA(info) + (v4 ? offsetof(in_pktinfo, ipi_spec_dst) : 0);
  std::memcpy(place, source.octets.data(), source.bytes().size());
}

std::optional<IpAddress> read_destination(msghdr& header) {
  for (cmsghdr* info = CMSG_FIRSTHDR(&header); info; info = CMSG_NXTHDR(&header, info)) {
    IpAddress ip;
    if (info->cmsg_level == IPPROTO_IP && info->cmsg_type == IP_PKTINFO) {
      std::memcpy(ip.octets.data(), CMSG_DATA(info) + offsetof(in_pktinfo, ipi_addr), 4);
      return ip;
    }
    if (info->cmsg_level == IPPROTO_IPV6 && info->cmsg_type == IPV6_PKTINFO) {
      ip.family = IpAddress::Family::v6;
      std::memcpy(ip.octets.data(), CMSG_DATA(info), 16);
      return ip;
    }
  }
  return std::nullopt;
}

iovec vector_of(const SharedText& text) { return {const_cast<char*>(text->data()), text->size()}; }

int read_extended_error(msghdr& header) {
  for (cmsghdr* info = CMSG_FIRSTHDR(&header); info; info = CMSG_NXTHDR(&header, info)) {
    const bool v4 = info->cmsg_level == IPPROTO_IP && info->cmsg_type == IP_RECVERR;
    const bool v6 = info->cmsg_level == IPPROTO_IPV6 && info->cmsg_type == IPV6_RECVERR;
    if (!v4 && !v6) continue;
    sock_extended_err extended;
    std::memcpy(&extended, CMSG_DATA(info), sizeof extended);
    return static_cast<int>(extended.ee_errno);
  }
  return 0;
}

}  // namespace

struct UdpSocket::Impl : std::enable_shared_from_this<Impl> {
  using Failed = transaction::OnFailed;
  struct Item {
    Address to;
    IpAddress source;
    transaction::Outgoing datagram;
    Failed failed;
  };
  struct Sent {
    Address to;
    Time when;
    Failed failed;
  };
  // The buffers of one recvmmsg: 4 MiB of address space, of which the system backs what was touched.
  struct Inbox {
    // A stride that is no multiple of 4 KiB: usual datagrams of one batch share no cache sets.
    static constexpr std::size_t stride = largest + 1 + 640;
    std::unique_ptr<char[]> octets = std::make_unique_for_overwrite<char[]>(batch * stride);
    std::array<mmsghdr, batch> headers{};
    std::array<iovec, batch> vectors;
    std::array<sockaddr_storage, batch> from;
    std::array<Control, batch> control;

    Inbox() {
      for (std::size_t i = 0; i < batch; ++i) {
        vectors[i] = {octets.get() + i * stride, largest};
        msghdr& header = headers[i].msg_hdr;
        header.msg_name = &from[i];
        header.msg_iov = &vectors[i];
        header.msg_iovlen = 1;
        header.msg_control = control[i].octets.data();
      }
    }
    std::string_view datagram(std::size_t i) const { return {octets.get() + i * stride, headers[i].msg_len}; }
  };

  explicit Impl(Loop& owner) : loop(owner), socket(owner.context()) {}

  // ---- opening
  Result<Address> open(const Address& address, Sharing sharing);
  void set_options(const Address& address);

  // ---- receiving
  void wait_readable();
  void drain();
  int receive_batch();
  void deliver(int count);

  // ---- sending
  void send(Item item);
  void flush_later();
  void flush();
  void send_waiting();
  int send_batch(std::size_t count);
  bool handle_send_error(int error);
  std::size_t waiting() const { return outgoing.size() - first; }
  void drop(std::size_t count);
  void remember(Item& item);
  void fail_later(Failed failed, ErrorCode error);
  void drain_errors();
  void tell_unreachable(const Address& to, ErrorCode error);
  void close();

  int fd() { return socket.native_handle(); }

  Loop& loop;
  udp::socket socket;
  OnDatagram on_datagram;
  OnUnreachable share_error;
  Address local;
  bool any_address = false;
  std::unique_ptr<Inbox> inbox = std::make_unique<Inbox>();
  std::vector<Item> outgoing;  ///< Those before `first` have left.
  std::size_t first = 0;
  std::deque<Sent> sent;
  bool flush_pending = false;  ///< A turn's end will call flush.
  bool blocked = false;        ///< The system's buffer is full; we wait until it has room.
  bool retried = false;        ///< The front datagram met an error that belonged to an earlier one.
  bool open_ = false;
};

Result<Address> UdpSocket::Impl::open(const Address& address, Sharing sharing) {
  const udp::endpoint endpoint(to_asio(address.ip), address.port);
  ErrorCode error;
  socket.open(endpoint.protocol(), error);
  if (error) return error;
  set_options(address);
  const int yes = 1;
  if (sharing == Sharing::joining) ::setsockopt(fd(), SOL_SOCKET, SO_REUSEPORT, &yes, sizeof yes);
  socket.bind(endpoint, error);
  if (error) {
    ErrorCode ignored;
    socket.close(ignored);
    return error;
  }
  // Set after the bind, so that another program's socket on that address is an error and does not share it.
  if (sharing == Sharing::first) ::setsockopt(fd(), SOL_SOCKET, SO_REUSEPORT, &yes, sizeof yes);
  socket.non_blocking(true, error);
  local = from_asio(socket.local_endpoint(error));
  any_address = local.ip.is_unspecified();
  open_ = true;
  wait_readable();
  return local;
}

void UdpSocket::Impl::set_options(const Address& address) {
  const int yes = 1;
  ::setsockopt(fd(), SOL_SOCKET, SO_RCVBUF, &socket_buffer, sizeof socket_buffer);
  ::setsockopt(fd(), SOL_SOCKET, SO_SNDBUF, &socket_buffer, sizeof socket_buffer);
  if (address.ip.family == IpAddress::Family::v4) {
    if (address.ip.is_unspecified()) ::setsockopt(fd(), IPPROTO_IP, IP_PKTINFO, &yes, sizeof yes);
    ::setsockopt(fd(), IPPROTO_IP, IP_RECVERR, &yes, sizeof yes);
  } else {
    ::setsockopt(fd(), IPPROTO_IPV6, IPV6_V6ONLY, &yes, sizeof yes);
    if (address.ip.is_unspecified()) ::setsockopt(fd(), IPPROTO_IPV6, IPV6_RECVPKTINFO, &yes, sizeof yes);
    ::setsockopt(fd(), IPPROTO_IPV6, IPV6_RECVERR, &yes, sizeof yes);
  }
}

void UdpSocket::Impl::close() {
  ErrorCode ignored;
  open_ = false;
  socket.close(ignored);
  on_datagram = nullptr;
  share_error = nullptr;
  outgoing.clear();
  first = 0;
  sent.clear();
}

void UdpSocket::Impl::wait_readable() {
  socket.async_wait(udp::socket::wait_read, [self = shared_from_this()](const ErrorCode& error) {
    if (error || !self->open_) return;
    self->drain();
    if (self->open_) self->wait_readable();
  });
}

// A flood must not starve timers and other sockets: some batches, then back to the loop.
void UdpSocket::Impl::drain() {
  for (int round = 0; round < 4 && open_; ++round) {
    const int count = receive_batch();
    if (count < 0)
      return drain_errors();  // woken for an ICMP error; the socket stays "ready" until it is read
    deliver(count);
    if (count < static_cast<int>(batch)) return;
  }
}

int UdpSocket::Impl::receive_batch() {
  for (std::size_t i = 0; i < batch; ++i) {
    // The last call has changed them.
    msghdr& header = inbox->headers[i].msg_hdr;
    header.msg_namelen = sizeof inbox->from[i];
    header.msg_controllen = any_address ? inbox->control[i].octets.size() : 0;
  }
  return ::recvmmsg(fd(), inbox->headers.data(), batch, MSG_DONTWAIT, nullptr);
}

void UdpSocket::Impl::deliver(int count) {
  const auto handler = on_datagram;  // outlives a `close` from inside it
  for (std::size_t i = 0; i < static_cast<std::size_t>(count) && open_; ++i) {
    Address to = local;
    if (any_address)
      if (const auto ip = read_destination(inbox->headers[i].msg_hdr)) to.ip = *ip;
    handler(read_address(inbox->from[i]), to, inbox->datagram(i));
  }
}

void UdpSocket::Impl::send(Item item) {
  if (!open_) return fail_later(std::move(item.failed), Errc::no_socket);
  if (waiting() >= queue_limit) return fail_later(std::move(item.failed), Errc::queue_full);
  outgoing.push_back(std::move(item));
  // A full batch gains nothing by waiting, and is still in the caches.
  if (waiting() == batch && !blocked) return send_waiting();
  flush_later();
}

void UdpSocket::Impl::flush_later() {
  if (std::exchange(flush_pending, true)) return;
  loop.at_turn_end([self = shared_from_this()] { self->flush(); });
}

void UdpSocket::Impl::flush() {
  flush_pending = false;
  if (!blocked) send_waiting();
}

void UdpSocket::Impl::send_waiting() {
  while (open_ && waiting() > 0) {
    const int count = send_batch(std::min(waiting(), batch));
    if (count > 0) {
      drop(static_cast<std::size_t>(count));
    } else if (!handle_send_error(errno)) {
      return;
    }
  }
}

int UdpSocket::Impl::send_batch(std::size_t count) {
  std::array<mmsghdr, batch> headers;
  std::array<iovec, 2 * batch> vectors;
  std::array<sockaddr_storage, batch> names;
  std::array<Control, batch> controls;
  for (std::size_t i = 0; i < count; ++i) {
    const Item& item = outgoing[first + i];
    const auto& [head, body] = item.datagram;
    vectors[2 * i] = vector_of(head);
    if (body) vectors[2 * i + 1] = vector_of(body);
    headers[i] = {};
    msghdr& header = headers[i].msg_hdr;
    header.msg_name = &names[i];
    header.msg_namelen = write_address(item.to, names[i]);
    header.msg_iov = &vectors[2 * i];
    header.msg_iovlen = body ? 2 : 1;
    if (any_address && !item.source.is_unspecified() && item.source.family == local.ip.family)
      set_source(item.source, header, controls[i]);
  }
  return ::sendmmsg(fd(), headers.data(), static_cast<unsigned>(count), MSG_DONTWAIT | MSG_NOSIGNAL);
}

// True: go on sending.
bool UdpSocket::Impl::handle_send_error(int error) {
  if (error == EINTR) return true;
  if (error == EAGAIN || error == EWOULDBLOCK || error == ENOBUFS) {
    blocked = true;
    socket.async_wait(udp::socket::wait_write, [self = shared_from_this()](const ErrorCode&) {
      self->blocked = false;
      self->send_waiting();
    });
    return false;
  }
  // With IP_RECVERR a send reports the ICMP error of an earlier one first, once.
  if (!std::exchange(retried, true)) {
    drain_errors();
    return true;
  }
  retried = false;
  fail_later(std::move(outgoing[first].failed), {error, boost::system::system_category()});
  outgoing[first].failed = nullptr;
  drop(1);
  return true;
}

void UdpSocket::Impl::drop(std::size_t count) {
  retried = false;
  for (const std::size_t end = first + count; first < end; ++first) {
    remember(outgoing[first]);
    outgoing[first].datagram = {};
  }
  if (first == outgoing.size() || first >= queue_limit) {
    outgoing.erase(outgoing.begin(), outgoing.begin() + static_cast<std::ptrdiff_t>(first));
    first = 0;
  }
}

void UdpSocket::Impl::remember(Item& item) {
  if (!item.failed) return;
  if (sent.size() >= recent_sends) sent.pop_front();
  sent.push_back({item.to, loop.now().mono, std::move(item.failed)});
}

void UdpSocket::Impl::fail_later(Failed failed, ErrorCode error) {
  if (!failed) return;
  loop.post([failed = std::move(failed), error] { failed(error); });
}

void UdpSocket::Impl::drain_errors() {
  for (std::size_t i = 0; i < batch; ++i) {
    std::array<char, 64> payload;
    iovec vector{payload.data(), payload.size()};
    sockaddr_storage name{};
    Control control;
    msghdr header{};
    header.msg_name = &name;
    header.msg_namelen = sizeof name;
    header.msg_iov = &vector;
    header.msg_iovlen = 1;
    header.msg_control = control.octets.data();
    header.msg_controllen = control.octets.size();
    if (::recvmsg(fd(), &header, MSG_ERRQUEUE | MSG_DONTWAIT) < 0) return;
    const int code = read_extended_error(header);
    if (code == 0) continue;
    const ErrorCode error(code, boost::system::system_category());
    tell_unreachable(read_address(name), error);
    if (share_error) share_error(read_address(name), error);
  }
}

void UdpSocket::Impl::tell_unreachable(const Address& to, ErrorCode error) {
  const Time oldest = loop.now().mono - recent;
  std::erase_if(sent, [&](Sent& each) {
    if (each.when < oldest) return true;
    if (each.to != to) return false;
    fail_later(std::move(each.failed), error);
    return true;
  });
}

UdpSocket::UdpSocket(Loop& loop) : impl_(std::make_shared<Impl>(loop)) {}
UdpSocket::~UdpSocket() { impl_->close(); }

Result<Address> UdpSocket::open(const Address& address, Sharing sharing, OnDatagram on_datagram) {
  impl_->on_datagram = std::move(on_datagram);
  return impl_->open(address, sharing);
}

void UdpSocket::share_errors(OnUnreachable share) { impl_->share_error = std::move(share); }

void UdpSocket::tell_unreachable(const Address& to, ErrorCode error) { impl_->tell_unreachable(to, error); }

void UdpSocket::send(const Address& to, const IpAddress& source, transaction::Outgoing datagram,
                     transaction::OnFailed failed) {
  impl_->send({to, source, std::move(datagram), std::move(failed)});
}

const Address& UdpSocket::local() const { return impl_->local; }

}  // namespace beckon::net
