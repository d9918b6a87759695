#pragma once

#include <string>
#include <string_view>

#include "fixture.hpp"

/// What the tests of the server's side of the layer receive.
namespace beckon::transaction::testing::server {

inline const Hop udp{
    .protocol = Protocol::udp, .remote = *parse_address("192.0.2.1:40000"), .local = {}, .flow = 0};
inline const Hop tcp{
    .protocol = Protocol::tcp, .remote = *parse_address("192.0.2.1:40000"), .local = {}, .flow = 7};

/// Each Via is another call: what is the same call on two ways is said by the tests of merged requests.
inline std::string request(std::string_view method, std::string_view via, std::string_view cseq_method = {},
                           std::string_view to_tag = {}) {
  std::string text(method);
  text += " sip:alice@example.org SIP/2.0\nVia: SIP/2.0/";
  text.append(via).append("\nVia: SIP/2.0/UDP 198.51.100.7;branch=z9hG4bKfar\nMax-Forwards: 70\n");
  text.append("From: <sip:bob@example.org>;tag=bob\nTo: <sip:alice@example.org>").append(to_tag);
  text += "\nCall-ID: call-" + std::to_string(std::hash<std::string_view>{}(via));
  text.append("\nCSeq: 5 ").append(cseq_method.empty() ? method : cseq_method);
  return text.append("\nContent-Length: 0\n\n");
}

inline constexpr std::string_view via_udp = "UDP 192.0.2.1:5062;branch=z9hG4bKone";

}  // namespace beckon::transaction::testing::server
