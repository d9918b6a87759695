#pragma once

#include <chrono>
#include <string>

#include "protocol/sip/message.hpp"

namespace beckon::server {

/// 64*T1: for how long a client repeats a request, and thus for how long an answer is worth keeping (RFC
/// 3261 17.1.2.2).
inline constexpr std::chrono::seconds replay_time{32};

/// What is the same in a request and its retransmissions and different in every other: Call-ID, CSeq,
/// From-tag and the branch of the top Via.
std::string request_identity(const sip::Message& request);

}  // namespace beckon::server
