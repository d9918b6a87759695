#include <doctest/doctest.h>

#include "tests/protocol/transaction/server_requests.hpp"

using namespace beckon;
using namespace beckon::transaction;
using namespace beckon::transaction::testing::server;
using sip::HeaderId;
using testing::Fixture;

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
