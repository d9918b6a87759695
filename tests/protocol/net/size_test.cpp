#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "protocol/sip/builder.hpp"
#include "protocol/transaction/layer.hpp"
#include "tests/protocol/net/support.hpp"

using namespace beckon;
using namespace beckon::net;
using namespace beckon::net::test;
using transaction::Outcome;

namespace {

/// A transaction layer over real sockets that answers every request with 200.
class Agent final : public Receiver, private transaction::User {
 public:
  explicit Agent(Loop& loop)
      : loop_(loop),
        transport(loop, {}, *this),
        layer({}, transport, loop.timers(), loop.clock(), random_, *this) {}

  void on_message(const Hop& from, sip::Message message) override {
    if (message.is_request()) got.push_back({from, message});
    layer.receive(from, message, loop_.now());
  }
  void on_malformed(const Hop&, ErrorCode, std::string_view) override { FAIL("malformed"); }
  void on_flow_closed(FlowId flow) override { layer.on_flow_closed(flow, loop_.now()); }

  /// With a body of that many octets; the status it ends with.
  void send(std::string_view method, const Address& to, std::size_t body) {
    auto request = sip::Builder::request(method, "sip:bob@example.org");
    request.add(sip::HeaderId::max_forwards, std::uint32_t{70});
    request.add(sip::HeaderId::from, "<sip:alice@example.org>;tag=1");
    request.add(sip::HeaderId::to, "<sip:bob@example.org>");
    request.add(sip::HeaderId::call_id, "call-" + std::to_string(++calls_));
    request.add(sip::HeaderId::cseq, "1 " + std::string(method));
    layer.send(
        std::move(request).finish("text/plain", std::string(body, 'x')),
        {.protocol = Protocol::udp, .remote = to, .local = {}, .flow = 0},
        [this](const Outcome& outcome, Now) {
          if (outcome.kind != Outcome::Kind::provisional) ends.push_back(outcome.status);
        },
        loop_.now());
  }

  struct Got {
    Hop from;
    sip::Message message;
  };
  std::vector<Got> got;
  std::vector<int> ends;

 private:
  void on_request(transaction::TransactionId id, const Hop&, const sip::Message& request, Now now) override {
    layer.respond(id, sip::Builder::reply(request, 200, "b").finish(), now);
  }
  void on_ack(const Hop&, const sip::Message&, Now) override {}
  void on_cancel(transaction::TransactionId, const sip::Message&, Now) override {}
  void on_response(const Hop&, const sip::Message&, Now) override {}

  Loop& loop_;
  SeededRandom random_{1};
  int calls_ = 0;

 public:
  SipTransport transport;
  transaction::Layer layer;
};

/// A TCP port that no listener can take, so that connections to it are refused.
class ClosedPort {
 public:
  ~ClosedPort() {
    if (socket_ >= 0) ::close(socket_);
  }
  bool take(std::uint16_t port) {
    if (socket_ < 0) socket_ = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return ::bind(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  }

 private:
  int socket_ = -1;
};

}  // namespace

TEST_CASE("a long request to a UDP address arrives over TCP, where a peer listens (RFC 3261 18.1.1)") {
  Loop loop;
  Agent alice(loop), bob(loop);
  REQUIRE(alice.transport.listen(Protocol::udp, loopback).has_value());
  // A port that is free for both protocols.
  Address there;
  const auto listen = [&](auto&& take_tcp) {
    do there = bob.transport.listen(Protocol::udp, loopback).value();
    while (!take_tcp());
  };
  SUBCASE("both protocols on one port: TCP, and the next one over the same connection") {
    listen([&] { return bob.transport.listen(Protocol::tcp, there).has_value(); });
    alice.send("PUBLISH", there, 2000);
    alice.send("MESSAGE", there, 2000);
    CHECK(loop.run_until([&] { return alice.ends.size() == 2; }, limit));
    CHECK(alice.ends == std::vector<int>{200, 200});
    REQUIRE(bob.got.size() == 2);
    CHECK(bob.got[0].from.protocol == Protocol::tcp);
    CHECK(bob.got[0].message.top_via()->transport == "TCP");
    CHECK(bob.got[0].from.flow == bob.got[1].from.flow);
  }
  SUBCASE("UDP alone: the connection is refused, and a datagram comes; a MESSAGE does not (RFC 3428 8)") {
    ClosedPort closed;
    listen([&] { return closed.take(there.port); });
    alice.send("PUBLISH", there, 2000);
    CHECK(loop.run_until([&] { return alice.ends.size() == 1; }, limit));
    alice.send("MESSAGE", there, 2000);
    CHECK(loop.run_until([&] { return alice.ends.size() == 2; }, limit));
    CHECK(alice.ends == std::vector<int>{200, 503});
    REQUIRE(bob.got.size() == 1);
    CHECK(bob.got[0].from.protocol == Protocol::udp);
    CHECK(bob.got[0].message.top_via()->transport == "UDP");
    CHECK(bob.got[0].message.body().size() == 2000);
  }
  SUBCASE("a short one stays a datagram") {
    listen([&] { return bob.transport.listen(Protocol::tcp, there).has_value(); });
    alice.send("MESSAGE", there, 500);
    CHECK(loop.run_until([&] { return alice.ends.size() == 1; }, limit));
    CHECK(bob.got.at(0).from.protocol == Protocol::udp);
  }
}
