#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "protocol/net/udp_socket.hpp"

namespace beckon::net {

/// A UDP port that answers plain STUN (RFC 8489 Binding without credentials) and nothing else. `answer`
/// interprets the messages; a reply is never larger than 548 octets (RFC 8489 6.1), which limits
/// amplification.
class StunListener {
 public:
  /// The reply to `message`, received from `from`, or nullopt.
  using Answer = std::function<std::optional<Bytes>(const Address& from, ByteView message)>;
  StunListener(Loop& loop, Answer answer);
  Result<Address> listen(const Address& address);

 private:
  Answer answer_;
  UdpSocket socket_;
};

}  // namespace beckon::net
