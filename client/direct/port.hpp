#pragma once

#include <vector>

#include "media/direct/candidates.hpp"
#include "media/stream/calls.hpp"

namespace beckon::client::direct {

/// The UDP port of direct sessions, which the shell or the simulation provides. What arrives there goes to
/// `Agent::on_datagram`.
class Port : public stream::Network {
 public:
  /// The addresses at which it can be reached; empty: no direct sessions.
  virtual std::vector<beckon::direct::Candidate> candidates() = 0;
  /// Which of a callee's candidates may be sent to.
  virtual beckon::direct::Networks networks() = 0;
};

}  // namespace beckon::client::direct
