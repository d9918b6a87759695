#include <doctest/doctest.h>

#include "fixture.hpp"
#include "protocol/transaction/answer_log.hpp"

using namespace beckon;
using namespace beckon::transaction;
using sip::HeaderId;
using testing::Fixture;

namespace {

const Hop udp{.protocol = Protocol::udp, .remote = *parse_address("192.0.2.1:40000"), .local = {}, .flow = 0};
const Hop tcp{.protocol = Protocol::tcp, .remote = *parse_address("192.0.2.1:40000"), .local = {}, .flow = 7};

/// Each Via is another call: what is the same call on two ways is said by the tests of merged requests.
std::string request(std::string_view method, std::string_view via, std::string_view cseq_method = {},
                    std::string_view to_tag = {}) {
  std::string text(method);
  text += " sip:alice@example.org SIP/2.0\nVia: SIP/2.0/";
  text.append(via).append("\nVia: SIP/2.0/UDP 198.51.100.7;branch=z9hG4bKfar\nMax-Forwards: 70\n");
  text.append("From: <sip:bob@example.org>;tag=bob\nTo: <sip:alice@example.org>").append(to_tag);
  text += "\nCall-ID: call-" + std::to_string(std::hash<std::string_view>{}(via));
  text.append("\nCSeq: 5 ").append(cseq_method.empty() ? method : cseq_method);
  return text.append("\nContent-Length: 0\n\n");
}

constexpr std::string_view via_udp = "UDP 192.0.2.1:5062;branch=z9hG4bKone";

}  // namespace

TEST_CASE("a request opens one transaction, and its copies none (RFC 3261 17.2.3)") {
  Fixture net;
  net.receive(udp, request("OPTIONS", via_udp));
  net.receive(udp, request("OPTIONS", via_udp));
  REQUIRE(net.requests.size() == 1);
  CHECK(net.sent.empty());

  SUBCASE("a copy after the answer gets the same answer") {
    net.respond(net.requests[0].id, 200);
    net.receive(udp, request("OPTIONS", via_udp));
    REQUIRE(net.sent.size() == 2);
    CHECK(net.sent[0].message.text() == net.sent[1].message.text());
    CHECK(net.requests.size() == 1);
  }
  SUBCASE("another branch, sent-by or method is another request") {
    net.receive(udp, request("OPTIONS", "UDP 192.0.2.1:5062;branch=z9hG4bKtwo"));
    net.receive(udp, request("OPTIONS", "UDP 192.0.2.1:5063;branch=z9hG4bKone"));
    net.receive(udp, request("MESSAGE", via_udp));
    CHECK(net.requests.size() == 4);
  }
  SUBCASE("after 64*T1 its copy is a new request, and it is forgotten within another T1") {
    net.respond(net.requests[0].id, 200);
    SUBCASE("a copy") {
      net.pass(640ms);
      net.receive(udp, request("OPTIONS", via_udp));
      CHECK(net.requests.size() == 2);
      return;
    }
    net.pass(640ms + 10ms);
    CHECK(net.layer.size() == 0);
    CHECK(net.timers.size() == 0);
  }
  SUBCASE("an unknown or ended transaction is not answered") {
    net.layer.respond(999, "SIP/2.0 200 OK\r\n\r\n", net.now());
    CHECK(net.sent.empty());
  }
}

TEST_CASE("a request that is not answered gets a 100 and no late answer (RFC 4320)") {
  Fixture net;
  net.receive(udp, request("MESSAGE", via_udp));
  net.pass(30ms);
  REQUIRE(net.sent.size() == 1);
  CHECK(net.sent[0].message.status() == 100);
  CHECK(net.sent[0].message.to_tag().empty());
  CHECK(net.sent[0].message.header(HeaderId::cseq) == "5 MESSAGE");

  SUBCASE("a 180 would be wrong and is kept back") {
    net.respond(net.requests[0].id, 180);
    CHECK(net.sent.size() == 1);
  }
  SUBCASE("so is a 408") {
    net.respond(net.requests[0].id, 408);
    CHECK(net.sent.size() == 1);
  }
  SUBCASE("past 64*T1 nothing is sent") {
    net.pass(610ms);
    net.respond(net.requests[0].id, 200);
    CHECK(net.sent.size() == 1);
    CHECK(net.layer.size() == 0);
  }
}

