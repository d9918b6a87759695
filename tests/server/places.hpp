#pragma once

#include <string>

#include "protocol/transaction/transport.hpp"

/// The users of the server's tests, and where they are.
namespace beckon::server::test {

using transaction::Hop;
using transaction::Protocol;

inline const std::string alice = "sip:alice@example.org";
inline const std::string bob = "sip:bob@example.org";
inline const std::string carol = "sip:carol@example.org";

inline Hop udp(std::uint16_t port) {
  return {Protocol::udp, *parse_address("192.0.2.9:" + std::to_string(port)),
          *parse_address("192.0.2.1:5060"), 0};
}
inline Hop tls(transaction::FlowId flow) {
  return {Protocol::tls, *parse_address("192.0.2.9:40000"), *parse_address("192.0.2.1:5061"), flow};
}

}  // namespace beckon::server::test
