#include <doctest/doctest.h>

#include "tests/protocol/net/support.hpp"

using namespace beckon;
using namespace beckon::net;
using namespace beckon::net::test;

namespace {

SipTransport::Options serving(const Trust& trust) {
  SipTransport::Options options;
  options.tls_server = trust.server;
  return options;
}
SipTransport::Options trusting(const TlsContextPtr& context) {
  SipTransport::Options options;
  options.tls_client = context;
  return options;
}

/// Connects and gives the flow or the reason there is none.
Result<Hop> connect(Loop& loop, Side& client, const Address& there, const std::string& name) {
  std::optional<Result<Hop>> result;
  client.transport.connect({.protocol = Protocol::tls, .remote = there, .local = {}, .name = name},
                           [&](Result<Hop> hop) { result = hop; });
  REQUIRE(loop.run_until([&] { return result.has_value(); }, limit));
  return *result;
}

}  // namespace

TEST_CASE("TLS: messages both ways over a flow whose self-signed certificate is pinned") {
  Loop loop;
  Trust trust;
  REQUIRE(trust.made);
  Side server(loop, serving(trust)), client(loop, trusting(trust.client));
  const Address there = server.transport.listen(Protocol::tls, loopback).value();
  server.recorder.echo = &server.transport;
  const Hop flow = connect(loop, client, there, "localhost").value();
  client.transport.send(flow, share(make_message("small")), nullptr);
  client.transport.send(flow, share(make_message("large", std::string(300000, 'x'))), nullptr);
  CHECK(loop.run_until([&] { return client.recorder.call_ids.size() == 2; }, limit));
  CHECK(client.recorder.bodies.back().size() == 300000);
  client.transport.close(flow.flow);
  CHECK(loop.run_until([&] { return !server.recorder.closed.empty() && client.transport.flows() == 0; },
                       limit));
}

TEST_CASE("TLS: a name or address the certificate does not have is refused (RFC 5922 7.2)") {
  struct Row {
    std::string name;
    bool accepted;
  };
  Loop loop;
  Trust trust({"sip.example.org", "*.example.com"}, {*parse_ip("127.0.0.1")});
  Side server(loop, serving(trust)), client(loop, trusting(trust.client));
  const Address there = server.transport.listen(Protocol::tls, loopback).value();
  for (const Row& row : {Row{"sip.example.org", true}, Row{"SIP.Example.ORG", true}, Row{"127.0.0.1", true},
                         Row{"example.org", false}, Row{"127.0.0.2", false}, Row{"a.example.com", false}}) {
    CAPTURE(row.name);
    const auto hop = connect(loop, client, there, row.name);
    CHECK(hop.has_value() == row.accepted);
    if (!row.accepted) CHECK(hop.error() == Errc::wrong_name);
  }
}

TEST_CASE(
    "TLS: a connection to an address under one name is not used for another (RFC 5922 7.1, RFC 3263 8)") {
  Loop loop;
  Trust trust({"one.example", "two.example"}, {});
  Side server(loop, serving(trust)), client(loop, trusting(trust.client));
  const Address there = server.transport.listen(Protocol::tls, loopback).value();
  ErrorCode failed;
  const auto send = [&](const std::string& name) {
    client.transport.send({.protocol = Protocol::tls, .remote = there, .local = {}, .name = name},
                          share(make_message(name)), [&](ErrorCode error) { failed = error; });
  };
  const auto has_come = [&](std::size_t messages) {
    return loop.run_until([&] { return server.recorder.call_ids.size() == messages; }, limit);
  };
  send("one.example");
  CHECK(has_come(1));
  send("one.example");
  CHECK(has_come(2));
  CHECK(client.transport.flows() == 1);
  send("two.example");
  CHECK(has_come(3));
  CHECK(client.transport.flows() == 2);
  send("three.example");
  CHECK(loop.run_until([&] { return bool(failed); }, limit));
  CHECK(failed == Errc::wrong_name);
  CHECK(server.recorder.call_ids.size() == 3);
}

TEST_CASE("TLS: a certificate nobody we trust has signed is refused") {
  Loop loop;
  Trust trust, other;
  Side server(loop, serving(trust)), client(loop, trusting(other.client)),
      system(loop, trusting(TlsContext::client().value()));
  const Address there = server.transport.listen(Protocol::tls, loopback).value();
  CHECK(connect(loop, client, there, "localhost").error() == Errc::untrusted);
  CHECK(connect(loop, system, there, "localhost").error() == Errc::untrusted);
  CHECK(server.recorder.opened.empty());
}

TEST_CASE("TLS: a connection that never shakes hands is given up") {
  Loop loop;
  Trust trust;
  auto options = serving(trust);
  options.limits.handshake = 20ms;
  Side server(loop, options);
  const Address there = server.transport.listen(Protocol::tls, loopback).value();
  ChannelPtr raw;
  ErrorCode closed;
  dial(loop, {.remote = there, .tls = nullptr, .server_name = {}, .identity = Identity::sip, .limits = {}},
       [&](Result<ChannelPtr> channel) {
         raw = channel.value();
         raw->start(
             {.on_octets = [](std::string_view) {}, .on_closed = [&](ErrorCode error) { closed = error; }});
       });
  CHECK(loop.run_until([&] { return bool(closed); }, limit));
  CHECK(server.recorder.opened.empty());
}

TEST_CASE("TLS: without a certificate there is no listener, without trust no dialling") {
  Loop loop;
  Side side(loop);
  CHECK(side.transport.listen(Protocol::tls, loopback).error() == Errc::not_secure);
  CHECK(connect(loop, side, {*parse_ip("127.0.0.1"), 1}, "localhost").error() == Errc::not_secure);
}

TEST_CASE("TLS: new connections see reloaded certificates, and a bad file changes nothing") {
  Loop loop;
  Trust trust({"old.example.org"});
  Side server(loop, serving(trust));
  const Address there = server.transport.listen(Protocol::tls, loopback).value();
  REQUIRE(make_self_signed(trust.folder / "cert.pem", trust.folder / "key.pem", {"new.example.org"}, {})
              .has_value());
  REQUIRE(trust.server->reload().has_value());
  Side client(loop, trusting(TlsContext::client(trust.folder / "cert.pem").value()));
  CHECK(connect(loop, client, there, "new.example.org").has_value());

  std::filesystem::remove(trust.folder / "key.pem");
  CHECK(trust.server->reload().error() == Errc::bad_certificate);
  CHECK(connect(loop, client, there, "new.example.org").has_value());
}