namespace {

/// A request with credentials, from a client behind a NAT.
std::string authorised(std::string_view method, std::string_view transport, std::string_view response = "1") {
  std::string text = request(method, std::string(transport) + " 10.0.0.1:5062;rport;branch=z9hG4bKone");
  const auto at = text.find("Content-Length");
  return text.insert(at,
                     "Authorization: Digest username=\"bob\", response=\"" + std::string(response) + "\"\n");
}

Hop from(Protocol protocol, std::string_view remote, FlowId flow = 0) {
  return {.protocol = protocol, .remote = *parse_address(remote), .local = {}, .flow = flow};
}

}  // namespace

TEST_CASE("a copy from another source gets the kept answer there, its Via with the new source (RFC 3581 4)") {
  struct Row {
    std::string_view transport;
    Hop first, copy;
  };
  const Row rows[] = {
      {"UDP", udp, from(Protocol::udp, "192.0.2.1:50000")},
      {"UDP", udp, from(Protocol::udp, "198.51.100.2:50000")},
      {"TCP", tcp, tcp},
      {"TCP", tcp, from(Protocol::tcp, "192.0.2.1:50000", 8)},
      {"TLS", from(Protocol::tls, "192.0.2.1:40000", 9), from(Protocol::tls, "203.0.113.4:50000", 10)},
  };
  for (const auto& row : rows) {
    CAPTURE(print(row.copy.remote));
    Fixture net;
    net.receive(row.first, authorised("PUBLISH", row.transport));
    net.respond(net.id(0), 200);
    net.receive(row.copy, authorised("PUBLISH", row.transport));
    CHECK(net.requests.size() == 1);
    REQUIRE(net.sent.size() == 2);
    CHECK(net.sent[1].hop == row.copy);
    const auto via = net.sent[1].message.top_via_view();
    REQUIRE(via.has_value());
    CHECK(via->rport == std::to_string(row.copy.remote.port));
    CHECK(net.sent[1].message.values(HeaderId::via).size() == 2);
    CHECK(net.sent[1].message.to_tag() == net.sent[0].message.to_tag());
    net.pass(640ms + 10ms);
    CHECK(net.layer.size() == 0);
    CHECK(net.timers.size() == 0);
  }
}

TEST_CASE("a copy of a request whose effect ended with its connection is a new request") {
  const Hop next = from(Protocol::tcp, "192.0.2.1:50000", 8);
  for (const bool is_answered : {true, false}) {
    CAPTURE(is_answered);
    Fixture net;
    net.receive(tcp, authorised("REGISTER", "TCP"));
    if (is_answered) net.respond(net.id(0), 200, "first");
    const auto before = net.sent.size();
    net.over.push_back(tcp.flow);
    net.receive(next, authorised("REGISTER", "TCP", "2"));  // by somebody who does not know the credentials
    CHECK(net.requests.size() == 1);
    net.receive(next, authorised("REGISTER", "TCP"));
    REQUIRE(net.requests.size() == 2);
    CHECK(net.sent.size() == before);
    if (!is_answered) net.respond(net.id(0), 200, "first");
    CHECK(net.sent.size() == before);
    net.respond(net.id(1), 200, "second");
    CHECK(net.sent.back().hop == next);
    net.receive(next, authorised("REGISTER", "TCP"));
    CHECK(net.sent.size() == before + 2);
    CHECK(net.sent.back().message.to_tag() == "second");
    CHECK(net.requests.size() == 2);
  }
}

TEST_CASE("who knows a request's branch, Call-ID and tags, but not its credentials, gets no answer of it") {
  for (const Hop& stranger :
       {udp, from(Protocol::udp, "192.0.2.1:50000"), from(Protocol::udp, "203.0.113.4:5060"),
        from(Protocol::tcp, "203.0.113.4:5060", 8)}) {
    CAPTURE(print(stranger.remote));
    Fixture net;
    net.receive(udp, authorised("PUBLISH", "UDP"));
    net.receive(stranger, authorised("PUBLISH", "UDP", "2"));
    net.respond(net.id(0), 200);
    REQUIRE(net.sent.size() == 1);
    CHECK(net.sent[0].hop.remote == udp.remote);
    net.receive(stranger, authorised("PUBLISH", "UDP", "2"));
    CHECK(net.sent.size() == 1);
    CHECK(net.requests.size() == 1);
  }
}

