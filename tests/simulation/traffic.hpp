#pragma once

#include <cstdint>
#include <string>

#include "tests/simulation/story.hpp"

/// Transactions and transports alone: parties that send each other requests over a network that loses,
/// doubles and reorders datagrams and cuts connections, with a forking proxy between some of them.
namespace beckon::simulation {

/// How one history of traffic is played.
struct TrafficScript {
  std::uint64_t seed = 1;
  double loss = 0;  ///< Of datagrams, 0 to 0.3.
  double duplication = 0;
  double reordering = 0;
  unsigned parties = 3;
  unsigned requests = 20;
  unsigned cuts = 0;   ///< A party's connections all break.
  bool trace = false;  ///< Print what is sent.
};
TrafficScript make_traffic(std::uint64_t seed);
std::string print(const TrafficScript& script);

/// Sends INVITEs (cancelled, refused, taken), other requests, long ones that have to go over TCP, to each
/// other and through the proxy, which forks them. What must hold:
/// - each request has exactly one end at its user: a final response, the first that arrived; a timeout, and
/// then
///   none had arrived; or a transport error;
/// - each request is seen by a party's user once, however often it arrives, and a transaction's final
/// responses
///   are all the same (but for the several 2xx of a forked INVITE);
/// - each final response to an INVITE is acknowledged: where "no ACK" is reported, none had arrived;
/// - 64*T1 and T4 after the last answer no transaction and no timer is left, and when all parties are gone
/// no
///   block of memory (`heap`).
History play(const TrafficScript& script);

}  // namespace beckon::simulation
