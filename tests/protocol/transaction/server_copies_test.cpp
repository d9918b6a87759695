#include <doctest/doctest.h>

#include "protocol/transaction/answer_log.hpp"
#include "tests/protocol/transaction/server_requests.hpp"

using namespace beckon;
using namespace beckon::transaction;
using namespace beckon::transaction::testing::server;
using sip::HeaderId;
using testing::Fixture;

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