TEST_CASE("a copied datagram draws at most three times its octets to another address, and ten answers") {
  const Hop victim = from(Protocol::udp, "203.0.113.4:5060");
  for (const std::size_t octets : {100U, 5000U}) {
    CAPTURE(octets);
    Fixture net;
    const std::string text = authorised("REGISTER", "UDP");
    net.receive(udp, text);
    net.layer.respond(
        net.id(0),
        sip::Builder::reply(net.requests[0].message, 200, "tag")
            .add("Contact", '<' + std::string("sip:") + std::string(octets, 'a') + "@example.org>")
            .finish(),
        net.now());
    for (int copy = 0; copy < 50; ++copy) net.receive(victim, text);
    const auto drawn = net.sent.size() - 1;
    CHECK(drawn == (octets == 100 ? AnswerLog::max_elsewhere : 0));
    for (std::size_t i = 1; i < net.sent.size(); ++i)
      CHECK(net.sent[i].message.text().size() <= 3 * Fixture::message(text).text().size());
    // Its own client gets it as often, and as long, as it is.
    net.receive(udp, text);
    CHECK(net.sent.back().hop.remote == udp.remote);
    CHECK(net.sent.size() == drawn + 2);
  }
}

TEST_CASE("the responses of a request that waits go where its last copy came from, not to another address") {
  struct Row {
    Hop copy;
    bool follows;
  };
  const Row rows[] = {{from(Protocol::udp, "192.0.2.1:50000"), true},
                      {from(Protocol::udp, "203.0.113.4:50000"), false},
                      {from(Protocol::tcp, "203.0.113.4:50000", 8), true}};
  for (const auto& row : rows) {
    for (const char* method : {"INVITE", "MESSAGE"}) {
      CAPTURE(print(row.copy.remote));
      CAPTURE(method);
      Fixture net;
      net.receive(udp, authorised(method, "UDP"));
      net.receive(row.copy, authorised(method, "UDP"));
      net.respond(net.id(0), 200);
      REQUIRE(net.sent.size() == 1);
      CHECK(net.sent[0].hop == (row.follows ? row.copy : udp));
      const auto via = net.sent[0].message.top_via_view();
      CHECK(via->rport == std::to_string(net.sent[0].hop.remote.port));
      CHECK(net.requests.size() == 1);
    }
  }
}

TEST_CASE("after a NAT gives the client of an INVITE another port, the 180 goes to that port") {
  Fixture net;
  net.receive(udp, authorised("INVITE", "UDP"));
  net.respond(net.id(0), 180);
  const Hop rebound = from(Protocol::udp, "192.0.2.1:50000");
  net.receive(rebound, authorised("INVITE", "UDP"));
  REQUIRE(net.sent.size() == 2);
  CHECK(net.sent[1].hop == rebound);
  CHECK(net.sent[1].message.status() == 180);
  CHECK(net.sent[1].message.top_via_view()->rport == "50000");
}

TEST_CASE("COMPAT: a client with one branch for all its requests is answered each time, but for INVITE") {
  for (const Hop& hop : {udp, tcp}) {
    Fixture net;
    for (const char* cseq : {"5", "6"}) {
      std::string text = authorised("PUBLISH", hop.protocol == Protocol::udp ? "UDP" : "TCP", cseq);
      text.replace(text.find("CSeq: 5"), 7, std::string("CSeq: ") + cseq);
      net.receive(hop, text);
    }
    REQUIRE(net.requests.size() == 2);
    for (const auto& each : net.requests) net.respond(each.id, 200);
    CHECK(net.sent.size() == 2);
  }
}

TEST_CASE("a stream keeps the answers to requests with credentials only") {
  Fixture net;
  net.receive(tcp, request("MESSAGE", "TCP 192.0.2.1:5062;branch=z9hG4bKone"));
  net.respond(net.id(0), 200);
  CHECK(net.layer.size() == 0);
}

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

TEST_CASE("RFC 2543 peers without the magic cookie are matched by their headers (RFC 3261 17.2.3)") {
  Fixture net;
  const std::string_view via = "UDP 192.0.2.1:5062";
  net.receive(udp, request("INVITE", via));
  net.receive(udp, request("INVITE", via));
  REQUIRE(net.requests.size() == 1);
  net.receive(udp, request("INVITE", "UDP 192.0.2.1:5062;branch=1"));
  CHECK(net.requests.size() == 2);

  SUBCASE("the ACK too, though it has our To tag") {
    net.respond(net.requests[0].id, 486);
    net.receive(udp, request("ACK", via, {}, ";tag=srv"));
    CHECK(net.acks.empty());
    net.sent.clear();
    net.pass(50ms);
    for (const auto& sent : net.sent) CHECK(sent.message.status() == 100);
  }
  SUBCASE("and the CANCEL") {
    net.receive(udp, request("CANCEL", via));
    REQUIRE(net.cancels.size() == 1);
    CHECK(net.cancels[0].id == net.requests[0].id);
  }
}

