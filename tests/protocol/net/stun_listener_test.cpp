#include "protocol/net/stun_listener.hpp"

#include <doctest/doctest.h>

#include "tests/protocol/net/support.hpp"

using namespace beckon;
using namespace beckon::net;

TEST_CASE("the STUN port sends its answerer's reply, none for an empty one, and never a large one") {
  Loop loop;
  StunListener listener(loop, [](const Address& from, ByteView message) -> std::optional<Bytes> {
    if (message.size() == 1) return std::nullopt;
    if (message.size() == 2) return Bytes(549, 'x');
    return Bytes{static_cast<std::uint8_t>(from.port >> 8), static_cast<std::uint8_t>(from.port)};
  });
  const Address server = listener.listen(net::test::loopback).value();

  UdpSocket client(loop);
  std::vector<std::string> got;
  const Address own =
      client
          .open(net::test::loopback, UdpSocket::Sharing::exclusive,
                [&](const Address&, const Address&, std::string_view octets) { got.emplace_back(octets); })
          .value();
  for (const std::string_view request : {"a", "ab", "abc"})
    client.send(server, {}, share(std::string(request)), nullptr);
  CHECK(loop.run_until([&] { return !got.empty(); }, net::test::limit));
  REQUIRE(got.size() == 1);
  CHECK(read_u16(as_bytes(got.front())) == own.port);
}
