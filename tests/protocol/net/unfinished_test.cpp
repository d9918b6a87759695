#include "protocol/net/unfinished.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <vector>

#include "protocol/net/error.hpp"

using namespace beckon;
using namespace beckon::net;

namespace {

const Address one{*parse_ip("192.0.2.1"), 5060}, other{*parse_ip("192.0.2.2"), 5060};
const Address same_site{*parse_ip("2001:db8:1:2::1"), 1}, same_site_too{*parse_ip("2001:db8:1:2::2"), 1};

/// Connections of one loop under a virtual clock.
struct Connections {
  explicit Connections(std::size_t limit = 1000) : sum(limit) {}

  UnfinishedMessage& add(const Address& peer, Duration time = 30s) {
    const std::size_t number = all.size();
    closed.emplace_back();
    all.push_back(std::make_unique<UnfinishedMessage>(
        sum, timers, peer, time, [this, number](ErrorCode reason) { closed[number] = reason; }));
    return *all.back();
  }
  void wait(Duration time) { timers.advance(now += time); }
  std::string closed_ones() const {
    std::string text;
    for (std::size_t i = 0; i < closed.size(); ++i)
      if (closed[i]) text += std::to_string(i) + ' ';
    return text;
  }

  Time now{};
  TimerQueue timers;
  Unfinished sum;
  std::vector<ErrorCode> closed;
  std::vector<std::unique_ptr<UnfinishedMessage>> all;
};

}  // namespace

TEST_CASE("a message must end within its time from the first octet, however many octets arrive meanwhile") {
  Connections connections;
  auto& message = connections.add(one, 30s);
  message.hold(1, connections.now);
  for (std::size_t octets = 2; octets < 30; ++octets) {
    connections.wait(1s);
    message.hold(octets, connections.now);
  }
  CHECK(connections.closed_ones().empty());
  connections.wait(2s);
  CHECK(connections.closed.front() == Errc::timed_out);
  CHECK(connections.sum.octets() == 0);
  CHECK_FALSE(message.is_begun());
}

TEST_CASE("each message has its own deadline") {
  Connections connections;
  auto& message = connections.add(one, 30s);
  for (int i = 0; i < 3; ++i) {
    message.hold(10, connections.now);
    connections.wait(20s);
    message.end();
  }
  connections.wait(1h);
  CHECK(connections.closed_ones().empty());
  CHECK(connections.timers.size() == 0);
}

TEST_CASE("the sum follows what is held, and a closed connection no longer counts") {
  Connections connections;
  connections.add(one).hold(300, connections.now);
  connections.add(other).hold(200, connections.now);
  CHECK(connections.sum.octets() == 500);
  connections.all[0]->hold(400, connections.now);
  CHECK(connections.sum.octets() == 600);
  connections.all[1]->end();
  CHECK(connections.sum.octets() == 400);
  connections.all[0].reset();
  CHECK(connections.sum.octets() == 0);
  CHECK(connections.timers.size() == 0);
}

TEST_CASE("the sum may reach its bound; one octet more closes the largest message of the largest source") {
  Connections connections(1000);
  connections.add(one).hold(300, connections.now);
  connections.add(one).hold(350, connections.now);
  connections.add(other).hold(350, connections.now);
  CHECK(connections.closed_ones().empty());
  SUBCASE("whichever connection receives the octet") {
    connections.all[2]->hold(351, connections.now);
    CHECK(connections.closed_ones() == "1 ");
    CHECK(connections.closed[1] == Errc::crowded_out);
    CHECK(connections.sum.octets() == 651);
    CHECK(connections.sum.closed() == 1);
  }
  SUBCASE("also when it is the largest itself") {
    connections.all[1]->hold(351, connections.now);
    CHECK(connections.closed_ones() == "1 ");
    CHECK_FALSE(connections.all[1]->is_begun());
  }
}

TEST_CASE("a connection with a message larger than the bound is closed, whatever others hold") {
  Connections connections(1000);
  connections.add(other).hold(10, connections.now);
  connections.add(one).hold(1001, connections.now);
  CHECK(connections.closed_ones() == "1 ");
}

TEST_CASE("a peer in the middle of a message outlasts a flood of smaller ones from one address") {
  Connections connections(1000);
  connections.add(other).hold(200, connections.now);
  for (int i = 0; i < 100; ++i) connections.add(one).hold(50, connections.now);
  CHECK_FALSE(connections.closed.front());
  CHECK(connections.sum.octets() <= 1000);
  CHECK(connections.sum.closed() == 84);
}

TEST_CASE("the addresses of one IPv6 site are one source (RFC 6177 2)") {
  Connections connections(1000);
  connections.add(same_site).hold(300, connections.now);
  connections.add(same_site_too).hold(301, connections.now);
  connections.add(one).hold(400, connections.now);
  CHECK(connections.closed_ones() == "1 ");
}

TEST_CASE("a lowered bound closes as many connections as necessary") {
  Connections connections(1000);
  for (int i = 0; i < 9; ++i) connections.add(one).hold(100, connections.now);
  connections.sum.set_limit(250);
  connections.add(other).hold(1, connections.now);
  CHECK(connections.sum.closed() == 7);
  CHECK(connections.sum.octets() == 201);
}