TEST_CASE("INVITE: 100 after 200 ms, final repeated until the ACK (RFC 3261 17.2.1)") {
  Fixture net;
  net.receive(udp, request("INVITE", via_udp));
  net.pass(4ms);
  REQUIRE(net.sent.size() == 1);
  CHECK(net.sent[0].message.status() == 100);
  net.respond(net.id(0), 486);
  net.pass(30ms);
  CHECK(net.sent.size() == 4);  // 486, then timer G twice
  net.receive(udp, request("ACK", via_udp));
  CHECK(net.acks.empty());
  net.pass(1s);
  CHECK(net.sent.size() == 4);
  CHECK(net.layer.size() == 0);
}

TEST_CASE("INVITE: after a 2xx the user retransmits it and gets the ACK (RFC 6026 7.1, RFC 3261 13.3.1.4)") {
  Fixture net;
  net.receive(udp, request("INVITE", via_udp));
  net.respond(net.id(0), 200);
  net.receive(udp, request("INVITE", via_udp));
  CHECK(net.sent.size() == 1);
  net.respond(net.id(0), 200);
  CHECK(net.sent.size() == 2);

  SUBCASE("an ACK with its own branch") {
    net.receive(udp, request("ACK", "UDP 192.0.2.1:5062;branch=z9hG4bKack", {}, ";tag=srv"));
    CHECK(net.acks.size() == 1);
  }
  SUBCASE("COMPAT: an ACK with the INVITE's branch") {
    net.receive(udp, request("ACK", via_udp, {}, ";tag=srv"));
    CHECK(net.acks.size() == 1);
  }
  CHECK(net.requests.size() == 1);
}

TEST_CASE("CANCEL is answered by the layer (RFC 3261 9.2)") {
  Fixture net;

  SUBCASE("481 when it matches no INVITE") {
    net.receive(udp, request("CANCEL", via_udp));
    REQUIRE(net.sent.size() == 1);
    CHECK(net.sent[0].message.status() == 481);
    CHECK(net.requests.empty());
    CHECK(net.layer.size() == 0);
  }
  SUBCASE("200 with the To tag of the INVITE's responses, and the user is notified") {
    net.receive(udp, request("INVITE", via_udp));
    net.respond(net.id(0), 180, "ringing");
    net.receive(udp, request("CANCEL", via_udp));
    REQUIRE(net.sent.size() == 2);
    CHECK(net.sent[1].message.status() == 200);
    CHECK(net.sent[1].message.to_tag() == "ringing");
    REQUIRE(net.cancels.size() == 1);
    CHECK(net.cancels[0].id == net.requests[0].id);
    SUBCASE("its copy is answered, and the user is not notified again") {
      net.receive(udp, request("CANCEL", via_udp));
      CHECK(net.sent.size() == 3);
      CHECK(net.cancels.size() == 1);
    }
  }
  SUBCASE("200 without effect after the final response") {
    net.receive(udp, request("INVITE", via_udp));
    net.respond(net.id(0), 486);
    net.receive(udp, request("CANCEL", via_udp));
    CHECK(net.sent[1].message.status() == 200);
    CHECK(net.cancels.empty());
  }
}

TEST_CASE("answers that end within T1 of each other end together: one wake-up, and not one for each") {
  constexpr int count = 50;
  Fixture net;
  for (int i = 0; i < count; ++i) {
    net.receive(udp, request("OPTIONS", "UDP 192.0.2.1:5062;branch=z9hG4bK" + std::to_string(i)));
    net.respond(net.requests.back().id, 200);
    net.pass(100us);
  }
  CHECK(net.layer.size() == count);
  int wakes = 0;
  for (; net.timers.next(); ++wakes) {
    net.time = std::max(net.time, *net.timers.next());
    net.timers.advance(net.time);
  }
  CHECK(net.layer.size() == 0);
  CHECK(net.time <= Time{} + 640ms + count * 100us + 10ms);
  CHECK(wakes <= 2);
}

