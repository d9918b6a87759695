#pragma once

#include <cstdint>
#include <string>

#include "protocol/transaction/transport.hpp"

namespace beckon::simulation {

/// How one history is played.
struct Script {
  std::uint64_t seed = 1;
  transaction::Protocol protocol = transaction::Protocol::udp;
  double loss = 0;  ///< Of datagrams, 0 to 0.3.
  double duplication = 0;
  double reordering = 0;
  unsigned shards = 1;
  unsigned crashes = 0;  ///< The server is killed, and comes back soon.
  unsigned cuts = 0;     ///< All connections break.
  bool leak = false;     ///< The server shall lose a block of memory: a test of the check.
  bool trace = false;    ///< Print what is sent and what people see.
};

/// Chooses the script of a seed.
Script make_script(std::uint64_t seed);
std::string print(const Script& script);

}  // namespace beckon::simulation
