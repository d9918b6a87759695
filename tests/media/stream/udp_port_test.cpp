#include "media/stream/udp_port.hpp"

#include <doctest/doctest.h>

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "protocol/base/time.hpp"

using namespace beckon;
using namespace beckon::stream;

namespace {

bool run_until(boost::asio::io_context& context, const std::function<bool()>& done) {
  const auto limit = std::chrono::steady_clock::now() + 10s;
  while (!done() && std::chrono::steady_clock::now() < limit) {
    context.restart();
    context.run_one_for(100ms);
  }
  return done();
}

/// A port that keeps what it reports.
struct Recorder {
  explicit Recorder(boost::asio::io_context& context) : port(context) {}
  Result<void> open(const char* address) {
    return port.open(*parse_address(address),
                     {.on_datagram =
                          [this](const Address& sender, ByteView datagram) {
                            from = sender;
                            received.emplace_back(as_text(datagram));
                          },
                      .on_unreachable = [this](const Address& to) { dead.push_back(to); }});
  }
  UdpPort port;
  Address from;
  std::vector<std::string> received;
  std::vector<Address> dead;
};

}  // namespace

TEST_CASE("datagrams arrive whole, in order on loopback, with their sender") {
  boost::asio::io_context context;
  Recorder alice(context);
  Recorder bob(context);
  REQUIRE(alice.open("127.0.0.1:0").has_value());
  REQUIRE(bob.open("127.0.0.1:0").has_value());
  CHECK(alice.port.local().port != 0);
  for (int i = 0; i < 100; ++i) bob.port.send(alice.port.local(), as_bytes(std::to_string(i)));
  CHECK(run_until(context, [&] { return alice.received.size() == 100; }));
  CHECK(alice.received.front() == "0");
  CHECK(alice.received.back() == "99");
  CHECK(alice.from == bob.port.local());
}

TEST_CASE("a datagram larger than any of ours is dropped, not cut") {
  boost::asio::io_context context;
  Recorder alice(context);
  Recorder bob(context);
  REQUIRE(alice.open("127.0.0.1:0").has_value());
  REQUIRE(bob.open("127.0.0.1:0").has_value());
  bob.port.send(alice.port.local(), Bytes(2049, 'x'));
  bob.port.send(alice.port.local(), Bytes(2048, 'y'));
  CHECK(run_until(context, [&] { return !alice.received.empty(); }));
  CHECK(alice.received.size() == 1);
  CHECK(alice.received[0] == std::string(2048, 'y'));
}

TEST_CASE("a closed port is reported, and other ports still get their datagrams") {
  boost::asio::io_context context;
  Recorder alice(context);
  Recorder bob(context);
  REQUIRE(alice.open("127.0.0.1:0").has_value());
  REQUIRE(bob.open("127.0.0.1:0").has_value());
  Address closed;
  {
    Recorder gone(context);
    REQUIRE(gone.open("127.0.0.1:0").has_value());
    closed = gone.port.local();
  }
  for (int i = 0; i < 3; ++i) {
    bob.port.send(closed, as_bytes("lost"));
    bob.port.send(alice.port.local(), as_bytes("kept"));
  }
  CHECK(run_until(context, [&] { return !bob.dead.empty() && alice.received.size() == 3; }));
  CHECK(bob.dead.front() == closed);
}

TEST_CASE("an IPv6 destination cannot be reached from an IPv4 port, which is reported later, not at once") {
  boost::asio::io_context context;
  Recorder bob(context);
  REQUIRE(bob.open("127.0.0.1:0").has_value());
  const Address to = *parse_address("[2001:db8::1]:4000");
  bob.port.send(to, as_bytes("x"));
  CHECK(bob.dead.empty());
  CHECK(run_until(context, [&] { return !bob.dead.empty(); }));
  CHECK(bob.dead.front() == to);
}

TEST_CASE("an address in use is refused; a closed port can be opened again and receives nothing until then") {
  boost::asio::io_context context;
  Recorder alice(context);
  Recorder other(context);
  REQUIRE(alice.open("127.0.0.1:0").has_value());
  const std::string address = print(alice.port.local());
  CHECK(other.open(address.c_str()).error() == boost::system::errc::address_in_use);
  alice.port.close();
  CHECK(alice.port.local().port == 0);
  CHECK(other.open(address.c_str()).has_value());
  alice.port.send(other.port.local(), as_bytes("from a closed port"));
  CHECK(alice.open("127.0.0.1:0").has_value());
  alice.port.send(other.port.local(), as_bytes("hello"));
  CHECK(run_until(context, [&] { return !other.received.empty(); }));
  CHECK(other.received.front() == "hello");
}

TEST_CASE("a port bound to all addresses of both IP versions sees IPv4 peers as IPv4") {
  boost::asio::io_context context;
  Recorder alice(context);
  Recorder bob(context);
  const auto opened = alice.open("[::]:0");
  if (opened.has_error()) {
    CHECK(opened.error() == boost::system::errc::address_family_not_supported);  // a machine without IPv6
    return;
  }
  REQUIRE(bob.open("127.0.0.1:0").has_value());
  Address to = *parse_address("127.0.0.1:0");
  to.port = alice.port.local().port;
  bob.port.send(to, as_bytes("ping"));
  CHECK(run_until(context, [&] { return !alice.received.empty(); }));
  CHECK(alice.from == bob.port.local());
  alice.port.send(bob.port.local(), as_bytes("pong"));
  CHECK(run_until(context, [&] { return !bob.received.empty(); }));
}