TEST_CASE("at the limit of transactions 503 is sent without state (RFC 3261 8.2.7)") {
  Fixture net(/*max_server_transactions=*/2);
  net.receive(udp, request("OPTIONS", "UDP 192.0.2.1:5062;branch=z9hG4bK1"));
  net.receive(udp, request("OPTIONS", "UDP 192.0.2.1:5062;branch=z9hG4bK2"));
  CHECK(net.sent.empty());
  net.receive(udp, request("OPTIONS", "UDP 10.0.0.1:5062;rport;branch=z9hG4bK3"));
  net.receive(udp, request("OPTIONS", "UDP 10.0.0.1:5062;rport;branch=z9hG4bK3"));
  CHECK(net.requests.size() == 2);
  CHECK(net.layer.size() == 2);
  REQUIRE(net.sent.size() == 2);
  CHECK(net.sent[0].message.status() == 503);
  CHECK(net.sent[0].message.has(HeaderId::retry_after));
  CHECK(print(net.sent[0].hop.remote) == "192.0.2.1:40000");
  CHECK(net.sent[0].message.to_tag() == net.sent[1].message.to_tag());

  SUBCASE("copies of known requests and ACKs still pass") {
    net.receive(udp, request("ACK", "UDP 192.0.2.1:5062;branch=z9hG4bK9"));
    net.receive(udp, request("OPTIONS", "UDP 192.0.2.1:5062;branch=z9hG4bK1"));
    CHECK(net.acks.size() == 1);
    CHECK(net.sent.size() == 2);
  }
  SUBCASE("there is room again when one ends") {
    net.pass(640ms);
    net.receive(udp, request("OPTIONS", "UDP 10.0.0.1:5062;rport;branch=z9hG4bK4"));
    CHECK(net.requests.size() == 3);
  }
}

TEST_CASE("the live table names machine, state and peer") {
  Fixture net;
  net.receive(udp, request("INVITE", via_udp));
  net.receive(udp, request("OPTIONS", via_udp));
  net.respond(net.id(1), 200);
  std::vector<std::string> rows;
  net.layer.dump([&](const Layer::Row& row) {
    rows.push_back(std::string(row.machine) + " " + std::string(row.state) + " " + print(row.peer.remote) +
                   (row.server ? " server " : " client ") + std::string(row.key));
  });
  std::ranges::sort(rows);
  REQUIRE(rows.size() == 2);
  CHECK(rows[0] == "INVITE proceeding 192.0.2.1:5062 server z9hG4bKone|192.0.2.1:5062|INVITE");
  CHECK(rows[1] == "non-INVITE completed 192.0.2.1:5062 server z9hG4bKone|192.0.2.1:5062|OPTIONS");
}

TEST_CASE(
    "the same request over another path is merged: 482, and the user does not see it (RFC 3261 8.2.2.2)") {
  Fixture net;
  const auto by_way = [](std::string text, const std::string& branch) {
    return text.replace(text.find("z9hG4bKone"), 10, branch);
  };
  for (const char* method : {"MESSAGE", "INVITE"}) {
    CAPTURE(method);
    const std::string first = request(method, via_udp);
    const auto before = net.requests.size();
    net.receive(udp, first);
    net.sent.clear();
    net.receive(udp, by_way(first, "z9hG4bKtwo"));
    CHECK(net.requests.size() == before + 1);
    REQUIRE(net.sent.size() == 1);
    CHECK(net.sent[0].message.status() == 482);
    CHECK(net.sent[0].message.top_via()->branch() == "z9hG4bKtwo");
    net.receive(udp, by_way(first, "z9hG4bKtwo"));  // a copy of the copy
    CHECK(net.sent.size() == 2);
    CHECK(net.sent.back().message.status() == 482);
  }
}

TEST_CASE("what is not merged: all but the ongoing request itself (RFC 3261 8.2.2.2)") {
  Fixture net;
  const std::string first = request("MESSAGE", via_udp);
  std::string other = first;
  other.replace(other.find("z9hG4bKone"), 10, "z9hG4bKtwo");
  const auto change = [&](const std::string& what, const std::string& into) {
    other.replace(other.find(what), what.size(), into);
  };
  net.receive(udp, first);
  SUBCASE("the next request of the call") { change("CSeq: 5", "CSeq: 6"); }
  SUBCASE("another caller's of the same Call-ID") { change("tag=bob", "tag=carol"); }
  SUBCASE("COMPAT: another user's, whose program draws the same Call-ID, tag and CSeq") {
    change("<sip:bob@", "<sip:dave@");
  }
  SUBCASE("the same for another of our users: one server speaks for many") {
    change("sip:alice@example.org SIP", "sip:carol@example.org SIP");
  }
  SUBCASE("a request within a dialog") { change("alice@example.org>\n", "alice@example.org>;tag=ours\n"); }
  SUBCASE("a request after the first has been answered") { net.respond(net.id(0), 200); }
  net.receive(udp, other);
  CHECK(net.requests.size() == 2);
  net.respond(net.id(1), 200);
  CHECK(net.sent.back().message.status() == 200);
  net.pass(1s);
  CHECK(net.layer.size() == 0);
}

