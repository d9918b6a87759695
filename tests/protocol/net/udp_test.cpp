#include <doctest/doctest.h>

#include "protocol/net/udp_socket.hpp"
#include "tests/protocol/net/support.hpp"

using namespace beckon;
using namespace beckon::net;
using namespace beckon::net::test;

namespace {

Hop to(const Address& address) {
  return {.protocol = Protocol::udp, .remote = address, .local = {}, .flow = 0};
}

}  // namespace

TEST_CASE("300 messages of one turn are sent in batches, arrive unchanged, and are echoed") {
  Loop loop;
  Side alice(loop), bob(loop);
  const Address from = alice.transport.listen(Protocol::udp, loopback).value();
  const Address there = bob.transport.listen(Protocol::udp, loopback).value();
  bob.recorder.echo = &bob.transport;

  std::vector<std::string> expected;
  for (int i = 0; i < 300; ++i) {
    expected.push_back("call-" + std::to_string(i));
    alice.transport.send(to(there), share(make_message(expected.back(), "hi")), nullptr);
  }
  CHECK(loop.run_until([&] { return alice.recorder.call_ids.size() == expected.size(); }, limit));
  CHECK(alice.recorder.call_ids == expected);
  CHECK(bob.recorder.call_ids == expected);
  const Hop expected_hop{.protocol = Protocol::udp, .remote = from, .local = there, .flow = 0};
  CHECK(bob.recorder.hops.front() == expected_hop);
}

TEST_CASE(
    "a socket bound to all addresses reports the destination address of a datagram, and answers from it") {
  Loop loop;
  Side server(loop), client(loop);
  const Address bound = server.transport.listen(Protocol::udp, {*parse_ip("0.0.0.0"), 0}).value();
  client.transport.listen(Protocol::udp, loopback).value();
  server.recorder.echo = &server.transport;
  const Address asked{*parse_ip("127.0.0.2"), bound.port};
  client.transport.send(to(asked), share(make_message("a")), nullptr);
  CHECK(loop.run_until([&] { return !client.recorder.hops.empty(); }, limit));
  CHECK(server.recorder.hops.front().local == asked);
  CHECK(client.recorder.hops.front().remote == asked);
}

TEST_CASE("keep-alives, empty datagrams and junk on a UDP port are dropped silently; STUN is answered") {
  Loop loop;
  std::vector<std::size_t> stun_sizes;
  SipTransport::Options options;
  options.on_stun = [&](const Address&, ByteView message) {
    stun_sizes.push_back(message.size());
    return std::optional<Bytes>(Bytes{'o', 'k'});
  };
  Side server(loop, std::move(options));
  const Address there = server.transport.listen(Protocol::udp, loopback).value();

  UdpSocket client(loop);
  std::vector<std::string> got;
  client
      .open(loopback, UdpSocket::Sharing::exclusive,
            [&](const Address&, const Address&, std::string_view octets) { got.emplace_back(octets); })
      .value();
  const std::string stun = std::string("\x00\x01\x00\x00\x21\x12\xa4\x42", 8) + std::string(12, 't');
  for (const std::string& datagram :
       {std::string(), std::string("\r\n\r\n"), std::string(4, '\0'), std::string("\x16\x03\x01"),
        std::string("(?"), stun, "\r\n\r\n" + make_message("behind-line-ends"), std::string("HELLO\r\n\r\n")})
    client.send(there, {}, share(datagram), nullptr);
  CHECK(loop.run_until([&] { return !server.recorder.malformed.empty(); }, limit));
  CHECK(server.recorder.call_ids == std::vector<std::string>{"behind-line-ends"});
  CHECK(server.recorder.malformed.size() == 1);
  CHECK(loop.run_until([&] { return !got.empty(); }, limit));
  CHECK(got == std::vector<std::string>{"ok"});
  CHECK(stun_sizes == std::vector<std::size_t>{20});
}

TEST_CASE("an ICMP error is reported to the messages sent there, and to no others (RFC 3261 18.4)") {
  Loop loop;
  Side alice(loop), bob(loop);
  alice.transport.listen(Protocol::udp, loopback).value();
  const Address there = bob.transport.listen(Protocol::udp, loopback).value();
  Address nobody;
  {
    UdpSocket socket(loop);
    nobody = socket.open(loopback, UdpSocket::Sharing::exclusive, nullptr).value();
  }
  ErrorCode error, wrong;
  alice.transport.send(to(nobody), share(make_message("lost")), [&](ErrorCode why) { error = why; });
  alice.transport.send(to(there), share(make_message("kept")), [&](ErrorCode why) { wrong = why; });
  CHECK(loop.run_until([&] { return bool(error) && !bob.recorder.call_ids.empty(); }, limit));
  CHECK(error == boost::system::errc::connection_refused);
  CHECK_FALSE(wrong);
}

TEST_CASE("a message that cannot be sent is reported later: too large, no socket of that family") {
  Loop loop;
  Side alice(loop);
  const Address own = alice.transport.listen(Protocol::udp, loopback).value();
  std::vector<ErrorCode> errors;
  const auto note = [&](ErrorCode error) { errors.push_back(error); };
  alice.transport.send(to(own), share(std::string(65508, 'x')), note);
  alice.transport.send(to({*parse_ip("::1"), 5060}), share("x"), note);
  CHECK(errors.empty());
  CHECK(loop.run_until([&] { return errors.size() == 2; }, limit));
  CHECK(errors[0] == Errc::too_large);
  CHECK(errors[1] == Errc::no_socket);
}

TEST_CASE("a port in use is an error, whether its owner shares it or not") {
  Loop loop;
  UdpSocket first(loop), second(loop), third(loop);
  const Address taken = first.open(loopback, UdpSocket::Sharing::first, nullptr).value();
  CHECK(second.open(taken, UdpSocket::Sharing::first, nullptr).error() ==
        boost::system::errc::address_in_use);
  CHECK(third.open(taken, UdpSocket::Sharing::joining, nullptr).has_value());
}

TEST_CASE(
    "sent_by names the advertised host, the listener, or the local address toward the peer (RFC 3261 "
    "18.1.1)") {
  Loop loop;
  SipTransport::Options advertised;
  advertised.advertise = "sip.example.org";
  Side plain(loop), named(loop, advertised), any(loop);
  const Address own = plain.transport.listen(Protocol::udp, loopback).value();
  const Address own_named = named.transport.listen(Protocol::udp, loopback).value();
  const Address own_any = any.transport.listen(Protocol::udp, {*parse_ip("0.0.0.0"), 0}).value();
  const Hop there = to({*parse_ip("127.0.0.1"), 5060});
  CHECK(plain.transport.sent_by(there) == print(own));
  CHECK(named.transport.sent_by(there) == "sip.example.org:" + std::to_string(own_named.port));
  CHECK(any.transport.sent_by(there) == "127.0.0.1:" + std::to_string(own_any.port));
}
