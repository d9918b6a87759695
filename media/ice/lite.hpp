#pragma once

#include <array>
#include <optional>
#include <string>

#include "protocol/base/address.hpp"
#include "protocol/base/bytes.hpp"
#include "protocol/base/random.hpp"

namespace beckon::ice {

/// Name and password of one end's checks (RFC 8839 5.4).
struct Credentials {
  std::string ufrag;
  std::string password;  ///< Secret.
  bool operator==(const Credentials&) const = default;
};
/// 8 and 32 characters of hex: 32 and 128 bits (RFC 8445 5.3 asks for 24 and 128).
Credentials make_credentials(Random& random);

/// ICE as an end has it that sends no checks (RFC 8445 2.5): it answers those of the peer, and sends where
/// the peer nominates. One port, one component. Pure; one thread.
class Lite {
 public:
  explicit Lite(Credentials own) : own_(std::move(own)) {}

  const Credentials& own() const { return own_; }
  /// The peer's ufrag, when its description is known; another one is an ICE restart of the peer, whose
  /// nominations begin anew. Empty: the peer has no ICE.
  void set_peer(const std::string& ufrag);

  struct Outcome {
    std::optional<Bytes> answer;  ///< To where the datagram came from.
    bool nominated = false;       ///< `remote` is another than before.
  };
  /// A datagram that is STUN by its first octet. What is no check gets no answer.
  Outcome on_datagram(const Address& from, ByteView datagram);

  /// The pair that the peer nominated last; empty: nothing may be sent yet.
  const std::optional<Address>& remote() const { return remote_; }
  /// Has an authentic check come from there? A DTLS hello from elsewhere is none of the peer's.
  bool has_checked(const Address& from) const;

 private:
  /// Addresses of the peer that are remembered: more than a phone with two networks and a relay has.
  static constexpr std::size_t checked_max = 16;

  Credentials own_;
  std::string peer_ufrag_;
  std::optional<Address> remote_;
  std::array<std::optional<Address>, checked_max> checked_;  ///< A ring, newest at `next_` - 1.
  std::size_t next_ = 0;
};

}  // namespace beckon::ice