TEST_CASE("an INVITE may come again under its CSeq where its caller was asked to") {
  Fixture net;
  const std::string first = request("INVITE", via_udp);
  std::string again = first;
  again.replace(again.find("z9hG4bKone"), 10, "z9hG4bKtwo");
  net.receive(udp, first);
  std::size_t seen = 2;
  SUBCASE("COMPAT: with credentials, after a challenge") { net.respond(net.id(0), 401); }
  SUBCASE("to another of our addresses, after a 503 (RFC 3263 4.3)") { net.respond(net.id(0), 503); }
  SUBCASE("not after another answer, while its ACK is awaited") {
    net.respond(net.id(0), 486);
    seen = 1;
  }
  net.receive(udp, again);
  CHECK(net.requests.size() == seen);
}

TEST_CASE("an INVITE refused and never acknowledged is reported to the user: timer H (RFC 3261 17.2.1)") {
  Fixture net;
  net.receive(udp, request("INVITE", via_udp));
  net.respond(net.id(0), 486);
  net.pass(639ms);
  CHECK(net.failures.empty());
  net.pass(1ms);
  CHECK(net.failures == std::vector{std::pair{net.id(0), Failure::no_ack}});
  CHECK(net.layer.size() == 0);
  net.receive(udp, request("ACK", via_udp));  // too late: it matches no transaction any more
  CHECK(net.failures.size() == 1);
}

TEST_CASE(
    "an answer that cannot be sent is reported to the user, and its transaction lives on (RFC 3261 17.2.4)") {
  const auto refused = make_error_code(boost::system::errc::connection_refused);
  Fixture net;
  SUBCASE("over UDP") {
    net.receive(udp, request("INVITE", via_udp));
    net.respond(net.id(0), 180);
    net.sent[0].failed(refused);
    CHECK(net.failures == std::vector{std::pair{net.id(0), Failure::transport_error}});
    net.receive(udp, request("INVITE", via_udp));
    CHECK(net.requests.size() == 1);
    CHECK(net.sent.size() == 2);  // the same answer for the copy
  }
  SUBCASE("over UDP, of a completed non-INVITE transaction: only the answer is left, for copies") {
    net.receive(udp, request("MESSAGE", via_udp));
    net.respond(net.id(0), 200);
    net.sent[0].failed(refused);
    CHECK(net.failures.empty());
    net.receive(udp, request("MESSAGE", via_udp));
    CHECK(net.requests.size() == 1);
    CHECK(net.sent.size() == 2);
  }
  SUBCASE("over TCP only when no place of the sent-by takes it either (RFC 3261 18.2.2)") {
    net.receive(tcp, request("INVITE", "TCP pc.example.org:5099;branch=z9hG4bKa"));
    net.respond(net.id(0), 180);
    net.sent[0].failed(refused);
    CHECK(net.failures.empty());
    REQUIRE(net.sent.size() == 2);
    net.sent[1].failed(refused);
    CHECK(net.failures.empty());
    net.looked_up.at(0).second({});
    CHECK(net.failures == std::vector{std::pair{net.id(0), Failure::transport_error}});
    net.respond(net.id(0), 486);
    CHECK(net.sent.size() == 3);
    net.pass(640ms);
  }
  SUBCASE("not of a transaction that is over") {
    net.receive(tcp, request("MESSAGE", "TCP pc.example.org:5099;branch=z9hG4bKa"));
    net.respond(net.id(0), 200);
    net.sent[0].failed(refused);
    net.sent[1].failed(refused);
    CHECK(net.failures.empty());
  }
}

