#include <doctest/doctest.h>

#include "tests/protocol/transaction/client_requests.hpp"

using namespace beckon;
using namespace beckon::transaction;
using namespace beckon::transaction::testing::client;
using sip::HeaderId;

namespace {

/// With a header line that makes it that long in all, our Via included.
std::string request_of_size(std::string_view method, std::size_t size) {
  std::string text = request(method);
  constexpr std::size_t token = 16;
  constexpr std::size_t via = sizeof "Via: SIP/2.0/UDP 192.0.2.9:5070;rport;branch=z9hG4bK\r\n" - 1 + token;
  const std::string line = "Subject: \r\n";
  text.insert(text.find("Content-Length"), line);
  text.insert(text.find("Subject: ") + 9, size - via - text.size(), 'x');
  return text;
}

}  // namespace

TEST_CASE("a request over 1300 octets goes over TCP, and its Via says so (RFC 3261 18.1.1)") {
  Client net;
  const auto ends = [&](const Outcome& outcome, Now) {
    if (outcome.kind != Outcome::Kind::provisional) net.ends.push_back({outcome.kind, outcome.status});
  };
  const auto refused = make_error_code(boost::system::errc::connection_refused);

  SUBCASE("1300 are not too many") {
    net.layer.send(request_of_size("PUBLISH", 1300), udp, ends, net.now());
    CHECK(net.sent[0].message.text().size() == 1300);
    CHECK(net.sent[0].hop.protocol == Protocol::udp);
    CHECK(net.sent[0].message.top_via()->transport == "UDP");
  }
  SUBCASE("1301 are") {
    net.layer.send(request_of_size("PUBLISH", 1301), udp, ends, net.now());
    CHECK(net.sent[0].hop.protocol == Protocol::tcp);
    CHECK(net.sent[0].hop.remote == udp.remote);
    CHECK(net.sent[0].message.top_via()->transport == "TCP");
    CHECK_FALSE(sip::find_parameter(net.sent[0].message.top_via()->parameters, "rport"));
    CHECK(net.sent[0].message.values(HeaderId::via).size() == 1);
    SUBCASE("it is not repeated there, and its answer ends it") {
      net.pass(500ms);
      CHECK(net.sent.size() == 1);
      net.answer(0, 200);
      CHECK(net.ends.at(0).status == 200);
    }
    SUBCASE("a failure after an answer is no reason for a datagram") {
      net.answer(0, 100);
      net.sent[0].failed(refused);
      CHECK(net.sent.size() == 1);
      CHECK(net.ends.at(0).status == 503);
    }
  }
  SUBCASE("a peer that refuses TCP gets it in a datagram after all, which is retransmitted as usual") {
    net.layer.send(request_of_size("PUBLISH", 1400), udp, ends, net.now());
    net.sent[0].failed(refused);
    REQUIRE(net.sent.size() == 2);
    CHECK(net.sent[1].hop.protocol == Protocol::udp);
    const auto via = net.sent[1].message.top_via();
    CHECK(via->transport == "UDP");
    CHECK(sip::find_parameter(via->parameters, "rport"));
    CHECK(via->branch() == net.sent[0].message.top_via()->branch());
    CHECK(net.sent[1].message.values(HeaderId::via).size() == 1);
    net.pass(10ms);
    CHECK(net.sent.size() == 3);
    SUBCASE("and answered") {
      net.answer(1, 200);
      CHECK(net.ends.at(0).status == 200);
    }
    SUBCASE("or not") {
      net.pass(640ms);
      CHECK(net.ends.at(0).kind == Outcome::Kind::timeout);
    }
    SUBCASE("or fails there too, which is the end") {
      net.sent[1].failed(refused);
      CHECK(net.ends.at(0).kind == Outcome::Kind::transport_error);
    }
  }
  SUBCASE("and is not asked for TCP again for ten minutes") {
    net.layer.send(request_of_size("PUBLISH", 1400), udp, ends, net.now());
    net.sent[0].failed(refused);
    net.answer(1, 200);
    net.layer.send(request_of_size("PUBLISH", 1400), udp, ends, net.now());
    CHECK(net.sent.back().hop.protocol == Protocol::udp);
    net.answer(net.sent.size() - 1, 200);
    net.pass(10min);
    net.layer.send(request_of_size("PUBLISH", 1400), udp, ends, net.now());
    CHECK(net.sent.back().hop.protocol == Protocol::tcp);
    net.answer(net.sent.size() - 1, 200);
  }
  SUBCASE("a MESSAGE has no fallback (RFC 3428 8)") {
    bool too_long = false;
    net.layer.send(
        request_of_size("MESSAGE", 1301), udp,
        [&](const Outcome& outcome, Now) {
          too_long = outcome.too_long;
          net.ends.push_back({outcome.kind, outcome.status});
        },
        net.now());
    CHECK(net.sent[0].hop.protocol == Protocol::tcp);
    net.sent[0].failed(refused);
    CHECK(net.sent.size() == 1);
    CHECK(net.ends.at(0).status == 503);
    CHECK(too_long);
  }
  SUBCASE("a flow is a flow, however long the request") {
    net.layer.send(request_of_size("PUBLISH", 1400), tcp, ends, net.now());
    CHECK(net.sent[0].hop == tcp);
    net.answer(0, 200);
  }
  net.pass(1s);
  CHECK(net.layer.size() == 0);
  CHECK(net.timers.size() == 0);
}

