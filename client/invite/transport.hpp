#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "client/invite/port.hpp"
#include "media/dtls/association.hpp"
#include "media/ice/lite.hpp"
#include "protocol/base/timers.hpp"
#include "protocol/sdp/negotiation.hpp"

namespace beckon::client::invite {

/// The UDP port of one call, sorted as RFC 7983 has it: ICE lite answers checks, DTLS makes keys, the rest is
/// media. DTLS listens from the own offer on. One thread.
class Transport {
 public:
  struct Handlers {
    std::function<void(const Address& from, ByteView datagram)> on_media;
    /// Keys are there, the peer nominated another address, or `failed` is true now.
    std::function<void()> on_change;
  };

  /// All but the handlers outlive it.
  Transport(const dtls::Identity& identity, Random& random, TimerQueue& timers, Clock& clock,
            Handlers handlers);
  ~Transport();

  /// Errors: the system's.
  Result<void> open(Ports& ports, const IpAddress& ip);
  stream::MediaPort& port() { return *port_; }
  /// What this end says of itself in descriptions. `offered`: offers ask for DTLS.
  void describe(sdp::Audio& audio, Random& random, bool offered) const;
  /// An offer of DTLS goes out: hellos and checks may come before its answer.
  void listen() { listens_ = true; }

  /// What offer and answer say, again at each change of the session.
  void agree(const sdp::Agreement& agreement);
  /// Keys and addresses as they are now; without the keys that were agreed on nothing flows.
  void complete(stream::LegPlan& plan) const;
  /// Another's certificate, or no answer.
  bool failed() const { return association_.state() == dtls::Association::State::failed; }
  void close();

 private:
  void on_datagram(const Address& from, ByteView datagram);
  void on_check(const Address& from, ByteView datagram);
  /// After everything that may change the association.
  void settle(bool changed);

  Clock& clock_;
  Handlers handlers_;
  ice::Lite lite_;
  dtls::Association association_;
  Timer timer_;
  std::unique_ptr<stream::MediaPort> port_;
  const dtls::Fingerprint& fingerprint_;
  bool listens_ = false;
  bool has_dtls_ = false, has_ice_ = false;  ///< Agreed; ICE with a peer that sends checks.
  dtls::Association::State reported_ = dtls::Association::State::open;
};

}  // namespace beckon::client::invite