TEST_CASE("CANCEL races at the server (RFC 3261 9.2)") {
  Fixture net;
  SUBCASE("one that overtakes its INVITE gets 481, and the INVITE is as any other") {
    net.receive(udp, request("CANCEL", via_udp));
    CHECK(net.sent.back().message.status() == 481);
    net.receive(udp, request("INVITE", via_udp));
    CHECK(net.requests.size() == 1);
    CHECK(net.cancels.empty());
  }
  SUBCASE("one that comes before any answer reaches the user, whose 487 is acknowledged") {
    net.receive(udp, request("INVITE", via_udp));
    net.receive(udp, request("CANCEL", via_udp));
    REQUIRE(net.cancels.size() == 1);
    CHECK(net.sent.back().message.status() == 200);
    net.respond(net.id(0), 487);
    CHECK(net.sent.back().message.status() == 487);
    net.receive(udp, request("ACK", via_udp));
    net.pass(1s);
    CHECK(net.failures.empty());
    CHECK(net.layer.size() == 0);
  }
  SUBCASE("one that crosses our 2xx gets 200 and has no effect") {
    net.receive(udp, request("INVITE", via_udp));
    net.respond(net.id(0), 200);
    net.receive(udp, request("CANCEL", via_udp));
    CHECK(net.sent.back().message.status() == 200);
    CHECK(net.sent.back().message.header(HeaderId::cseq) == "5 CANCEL");
    CHECK(net.sent.back().message.to_tag() == "srv");
    CHECK(net.cancels.empty());
  }
  SUBCASE("one that comes when all is over gets 481") {
    net.receive(udp, request("INVITE", via_udp));
    net.respond(net.id(0), 486);
    net.receive(udp, request("ACK", via_udp));
    net.pass(100ms);
    net.receive(udp, request("CANCEL", via_udp));
    CHECK(net.sent.back().message.status() == 481);
  }
  SUBCASE("one with another branch cancels nothing") {
    net.receive(udp, request("INVITE", via_udp));
    net.receive(udp, request("CANCEL", "UDP 192.0.2.1:5062;branch=z9hG4bKtwo"));
    CHECK(net.sent.back().message.status() == 481);
    CHECK(net.cancels.empty());
  }
}

namespace {

/// With a body of that many octets instead of none.
std::string with_body(std::string text, std::size_t size) {
  const auto at = text.rfind("Content-Length: 0");
  return text.replace(at, std::string::npos,
                      "Content-Length: " + std::to_string(size) + "\n\n" + std::string(size, 'x'));
}

}  // namespace

TEST_CASE("a message over 64 KiB, as a stream takes it, is treated as any other") {
  Fixture net;
  net.receive(tcp, with_body(request("INVITE", "TCP pc.example.org;branch=z9hG4bKa"), 70000));
  SUBCASE("a request without an answer gets its 100 (RFC 3261 17.2.1)") {
    net.pass(4ms);
    REQUIRE(net.sent.size() == 1);
    CHECK(net.sent[0].message.status() == 100);
  }
  SUBCASE("a response is sent where the sent-by leads (RFC 3263 5)") {
    const auto text = sip::Builder::reply(net.requests.at(0).message, 200, "srv")
                          .finish("text/plain", std::string(70000, 'x'));
    net.layer.respond(net.id(0), text, net.now());
    for (int step = 0; step < 2; ++step)
      net.sent.back().failed(make_error_code(boost::system::errc::connection_refused));
    CHECK(net.looked_up.size() == 1);
  }
}

namespace {

/// Answered without a transaction, as the server does it for requests that cost too much to remember.
void answer_statelessly(Fixture& net, const Hop& from, const sip::Message& message) {
  const auto tag = net.layer.stateless_tag(message);
  net.layer.answer(from, message, sip::Builder::reply(message, 480, tag).finish());
}

}  // namespace

TEST_CASE("a stateless answer goes where one in a transaction would (RFC 3261 8.2.7, 18.2.2, RFC 3581 4)") {
  Fixture net;
  const auto message = Fixture::message(request("OPTIONS", "UDP 10.0.0.1:5062;rport;branch=z9hG4bKa"));
  SUBCASE("its Via read from the request") { answer_statelessly(net, udp, message); }
  SUBCASE("its Via as the caller has read it") {
    const auto via = message.top_via_view();
    net.layer.answer(udp, message, sip::Builder::reply(message, 480, "t").finish(), &*via);
  }
  SUBCASE("a refusal") { net.layer.refuse(udp, message, 480); }
  REQUIRE(net.sent.size() == 1);
  CHECK(net.sent[0].hop == udp);
  CHECK(net.sent[0].message.status() == 480);
  const auto vias = net.sent[0].message.values(HeaderId::via);
  REQUIRE(vias.size() == 2);
  CHECK(vias[0] == "SIP/2.0/UDP 10.0.0.1:5062;rport=40000;branch=z9hG4bKa;received=192.0.2.1");
  CHECK(vias[1] == "SIP/2.0/UDP 198.51.100.7;branch=z9hG4bKfar");
  CHECK(net.layer.size() == 0);
}

TEST_CASE("a stateless answer to a request without rport goes to the port of its sent-by (RFC 3261 18.2.2)") {
  Fixture net;
  answer_statelessly(net, udp, Fixture::message(request("OPTIONS", via_udp)));
  CHECK(print(net.sent.at(0).hop.remote) == "192.0.2.1:5062");
  CHECK(net.sent[0].message.header(HeaderId::via) == "SIP/2.0/UDP 192.0.2.1:5062;branch=z9hG4bKone");
}

