#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "server/config/config.hpp"
#include "server/daemon/certificates.hpp"
#include "server/daemon/failure.hpp"
#include "server/daemon/seat.hpp"
#include "server/shard/node.hpp"

namespace beckon::server {

/// Answers a STUN Binding request on any port of the server (RFC 8489).
std::optional<Bytes> answer_stun(const Address& from, ByteView message);

/// Gives every seat its SIP transport and opens the SIP listeners of the configuration, which go to `bound`.
/// What arrives on a seat's loop is handed to the shard of the same number; `node` is set before the loops
/// run.
std::optional<Failure> open_sip_ports(const Config& config, const Certificates& certificates,
                                      const Seats& seats, const std::unique_ptr<Node>& node,
                                      std::vector<Listener>& bound);

}  // namespace beckon::server
