#include <doctest/doctest.h>

#include "tests/protocol/transaction/server_requests.hpp"

using namespace beckon;
using namespace beckon::transaction;
using namespace beckon::transaction::testing::server;
using sip::HeaderId;
using testing::Fixture;

TEST_CASE("responses go where the top Via and the source say (RFC 3261 18.2.2, RFC 3581 4)") {
  struct Row {
    std::string_view via;
    Hop from;
    std::string_view to;
    std::string_view via_out;
  };
  const Row rows[] = {
      // The sent-by is the source: its port, nothing added.
      {"UDP 192.0.2.1:5062;branch=z9hG4bKa", udp, "192.0.2.1:5062",
       "SIP/2.0/UDP 192.0.2.1:5062;branch=z9hG4bKa"},
      {"UDP 192.0.2.1;branch=z9hG4bKa", udp, "192.0.2.1:5060", "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKa"},
      // Another sent-by: the source's address, the sent-by's port.
      {"UDP pc.example.org:5062;branch=z9hG4bKa", udp, "192.0.2.1:5062",
       "SIP/2.0/UDP pc.example.org:5062;branch=z9hG4bKa;received=192.0.2.1"},
      // rport: the source's port.
      {"UDP 10.0.0.1:5062;rport;branch=z9hG4bKa", udp, "192.0.2.1:40000",
       "SIP/2.0/UDP 10.0.0.1:5062;rport=40000;branch=z9hG4bKa;received=192.0.2.1"},
      // What the peer claims about itself is not believed; maddr is not obeyed.
      {"UDP 10.0.0.1:5062;received=203.0.113.5;maddr=203.0.113.6;branch=z9hG4bKa", udp, "192.0.2.1:5062",
       "SIP/2.0/UDP 10.0.0.1:5062;maddr=203.0.113.6;branch=z9hG4bKa;received=192.0.2.1"},
      // A stream: back on the flow.
      {"TCP pc.example.org;branch=z9hG4bKa", tcp, "192.0.2.1:40000",
       "SIP/2.0/TCP pc.example.org;branch=z9hG4bKa;received=192.0.2.1"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.via);
    Fixture net;
    net.receive(row.from, request("OPTIONS", row.via));
    net.respond(net.id(0), 200);
    REQUIRE(net.sent.size() == 1);
    CHECK(print(net.sent[0].hop.remote) == row.to);
    CHECK(net.sent[0].hop.flow == row.from.flow);
    const auto vias = net.sent[0].message.values(HeaderId::via);
    REQUIRE(vias.size() == 2);
    CHECK(vias[0] == row.via_out);
    CHECK(vias[1] == "SIP/2.0/UDP 198.51.100.7;branch=z9hG4bKfar");
  }
}

TEST_CASE("a response whose flow is gone is dialled to the sent-by port (RFC 3261 18.2.2)") {
  Fixture net;
  net.receive(tcp, request("OPTIONS", "TCP pc.example.org:5099;branch=z9hG4bKa"));
  net.respond(net.id(0), 200);
  CHECK(net.layer.size() == 0);
  net.sent[0].failed(make_error_code(boost::system::errc::connection_reset));
  REQUIRE(net.sent.size() == 2);
  CHECK(net.sent[1].hop.flow == 0);
  CHECK(print(net.sent[1].hop.remote) == "192.0.2.1:5099");
  net.sent[1].failed(make_error_code(boost::system::errc::connection_refused));
  CHECK(net.sent.size() == 2);
  REQUIRE(net.looked_up.size() == 1);
  CHECK(net.looked_up[0].first ==
        SentBy{.host = "pc.example.org", .port = std::uint16_t{5099}, .protocol = Protocol::tcp});
}