TEST_CASE("what has no Via that can be read is answered statelessly where it came from, the Via as it is") {
  Fixture net;
  std::string text = request("OPTIONS", "UDP ;branch=z9hG4bKa");
  std::string_view via = "SIP/2.0/UDP ;branch=z9hG4bKa";
  SUBCASE("unreadable") {}
  SUBCASE("none") {
    text = text.substr(0, text.find("Via")) + text.substr(text.find("Max-Forwards"));
    via = {};
  }
  const auto message = Fixture::message(text);
  REQUIRE_FALSE(message.top_via_view().has_value());
  answer_statelessly(net, udp, message);
  net.layer.refuse(udp, message, 400);
  REQUIRE(net.sent.size() == 2);
  for (const auto& sent : net.sent) {
    CHECK(sent.hop == udp);
    CHECK(sent.message.header(HeaderId::via) == via);
  }
}

TEST_CASE("an ACK gets no stateless answer (RFC 3261 8.2.7)") {
  Fixture net;
  const auto ack = Fixture::message(request("ACK", via_udp));
  answer_statelessly(net, udp, ack);
  net.layer.refuse(udp, ack, 503);
  CHECK(net.sent.empty());
}

TEST_CASE("the To tag of stateless answers is the same for copies, and no other's (RFC 3261 8.2.7)") {
  Fixture net;
  const auto one = Fixture::message(request("OPTIONS", via_udp));
  const auto other = Fixture::message(request("OPTIONS", "UDP 192.0.2.1:5062;branch=z9hG4bKtwo"));
  answer_statelessly(net, udp, one);
  answer_statelessly(net, udp, Fixture::message(request("OPTIONS", via_udp)));
  net.layer.refuse(udp, one, 400);
  answer_statelessly(net, udp, other);
  REQUIRE(net.sent.size() == 4);
  CHECK_FALSE(net.sent[0].message.to_tag().empty());
  CHECK(net.sent[1].message.text() == net.sent[0].message.text());
  CHECK(net.sent[2].message.to_tag() == net.sent[0].message.to_tag());
  CHECK(net.sent[3].message.to_tag() != net.sent[0].message.to_tag());
  SeededRandom random{2};
  const Layer stranger(Layer::Config{}, net, net.timers, net, random, net);
  CHECK(stranger.stateless_tag(one) != net.sent[0].message.to_tag());
}

TEST_CASE("a refusal says when to come back where that helps, and has no To tag without a To") {
  Fixture net;
  std::string text = request("OPTIONS", via_udp);
  net.layer.refuse(udp, Fixture::message(text), 503);
  net.layer.refuse(udp, Fixture::message(text), 400, "No Good Reason");
  text.erase(text.find("To: "), text.find("Call-ID") - text.find("To: "));
  net.layer.refuse(udp, Fixture::message(text), 400);
  REQUIRE(net.sent.size() == 3);
  CHECK(net.sent[0].message.has(HeaderId::retry_after));
  CHECK_FALSE(net.sent[1].message.has(HeaderId::retry_after));
  CHECK(net.sent[1].message.reason() == "No Good Reason");
  CHECK(net.sent[2].message.to_tag().empty());
}

TEST_CASE("INVITEs that were answered 2xx, which stay for 64*T1, keep no new ones out (RFC 6026 7.1)") {
  constexpr int most = 2;
  Fixture net(most);
  const auto via = [](int number) {
    return "UDP 192.0.2.1:5062;branch=z9hG4bKcall" + std::to_string(number);
  };
  for (int i = 0; i < 4 * most; ++i) {
    net.receive(udp, request("INVITE", via(i)));
    REQUIRE(net.requests.size() == static_cast<std::size_t>(i) + 1);
    net.respond(net.requests.back().id, 200);
  }
  CHECK(net.layer.size() == 4 * most);
  for (int i = 0; i < most; ++i) net.receive(udp, request("INVITE", via(100 + i)));
  CHECK(net.requests.size() == 5 * most);
  net.receive(udp, request("INVITE", via(200)));
  CHECK(net.requests.size() == 5 * most);
  CHECK(net.sent.back().message.status() == 503);
  net.pass(640ms);
  net.receive(udp, request("INVITE", via(300)));  // those that ring are still too many
  CHECK(net.sent.back().message.status() == 503);
  net.respond(net.id(4 * most), 486);
  net.respond(net.id(4 * most + 1), 200);
  net.receive(udp, request("INVITE", via(400)));
  CHECK(net.requests.size() == 5 * most + 1);
}
