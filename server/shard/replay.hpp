#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "protocol/sip/message.hpp"

namespace beckon::server {

/// 64*T1: for how long a client repeats a request, and thus for how long an answer is worth keeping (RFC
/// 3261 17.1.2.2).
inline constexpr std::chrono::seconds replay_time{32};

/// Does what such a request brings about live on the connection it came on: a flow, a dialog's peer, a direct
/// offer?
constexpr bool lives_on_flow(sip::Method method) {
  return method == sip::Method::register_ || method == sip::Method::subscribe ||
         method == sip::Method::publish;
}

/// What is the same in a request and its retransmissions and different in every other: Call-ID, CSeq,
/// From-tag and the branch of the top Via.
std::string request_identity(const sip::Message& request);

/// What a store keeps of a response that `begin_reply` began with that To-tag: without the lines that its
/// request repeats.
std::string pack_answer(std::string_view to_tag, std::string_view response);
/// The response again, to a retransmission of its request; empty for what cannot be read.
std::string unpack_answer(const sip::Message& request, std::string_view packed);

}  // namespace beckon::server
