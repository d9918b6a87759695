#pragma once

#include <memory>
#include <vector>

#include "protocol/crypto/crypto.hpp"
#include "protocol/locate/finder.hpp"
#include "protocol/net/dns_client.hpp"
#include "protocol/net/loop.hpp"
#include "protocol/net/sip_transport.hpp"
#include "protocol/trace/recorder.hpp"
#include "protocol/trace/tap.hpp"
#include "server/config/config.hpp"
#include "server/store/memory.hpp"
#include "server/store/store.hpp"

namespace beckon::server {

/// One shard's thread: its loop, and what of the program belongs to that thread. Members are destroyed in
/// reverse order: what uses the loop first, the loop last.
struct Seat {
  Seat(unsigned number, const Config& config)
      : loop(static_cast<std::uint8_t>(number)),
        recorder(loop.clock(), {.messages = config.trace_messages, .octets = config.trace_octets}) {
    loop.unfinished().set_limit(std::size_t{1024} * config.connections.unfinished_kib);
  }

  net::Loop loop;
  trace::Recorder recorder;
  crypto::SystemRandom random;
  std::unique_ptr<store::StateStore> state;
  std::unique_ptr<store::DurableStore> users;
  store::LocalBus bus{loop.timers(), loop.clock()};
  std::unique_ptr<net::Receiver> receiver;
  std::unique_ptr<net::SipTransport> transport;
  std::unique_ptr<trace::Tap> tap;  ///< In front of the transport.
  std::unique_ptr<net::DnsClient> dns;
  std::unique_ptr<locate::Finder> locator;
};
using Seats = std::vector<std::unique_ptr<Seat>>;

}  // namespace beckon::server
