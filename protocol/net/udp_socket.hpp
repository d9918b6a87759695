#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string_view>

#include "protocol/base/address.hpp"
#include "protocol/base/bytes.hpp"
#include "protocol/base/result.hpp"
#include "protocol/net/error.hpp"
#include "protocol/net/loop.hpp"
#include "protocol/transaction/transport.hpp"

namespace beckon::net {

/// A UDP socket that reads and writes in batches (recvmmsg, sendmmsg). What is sent during one turn of the
/// loop leaves together at its end.
class UdpSocket {
 public:
  static constexpr std::size_t batch = 64;          ///< Datagrams per system call.
  static constexpr std::size_t queue_limit = 8192;  ///< Datagrams waiting for a full socket buffer.
  static constexpr std::size_t largest = 65535;     ///< Octets read of one datagram.

  enum class Sharing {
    exclusive,  ///< An address in use is refused.
    first,      ///< As exclusive, but sockets opened with `joining` may follow (shard 0).
    joining,    ///< Shares the address of a `first` socket; the system spreads senders over them.
  };
  using OnDatagram = std::function<void(const Address& from, const Address& to, std::string_view octets)>;
  using OnUnreachable = std::function<void(const Address& to, ErrorCode error)>;

  explicit UdpSocket(Loop& loop);
  ~UdpSocket();
  UdpSocket(const UdpSocket&) = delete;
  UdpSocket& operator=(const UdpSocket&) = delete;

  /// Port 0 takes a free one. Returns the address bound, or the system's error.
  Result<Address> open(const Address& address, Sharing sharing, OnDatagram on_datagram);
  /// Of sockets that share an address the system reports an ICMP error to any, not to the one that sent:
  /// `share` is called with each error that arrives here, for the others' `tell_unreachable`.
  void share_errors(OnUnreachable share);
  void tell_unreachable(const Address& to, ErrorCode error);
  /// `failed` (may be empty) is called later, at most once: the system refused the datagram, or an ICMP error
  /// for `to` came within a few seconds. `source` chooses our address when the socket is bound to all of
  /// them; an unspecified one lets the system choose.
  void send(const Address& to, const IpAddress& source, transaction::Outgoing datagram,
            transaction::OnFailed failed);

  const Address& local() const;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace beckon::net
