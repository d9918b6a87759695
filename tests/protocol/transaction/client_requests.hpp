#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "fixture.hpp"

/// What the tests of the client's side of the layer send.
namespace beckon::transaction::testing::client {

inline const Hop udp{
    .protocol = Protocol::udp, .remote = *parse_address("192.0.2.1:5060"), .local = {}, .flow = 0};
inline const Hop tcp{
    .protocol = Protocol::tcp, .remote = *parse_address("192.0.2.1:5060"), .local = {}, .flow = 7};

inline std::string request(std::string_view method) {
  std::string text(method);
  text +=
      " sip:alice@example.org SIP/2.0\r\nRoute: <sip:p1.example.org;lr>\r\nRoute: "
      "<sip:p2.example.org;lr>\r\n";
  text += "Max-Forwards: 70\r\nFrom: <sip:bob@example.org>;tag=bob\r\nTo: <sip:alice@example.org>\r\n";
  text.append("Call-ID: call-1\r\nCSeq: 5 ").append(method);
  return text.append("\r\nContent-Length: 0\r\n\r\n");
}

struct Client : Fixture {
  using Fixture::Fixture;
  struct End {
    Outcome::Kind kind;
    int status;
  };
  std::vector<End> ends;
  int provisionals = 0;

  TransactionId send_it(std::string_view method, const Hop& hop = udp) {
    return layer.send(
        request(method), hop,
        [this](const Outcome& outcome, Now) {
          CHECK((outcome.response != nullptr) ==
                (outcome.kind == Outcome::Kind::provisional || outcome.kind == Outcome::Kind::final));
          if (outcome.kind == Outcome::Kind::provisional)
            ++provisionals;
          else
            ends.push_back({outcome.kind, outcome.status});
        },
        now());
  }
  void answer(std::size_t index, int status, std::string_view tag = "ua") {
    const auto text = sip::Builder::reply(sent.at(index).message, status, tag).finish();
    layer.receive(udp, sip::Message::parse(share(text), roomy).value(), now());
  }
};

}  // namespace beckon::transaction::testing::client
