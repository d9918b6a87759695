#include "server/proxy/proxy.hpp"

#include "tests/server/proxy/town.hpp"

using namespace beckon;
using namespace beckon::server;
using namespace beckon::server::test;
using sip::HeaderId;

TEST_CASE(
    "MESSAGE reaches the user's device unchanged, with the authenticated sender asserted (RFC 3428 6, RFC "
    "3325 5)") {
  for (const unsigned shards : {1U, 2U}) {
    CAPTURE(shards);
    Town town(shards);
    town.enter(bob, tls(1), "sip:bob@192.0.2.9:40000;transport=tls");
    Ask forged = hello;
    forged.lines.push_back("P-Asserted-Identity: <sip:boss@example.org>");
    const auto got = town.from_alice(forged);
    CHECK(got.to.flow == 1);
    CHECK(got.message.request_uri_text() == "sip:bob@192.0.2.9:40000;transport=tls");
    CHECK(got.message.body() == "hi");
    CHECK(got.message.number(HeaderId::max_forwards) == 69U);
    CHECK(got.message.header(HeaderId::p_asserted_identity) == "<sip:alice@example.org>");
    CHECK_FALSE(got.message.has(HeaderId::proxy_authorization));
    CHECK_FALSE(got.message.has(HeaderId::record_route));
    town.answer(got, 200);
    const auto back = town.take();
    CHECK(back.to == udp(5070));
    CHECK(back.message.status() == 200);
    CHECK(back.message.values(HeaderId::via).size() == 1);
  }
}

TEST_CASE("credentials for another realm pass: they are for a proxy behind this one (RFC 3261 22.3)") {
  Town town;
  town.enter_bob();
  const std::string others =
      "Digest username=\"alice\", realm=\"example.net\", nonce=\"n\", uri=\"sip:bob@example.org\", "
      "response=\"r\"";
  Ask request = town.with_credentials(hello);
  for (const char* name : {"Proxy-Authorization: ", "Authorization: "})
    request.lines.push_back(name + others);
  town.receive(udp(5070), town.text_of(request));
  const auto got = town.take();
  CHECK(got.message.header(HeaderId::proxy_authorization) == others);
  CHECK(got.message.header(HeaderId::authorization) == others);
}

TEST_CASE("the answer to a request with the maximum of Vias is accepted, with the proxy's on top") {
  Town town;
  town.enter_bob();
  Ask far = hello;
  far.lines.insert(far.lines.end(), 63, "Via: SIP/2.0/UDP pc.example.com;branch=z9hG4bKfar");
  const auto got = town.from_alice(far);
  CHECK(got.message.values(HeaderId::via).size() == 65);
  town.answer(got, 200);
  const auto back = town.take();
  CHECK(back.message.status() == 200);
  CHECK(back.message.values(HeaderId::via).size() == 64);
}

TEST_CASE(
    "no device to deliver to: 404 for an unknown user, 202 for an offline one (server/message), 403 for "
    "another domain") {
  struct Row {
    const char* uri;
    int status;
  };
  const Row rows[] = {{"sip:bob@example.org", 202},
                      {"sip:nobody@example.org", 404},
                      {"sip:example.org", 404},
                      {"sip:carol@example.net", 403}};
  for (const Row& row : rows) {
    CAPTURE(row.uri);
    Town town;
    Ask request = hello;
    request.uri = row.uri;
    CHECK(town.ask_as(udp(5070), request, "alice").status() == row.status);
  }
}

TEST_CASE("a device that does not answer an INVITE is 408 to the caller, one whose connection is gone 480") {
  Town town;
  SUBCASE("silent") {
    town.enter_bob();
    town.from_alice(invite);
    town.wait(33s);
    while (town.wire.sent.front().message.status() < 408)
      town.take();  // copies of INVITE and 407: no ACK is sent
    CHECK(town.take().message.status() == 408);
  }
  SUBCASE("gone") {
    town.enter(bob, tls(1), "sip:bob@192.0.2.9:40000;transport=tls");
    town.from_alice(invite);
    town.node().on_flow_closed(1);
    town.run();
    while (town.wire.sent.front().message.status() < 480) town.take();
    CHECK(town.take().message.status() == 480);
  }
}

TEST_CASE("a MESSAGE too long for a datagram goes over TCP or not at all (RFC 3428 8, RFC 3261 18.1.1)") {
  Town town;
  town.enter_bob();
  Ask request = hello;
  request.body = std::string(1300, 'x');
  const auto got = town.from_alice(request);
  CHECK(got.to.protocol == Protocol::tcp);
  CHECK(got.to.remote == udp(5080).remote);
  CHECK(got.message.top_via()->transport == "TCP");
  SUBCASE("a device that listens there gets it") {
    town.answer(got, 200);
    CHECK(town.take().message.status() == 200);
  }
  SUBCASE("for a device that does not it is too long") {
    got.failed(make_error_code(boost::system::errc::connection_refused));
    CHECK(town.take().message.status() == 513);
  }
  CHECK(town.wire.sent.empty());
}

TEST_CASE("an INVITE too long for a datagram goes over TCP, or over UDP all the same (RFC 3261 18.1.1)") {
  Town town;
  town.enter_bob();
  Ask request = invite;
  request.lines.push_back("Content-Type: application/sdp");
  request.body = std::string(1300, 'x');
  const auto got = town.from_alice(request);
  CHECK(got.to.protocol == Protocol::tcp);
  got.failed(make_error_code(boost::system::errc::connection_refused));
  const auto again = town.take();
  CHECK(again.to.protocol == Protocol::udp);
  CHECK(again.message.top_via()->transport == "UDP");
  CHECK(again.message.body() == got.message.body());
}

TEST_CASE("the same request over a second path is merged: 482 (RFC 3261 8.2.2.2, 16.3)") {
  Town town;
  town.enter_bob();
  const Ask request = town.with_credentials(hello);
  town.receive(udp(5070), town.text_of(request));
  CHECK(town.take().message.method_text() == "MESSAGE");
  CHECK(town.ask(udp(5070), request).status() == 482);
}
