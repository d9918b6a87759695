#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "media/dtls/machine.hpp"
#include "protocol/base/address.hpp"

namespace beckon::dtls {

/// What the signalling says of the peer.
struct Peer {
  Role own_role = Role::client;
  std::vector<Fingerprint> fingerprints;
  std::string id;  ///< a=tls-id (RFC 8842 4); empty: none.
  bool operator==(const Peer&) const = default;
};

/// The DTLS association of one call's media, from the offer on. It answers ClientHellos before the answer
/// tells who may send them: the keys are given away only when a fingerprint of the signalling matches (RFC
/// 5763 5). Several sources may try at once, as forks of a call do, and as strangers may; each has a machine
/// of its own, so that none is in the way of another. Pure but for the random octets of OpenSSL. One thread.
class Association {
 public:
  enum class State : std::uint8_t {
    open,      ///< Handshakes go on, or are awaited.
    verified,  ///< `keys` are there.
    failed,    ///< As client: another's certificate, or no answer.
  };
  using Send = std::function<void(const Address& to, ByteView datagram)>;
  /// Sources at once. Beyond, the oldest that is not the described address gives way.
  static constexpr std::size_t sources_max = 4;
  /// New handshakes of a client after a forged message ended one.
  static constexpr unsigned attempts_max = 4;

  /// `identity` outlives it. `send` is called from inside the functions below.
  Association(const Identity& identity, Send send) : identity_(identity), send_(std::move(send)) {}

  /// What offer and answer say. The same peer keeps the association; another begins a new one.
  void agree(const Peer& peer, Time now);
  /// Where the peer is; a client begins when it knows it. `checked`: ICE has shown that it is there, and no
  /// cookie is needed; then all datagrams are its, wherever they come from.
  void set_remote(const Address& remote, bool checked, Time now);
  void on_datagram(const Address& from, ByteView datagram, Time now);
  void on_deadline(Time now);
  std::optional<Time> deadline() const;
  /// Tells the peer.
  void close();

  State state() const { return state_; }
  /// Verified.
  const std::optional<Keys>& keys() const { return keys_; }
  /// Verified: where the handshake went.
  const std::optional<Address>& address() const { return address_; }

 private:
  struct Source {
    Address address;
    std::unique_ptr<Machine> machine;
  };

  Source* find(const Address& from);
  Source* admit(const Address& from, ByteView datagram);
  void dial(Time now);
  void settle(Time now);
  void flush(Source& source);
  bool judge(Source& source);

  const Identity& identity_;
  Send send_;
  State state_ = State::open;
  std::optional<Peer> peer_;
  std::optional<Address> remote_;
  bool checked_ = false;
  std::vector<Source> sources_;  ///< Oldest first. One of a client.
  unsigned attempts_ = 0;
  std::optional<Keys> keys_;
  std::optional<Address> address_;
};

}  // namespace beckon::dtls
