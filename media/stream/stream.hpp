#pragma once

#include <vector>

#include "media/stream/calls.hpp"
#include "media/stream/interfaces.hpp"
#include "media/stream/udp_port.hpp"

namespace beckon::stream {

/// Direct calls on a real socket: `Calls` behind a `UdpPort`. Everything runs on the io_context's one thread;
/// its owner advances `timers`, which must be looked at again after each handler. Outlived by all it is
/// given.
class Stream final : private Network {
 public:
  Stream(boost::asio::io_context& context, Clock& clock, TimerQueue& timers, Random& random,
         direct::Identity identity, direct::Trust& trust, User& user);

  /// Opens the port: "0.0.0.0:0" takes any, "[::]:0" both IP versions. Errors: the system's.
  Result<void> start(const Address& local);
  /// Closes it; sessions end by themselves later. Hang up first.
  void stop() { port_.close(); }

  const Address& local() const { return port_.local(); }
  /// Where we can be called now: looks at the machine's interfaces. Loopback only where `loopback`.
  std::vector<direct::Candidate> candidates(bool loopback) const;

  Calls& calls() { return calls_; }
  const Calls& calls() const { return calls_; }

 private:
  void send(const Address& to, ByteView datagram) override { port_.send(to, datagram); }

  Clock& clock_;
  UdpPort port_;
  Calls calls_;
};

}  // namespace beckon::stream
