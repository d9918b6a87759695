#pragma once

#include <vector>

#include "media/direct/candidates.hpp"
#include "media/stream/calls.hpp"

namespace beckon::client::direct {

/// The one UDP port of direct sessions, as the shell opened it (or the simulation made it up). What arrives
/// there is handed to `Agent::on_datagram`.
class Port : public stream::Network {
 public:
  /// Where it is reached; empty: no direct sessions.
  virtual std::vector<beckon::direct::Candidate> candidates() = 0;
  /// Which of a callee's candidates may be sent to.
  virtual beckon::direct::Networks networks() = 0;
};

}  // namespace beckon::client::direct
