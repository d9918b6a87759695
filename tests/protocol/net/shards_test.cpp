#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <doctest/doctest.h>

#include <atomic>
#include <thread>

#include "protocol/net/udp_socket.hpp"
#include "tests/protocol/net/support.hpp"

using namespace beckon;
using namespace beckon::net;
using namespace beckon::net::test;

namespace {

/// Runs a loop on a thread of its own.
struct Runner {
  explicit Runner(Loop& runs) : loop(runs), thread([this] { loop.run(); }) {}
  ~Runner() { stop(); }
  void stop() {
    loop.stop();
    if (thread.joinable()) thread.join();
  }
  Loop& loop;
  std::thread thread;
};

/// Wakes a loop every millisecond, to look at what other threads did.
void tick(Loop& loop) {
  loop.timers().set(loop.now().mono + 1ms, [&loop](Time) { tick(loop); });
}

/// A TCP connection of the system's, which can be reset.
class Caller {
 public:
  Caller(const Address& there, const std::string& text) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(there.port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(::connect(fd_, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0);
    REQUIRE(::send(fd_, text.data(), text.size(), 0) == static_cast<ssize_t>(text.size()));
  }
  ~Caller() { ::close(fd_); }
  Caller(const Caller&) = delete;
  Caller& operator=(const Caller&) = delete;

  Address address() const {
    sockaddr_in own{};
    socklen_t size = sizeof own;
    ::getsockname(fd_, reinterpret_cast<sockaddr*>(&own), &size);
    return {loopback.ip, ntohs(own.sin_port)};
  }
  /// From now on its end sends RST.
  void reset_at_end() {
    const linger at_once{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  }

 private:
  int fd_;
};

}  // namespace

TEST_CASE(
    "a peer that disconnects while its connection moves to another shard is still reported with its "
    "address") {
  Loop loop1(1), loop0(0);  // the one that accepts for both ends first
  Side shard0(loop0), shard1(loop1);
  const Address there = shard0.transport.listen(Protocol::tcp, loopback).value();
  REQUIRE(SipTransport::connect_peers({&shard0.transport, &shard1.transport}).has_value());
  const Caller first(there, make_message("1"));
  auto second = std::make_unique<Caller>(there, make_message("2"));
  const Caller third(there, make_message("3"));
  // They are taken in order and go round, and shard 1 does not run yet.
  REQUIRE(loop0.run_until([&] { return shard0.recorder.call_ids.size() == 2; }, limit));
  const Address address = second->address();
  second->reset_at_end();
  second = nullptr;
  REQUIRE(loop1.run_until([&] { return !shard1.recorder.opened.empty(); }, limit));
  CHECK(shard1.recorder.opened.front().remote == address);
  REQUIRE(loop1.run_until([&] { return !shard1.recorder.closed.empty(); }, limit));
}

TEST_CASE(
    "an ICMP error is reported to the shard that sent, on whichever shard's socket it arrives (RFC 3261 "
    "18.4)") {
  Loop loop0(0), loop1(1);
  Side shard0(loop0), shard1(loop1);
  shard0.transport.listen(Protocol::udp, loopback).value();
  REQUIRE(SipTransport::connect_peers({&shard0.transport, &shard1.transport}).has_value());
  // The unreachable port decides which socket gets the error.
  constexpr std::size_t ports = 16;
  std::vector<Address> nobody;
  {
    std::vector<std::unique_ptr<UdpSocket>> sockets;
    for (std::size_t i = 0; i < ports; ++i) {
      sockets.push_back(std::make_unique<UdpSocket>(loop0));
      nobody.push_back(sockets.back()->open(loopback, UdpSocket::Sharing::exclusive, nullptr).value());
    }
  }
  std::atomic<std::size_t> told{0};
  Runner run1(loop1);
  tick(loop0);
  for (const Address& there : nobody) {
    shard0.transport.send({.protocol = Protocol::udp, .remote = there, .local = {}},
                          share(make_message("lost")), [&](ErrorCode) { ++told; });
  }
  CHECK(loop0.run_until([&] { return told == ports; }, limit));
}

TEST_CASE("two shards share a UDP port, take connections in turn, and write to each other's flows") {
  Loop loop0(0), loop1(1), outside(9);
  Side shard0(loop0), shard1(loop1), client(outside);
  const Address tcp = shard0.transport.listen(Protocol::tcp, loopback).value();
  const Address udp = shard0.transport.listen(Protocol::udp, loopback).value();
  REQUIRE(SipTransport::connect_peers({&shard0.transport, &shard1.transport}).has_value());
  const Hop any_tcp{.protocol = Protocol::tcp, .remote = loopback, .local = {}, .flow = 0};
  CHECK(shard1.transport.sent_by(any_tcp) == print(tcp));

  std::atomic<FlowId> foreign{0};
  std::atomic<bool> failed{false};
  std::atomic<std::size_t> at0{0}, at1{0};
  Runner run0(loop0), run1(loop1);
  tick(outside);
  std::vector<Hop> flows;
  for (std::size_t i = 1; i <= 4; ++i) {
    client.transport.connect({.protocol = Protocol::tcp, .remote = tcp, .local = {}},
                             [&](Result<Hop> hop) { flows.push_back(hop.value()); });
    REQUIRE(outside.run_until([&] { return flows.size() == i; }, limit));
  }
  for (const Hop& flow : flows) client.transport.send(flow, share(make_message("in")), nullptr);

  // Shard 0 writes to a flow of shard 1, once it has one.
  outside.run_until(
      [&] {
        loop1.post([&] {
          if (!shard1.recorder.hops.empty()) foreign = shard1.recorder.hops.front().flow;
        });
        return foreign != 0;
      },
      limit);
  REQUIRE(foreign.load() != 0);
  CHECK((foreign >> 56) == 1);
  loop0.post([&] {
    Hop hop{.protocol = Protocol::tcp, .remote = {}, .local = {}, .flow = foreign};
    shard0.transport.send(hop, share(make_message("across")), nullptr);
    hop.flow += 1000;
    shard0.transport.send(hop, share(make_message("nowhere")), [&](ErrorCode) { failed = true; });
  });
  CHECK(outside.run_until([&] { return !client.recorder.call_ids.empty() && failed.load(); }, limit));
  CHECK(client.recorder.call_ids == std::vector<std::string>{"across"});

  // Different senders of datagrams land on one shard or the other, and all arrive.
  std::vector<std::unique_ptr<Side>> senders;
  for (int i = 0; i < 32; ++i) {
    senders.push_back(std::make_unique<Side>(outside));
    senders.back()->transport.listen(Protocol::udp, loopback).value();
    senders.back()->transport.send({.protocol = Protocol::udp, .remote = udp, .local = {}, .flow = 0},
                                   share(make_message("udp")), nullptr);
  }
  CHECK(outside.run_until(
      [&] {
        loop0.post([&] { at0 = shard0.recorder.call_ids.size(); });
        loop1.post([&] { at1 = shard1.recorder.call_ids.size(); });
        return at0 + at1 == 4 + 32;
      },
      limit));
  run0.stop();
  run1.stop();
  CHECK(shard0.recorder.opened.size() == 2);
  CHECK(shard1.recorder.opened.size() == 2);
  CHECK(at0.load() > 2);
  CHECK(at1.load() > 2);
}
