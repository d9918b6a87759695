#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "media/dtls/identity.hpp"
#include "media/srtp/session.hpp"
#include "protocol/base/time.hpp"

struct ssl_st;
struct bio_st;
struct bio_method_st;

namespace beckon::dtls {

enum class Role : std::uint8_t {
  client,  ///< a=setup:active
  server,  ///< a=setup:passive
};

/// What SRTP gets out of a handshake (RFC 5764 4.2): master key, then master salt, of each direction.
struct Keys {
  srtp::Profile profile = srtp::Profile::aead_aes128_gcm;
  Bytes local, remote;
  bool operator==(const Keys&) const = default;
};

/// Larger datagrams are dropped. No handshake sends more than an Ethernet frame carries.
inline constexpr std::size_t datagram_max = 8192;
/// What is sent fits behind IPv6, UDP and a tunnel.
inline constexpr std::size_t mtu = 1200;

/// One DTLS association with use_srtp (RFC 5764, RFC 6347): a shell around OpenSSL. Datagrams and the time go
/// in, datagrams and a deadline come out. It trusts any certificate: the owner compares fingerprints before
/// it uses the keys. OpenSSL draws random octets by itself. One thread.
class Machine {
 public:
  enum class State : std::uint8_t {
    handshaking,
    connected,  ///< The peer has the key of its certificate; `keys` are there.
    failed,     ///< It can only be destroyed. The peer may have been told by an alert.
    closed,     ///< The peer said that it is done.
  };
  /// The first repetition. COMPAT: baresip does not listen before it has read the answer, and drops the
  /// ClientHello that came before it. RFC 6347 4.2.4.1 suggests a second for want of knowledge, which a
  /// caller would hear.
  static constexpr Duration first_pause = std::chrono::milliseconds(100);
  static constexpr Duration longest_pause = std::chrono::seconds(3);
  /// Without progress: gives up after some 24 s (OpenSSL stops after twelve).
  static constexpr unsigned repetitions_max = 12;
  /// What a peer may send before the handshake is done. A lossy one needs some tens.
  static constexpr unsigned datagrams_max = 300;

  /// `identity` outlives it. `source`: a server demands that the peer receives at the address that these
  /// octets name (HelloVerifyRequest, RFC 6347 4.2.1); empty: this has been checked.
  Machine(const Identity& identity, Role role, Bytes source);
  ~Machine();
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;

  /// A client's first flight. A server does nothing.
  void start(Time now);
  void on_datagram(ByteView datagram, Time now);
  /// Sends the last flight again if it is time.
  void on_deadline(Time now);
  std::optional<Time> deadline() const { return deadline_; }
  /// Tells the peer that nothing follows (close_notify).
  void close();
  /// What is to be sent, in this order. It is forgotten.
  std::vector<Bytes> take_output();

  State state() const { return state_; }
  Role role() const { return role_; }
  /// Connected, and both agreed on a profile of SRTP.
  const std::optional<Keys>& keys() const { return keys_; }
  /// Does the certificate that the peer proved to own have one of them? False before it is connected.
  bool has_peer(std::span<const Fingerprint> fingerprints) const;

 private:
  /// What lies under OpenSSL.
  struct Wire;
  struct Free {
    void operator()(ssl_st* ssl) const;
  };
  static const bio_method_st* wire_method();
  static Wire& wire_of(bio_st* bio);
  static int read(bio_st* bio, char* out, int size);
  static int write(bio_st* bio, const char* data, int size);
  static long control(bio_st* bio, int command, long number, void* pointer);
  static Machine& machine_of(ssl_st* ssl);
  static int make_cookie(ssl_st* ssl, unsigned char* cookie, unsigned* size);
  static int check_cookie(ssl_st* ssl, const unsigned char* cookie, unsigned size);

  void advance(Time now);
  void finish_handshake();
  void fail();

  const Identity& identity_;
  Role role_;
  Bytes source_;
  State state_ = State::handshaking;
  std::unique_ptr<Wire> wire_;
  std::unique_ptr<ssl_st, Free> ssl_;
  std::optional<Keys> keys_;
  std::optional<Time> deadline_;
  Duration pause_ = first_pause;
  unsigned repetitions_ = 0;
  unsigned datagrams_ = 0;
};

}  // namespace beckon::dtls