TEST_CASE("a response that cannot be sent back goes where the sent-by leads, hop after hop (RFC 3263 5)") {
  const auto refused = make_error_code(boost::system::errc::connection_refused);
  const auto hop = [](Protocol protocol, std::string_view remote) {
    return Hop{.protocol = protocol, .remote = *parse_address(remote), .local = {}};
  };
  Fixture net;
  SUBCASE("over TCP, of a transaction that is over") {
    net.receive(tcp, request("MESSAGE", "TCP PC.example.org;branch=z9hG4bKa"));
    net.respond(net.id(0), 200);
    net.sent[0].failed(refused);
    net.sent[1].failed(refused);
    REQUIRE(net.looked_up.size() == 1);
    CHECK(net.looked_up[0].first == SentBy{.host = "pc.example.org", .port = {}, .protocol = Protocol::tcp});
    net.looked_up[0].second({hop(Protocol::tcp, "203.0.113.5:5080"), hop(Protocol::tcp, "203.0.113.6:5080")});
    REQUIRE(net.sent.size() == 3);
    CHECK(print(net.sent[2].hop.remote) == "203.0.113.5:5080");
    net.sent[2].failed(refused);
    REQUIRE(net.sent.size() == 4);
    CHECK(print(net.sent[3].hop.remote) == "203.0.113.6:5080");
    CHECK(net.sent[3].message.text() == net.sent[0].message.text());
    net.sent[3].failed(refused);
    CHECK(net.sent.size() == 4);
    CHECK(net.failures.empty());
  }
  SUBCASE("over UDP: what follows goes there, too") {
    net.receive(udp, request("INVITE", "UDP pc.example.org:5062;branch=z9hG4bKa"));
    net.respond(net.id(0), 180);
    net.sent[0].failed(refused);
    CHECK(net.failures.empty());
    REQUIRE(net.looked_up.size() == 1);
    net.looked_up[0].second({hop(Protocol::udp, "203.0.113.5:5062")});
    REQUIRE(net.sent.size() == 2);
    CHECK(print(net.sent[1].hop.remote) == "203.0.113.5:5062");
    net.respond(net.id(0), 486);
    REQUIRE(net.sent.size() == 3);
    CHECK(print(net.sent[2].hop.remote) == "203.0.113.5:5062");
  }
  SUBCASE("over UDP, an answer that is kept for copies only") {
    net.receive(udp, request("MESSAGE", "UDP pc.example.org:5062;branch=z9hG4bKa"));
    net.respond(net.id(0), 200);
    net.sent[0].failed(refused);
    REQUIRE(net.looked_up.size() == 1);
    net.looked_up[0].second({hop(Protocol::udp, "203.0.113.5:5062")});
    REQUIRE(net.sent.size() == 2);
    CHECK(net.sent[1].message.status() == 200);
  }
  SUBCASE("a refusal that any sender can provoke goes back to the source or nowhere") {
    net.receive(tcp, request("MESSAGE", "TCP pc.example.org:25;branch=z9hG4bKa"));
    net.respond(net.id(0), 401);
    net.sent[0].failed(refused);
    CHECK(net.sent.size() == 1);
    CHECK(net.looked_up.empty());
  }
  SUBCASE("a failure is reported to the user when every hop fails") {
    net.receive(tcp, request("INVITE", "TCP pc.example.org;branch=z9hG4bKa"));
    net.respond(net.id(0), 180);
    net.sent[0].failed(refused);
    net.sent[1].failed(refused);
    REQUIRE(net.looked_up.size() == 1);
    CHECK(net.failures.empty());
    net.looked_up[0].second({});
    CHECK(net.sent.size() == 2);
    CHECK(net.failures == std::vector{std::pair{net.id(0), Failure::transport_error}});
  }
}

TEST_CASE("concurrent look-ups of sent-by are bounded") {
  constexpr std::size_t most = 100;
  Fixture net;
  for (std::size_t i = 0; i <= most; ++i) {
    net.receive(tcp, request("MESSAGE", "TCP pc.example.org;branch=z9hG4bK" + std::to_string(i)));
    net.respond(net.requests.back().id, 200);
    for (int step = 0; step < 2; ++step)
      net.sent.back().failed(make_error_code(boost::system::errc::connection_refused));
  }
  CHECK(net.looked_up.size() == most);
  net.looked_up.front().second({});
  net.receive(tcp, request("MESSAGE", "TCP pc.example.org;branch=z9hG4bKlast"));
  net.respond(net.requests.back().id, 200);
  for (int step = 0; step < 2; ++step)
    net.sent.back().failed(make_error_code(boost::system::errc::connection_refused));
  CHECK(net.looked_up.size() == most + 1);
}

TEST_CASE("a sent-by located after the layer is destroyed is ignored") {
  std::vector<OnFound> found;
  Fixture net;
  auto layer = std::make_unique<Layer>(
      Layer::Config{.times = {},
                    .locate = [&](const SentBy&, OnFound done) { found.push_back(std::move(done)); }},
      net, net.timers, net, net.random, net);
  layer->receive(udp, Fixture::message(request("OPTIONS", "UDP pc.example.org;branch=z9hG4bKa")), net.now());
  layer->respond(net.id(0), sip::Builder::reply(net.requests[0].message, 200, "srv").finish(), net.now());
  net.sent.at(0).failed(make_error_code(boost::system::errc::connection_refused));
  layer = nullptr;
  REQUIRE(found.size() == 1);
  found[0]({udp});
  CHECK(net.sent.size() == 1);
}

TEST_CASE("a transport failure after the layer is destroyed is ignored") {
  Fixture net;
  auto layer = std::make_unique<Layer>(Layer::Config{}, net, net.timers, net, net.random, net);
  layer->receive(tcp, Fixture::message(request("OPTIONS", "TCP pc.example.org:5099;branch=z9hG4bKa")),
                 net.now());
  layer->respond(net.id(0), sip::Builder::reply(net.requests[0].message, 200, "srv").finish(), net.now());
  layer = nullptr;
  net.sent.at(0).failed(make_error_code(boost::system::errc::connection_reset));
  CHECK(net.sent.size() == 1);
}