TEST_CASE("a long INVITE over TCP: its ACK and CANCEL go where it went (RFC 3261 17.1.1.3, 9.1)") {
  Client net;
  const auto refused = make_error_code(boost::system::errc::connection_refused);
  const auto id = net.layer.send(request_of_size("INVITE", 1400), udp, {}, net.now());
  SUBCASE("over TCP") {
    net.answer(0, 180);
    net.layer.cancel(id, {}, net.now());
    CHECK(net.sent.back().message.method() == sip::Method::cancel);
    CHECK(net.sent.back().hop.protocol == Protocol::tcp);
    CHECK(net.sent.back().message.top_via()->transport == "TCP");
    net.answer(0, 487);
    CHECK(net.sent.back().message.method() == sip::Method::ack);
    CHECK(net.sent.back().hop.protocol == Protocol::tcp);
  }
  SUBCASE("over UDP after TCP was refused, with a CANCEL that was wanted before") {
    net.layer.cancel(id, {}, net.now());
    net.sent[0].failed(refused);
    net.answer(1, 180);
    CHECK(net.sent.back().message.method() == sip::Method::cancel);
    CHECK(net.sent.back().hop.protocol == Protocol::udp);
    CHECK(net.sent.back().message.top_via()->transport == "UDP");
    CHECK(net.sent.back().message.top_via()->branch() == net.sent[0].message.top_via()->branch());
    net.answer(1, 487);
    CHECK(net.sent.back().message.top_via()->transport == "UDP");
  }
  net.pass(1s);
  CHECK(net.layer.size() == 0);
}

TEST_CASE("a long ACK for a 2xx goes over TCP, and in a datagram to a peer that refuses TCP") {
  Client net;
  net.layer.send_ack(request_of_size("ACK", 1400), udp, net.now());
  CHECK(net.sent[0].hop.protocol == Protocol::tcp);
  CHECK(net.sent[0].message.top_via()->transport == "TCP");
  net.sent[0].failed(make_error_code(boost::system::errc::connection_refused));
  REQUIRE(net.sent.size() == 2);
  CHECK(net.sent[1].hop == udp);
  CHECK(net.sent[1].message.top_via()->transport == "UDP");
}

TEST_CASE("an INVITE at the limits of a stream is acknowledged and cancelled as any other") {
  std::string text = request("INVITE");
  SUBCASE("octets") { text.replace(text.find("0\r\n\r\n"), 5, "70000\r\n\r\n" + std::string(70000, 'x')); }
  SUBCASE("header lines, with our Via") {
    for (int line = 0; line < 250; ++line) text.insert(text.find("Max-Forwards"), "X: y\r\n");
  }
  SUBCASE("Via values, with ours") {
    for (int via = 0; via < 64; ++via)
      text.insert(text.find("Max-Forwards"), "v: SIP/2.0/TCP pc.example.org;branch=z9hG4bKa\r\n");
  }
  Client net;
  const auto id = net.layer.send(text, tcp, {}, net.now());
  net.answer(0, 180);
  net.layer.cancel(id, {}, net.now());
  CHECK(net.sent.back().message.method() == sip::Method::cancel);
  net.answer(0, 487);
  CHECK(net.sent.back().message.method() == sip::Method::ack);
  CHECK(net.sent.size() == 3);
}
