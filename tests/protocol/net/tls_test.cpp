#include <doctest/doctest.h>
#include <openssl/ssl.h>

#include "protocol/net/tls_impl.hpp"
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

TEST_CASE("TLS: versions 1.2 and 1.3 are spoken, older ones refused") {
  struct Row {
    int version;
    bool accepted;
  };
  for (const Row& row : {Row{TLS1_1_VERSION, false}, Row{TLS1_2_VERSION, true}, Row{TLS1_3_VERSION, true}}) {
    CAPTURE(row.version);
    Loop loop;
    Trust trust;
    SSL_CTX* context = trust.client->impl().current()->native_handle();
    SSL_CTX_set_security_level(context, 0);  // so that it would speak 1.1
    SSL_CTX_set_min_proto_version(context, row.version);
    SSL_CTX_set_max_proto_version(context, row.version);
    Side server(loop, serving(trust)), client(loop, trusting(trust.client));
    const Address there = server.transport.listen(Protocol::tls, loopback).value();
    CHECK(connect(loop, client, there, "localhost").has_value() == row.accepted);
  }
}

TEST_CASE("TLS: a certificate of an untrusted issuer is refused") {
  Loop loop;
  Trust trust, other;
  Side server(loop, serving(trust)), client(loop, trusting(other.client)),
      system(loop, trusting(TlsContext::client().value()));
  const Address there = server.transport.listen(Protocol::tls, loopback).value();
  CHECK(connect(loop, client, there, "localhost").error() == Errc::untrusted);
  CHECK(connect(loop, system, there, "localhost").error() == Errc::untrusted);
  CHECK(server.recorder.opened.empty());
}

TEST_CASE("TLS: a certificate known by its fingerprint is trusted under any name, and no other is") {
  Loop loop;
  Trust trust({"sip.example.org"}, {}), other({"localhost"}, {});
  const std::string fingerprint = read_certificate(trust.folder / "cert.pem").value().fingerprint;
  const auto pinned = TlsContext::pinned_client(fingerprint).value();
  Side server(loop, serving(trust)), impostor(loop, serving(other)), client(loop, trusting(pinned));
  server.recorder.echo = &server.transport;
  const Address there = server.transport.listen(Protocol::tls, loopback).value();
  const Address elsewhere = impostor.transport.listen(Protocol::tls, loopback).value();
  const Hop flow = connect(loop, client, there, "localhost").value();
  client.transport.send(flow, share(make_message("pinned")), nullptr);
  CHECK(loop.run_until([&] { return !client.recorder.call_ids.empty(); }, limit));
  CHECK(connect(loop, client, elsewhere, "localhost").error() == Errc::other_certificate);
  // Also after its owner made a new one, for the same names.
  REQUIRE(make_self_signed(trust.folder / "cert.pem", trust.folder / "key.pem", {"sip.example.org"}, {})
              .has_value());
  REQUIRE(trust.server->reload().has_value());
  CHECK(connect(loop, client, there, "sip.example.org").error() == Errc::other_certificate);
  CHECK(impostor.recorder.call_ids.empty());
}

TEST_CASE("TLS: a connection without a handshake is closed") {
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
  server.recorder.echo = &server.transport;
  const Address there = server.transport.listen(Protocol::tls, loopback).value();
  Side old_client(loop, trusting(trust.client));
  const Hop old_flow = connect(loop, old_client, there, "old.example.org").value();
  REQUIRE(make_self_signed(trust.folder / "cert.pem", trust.folder / "key.pem", {"new.example.org"}, {})
              .has_value());
  REQUIRE(trust.server->reload().has_value());
  Side client(loop, trusting(TlsContext::client(trust.folder / "cert.pem").value()));
  CHECK(connect(loop, client, there, "new.example.org").has_value());

  // An open connection keeps its certificate.
  old_client.transport.send(old_flow, share(make_message("still here")), nullptr);
  CHECK(loop.run_until([&] { return !old_client.recorder.call_ids.empty(); }, limit));
  CHECK(old_client.transport.find_flow(old_flow.flow).has_value());
  CHECK(connect(loop, old_client, there, "old.example.org").error() == Errc::untrusted);

  std::filesystem::remove(trust.folder / "key.pem");
  CHECK(trust.server->reload().error() == Errc::bad_certificate);
  CHECK(connect(loop, client, there, "new.example.org").has_value());
}

namespace {

/// A server that asks for certificates, and clients with the one it trusts, another one, or none.
struct Mutual {
  explicit Mutual(bool required) {
    for (const char* who : {"peer", "stranger"}) {
      const std::string certificate = trust.folder / (std::string(who) + ".pem");
      const std::string key = trust.folder / (std::string(who) + ".key");
      REQUIRE(
          make_self_signed(certificate, key, {std::string(who) + ".example.org"}, {loopback.ip}).has_value());
      (who == std::string_view("peer") ? peer : stranger) =
          TlsContext::client(trust.folder / "cert.pem", certificate, key).value();
    }
    asking =
        TlsContext::server(trust.folder / "cert.pem", trust.folder / "key.pem",
                           {.asked = true, .ca_paths = {trust.folder / "peer.pem"}, .required = required})
            .value();
  }
  SipTransport::Options server() const {
    SipTransport::Options options;
    options.tls_server = asking;
    options.tls_client = peer;  // for what it dials itself
    return options;
  }
  Trust trust;
  TlsContextPtr asking, peer, stranger;
};

/// The flow is usable only once the server has seen the certificate: TLS 1.3 clients are done before.
bool is_served(Loop& loop, Side& client, const Address& there) {
  const auto flow = connect(loop, client, there, "localhost");
  if (!flow) return false;
  client.transport.send(*flow, share(make_message("1")), nullptr);
  REQUIRE(loop.run_until(
      [&] { return !client.recorder.call_ids.empty() || client.recorder.has_closed(flow->flow); }, limit));
  return !client.recorder.call_ids.empty();
}

}  // namespace

TEST_CASE(
    "TLS: a client with a trusted certificate is identified by name, another is treated as configured (RFC "
    "5922 7.4)") {
  for (const bool required : {false, true}) {
    CAPTURE(required);
    Loop loop;
    Mutual mutual(required);
    Side server(loop, mutual.server());
    server.recorder.echo = &server.transport;
    const Address there = server.transport.listen(Protocol::tls, loopback).value();

    Side nobody(loop, trusting(mutual.trust.client));
    CHECK(is_served(loop, nobody, there) == !required);
    CHECK(server.recorder.verified.empty());

    Side stranger(loop, trusting(mutual.stranger));
    CHECK(is_served(loop, stranger, there) == !required);
    CHECK(server.recorder.verified.empty());

    Side peer(loop, trusting(mutual.peer));
    CHECK(is_served(loop, peer, there));
    REQUIRE(server.recorder.verified.size() == 1);
    CHECK(server.recorder.verified.front().first == server.recorder.opened.back().flow);
    CHECK(server.recorder.verified.front().second ==
          std::vector<std::string>{"peer.example.org", "127.0.0.1"});
    CHECK(server.transport.dump().find("peer.example.org,127.0.0.1") != std::string::npos);
    // The client knows the name it dialled.
    REQUIRE(peer.recorder.verified.size() == 1);
    CHECK(peer.recorder.verified.front().second == std::vector<std::string>{"localhost", "127.0.0.1"});
  }
}

TEST_CASE("TLS: connections of peers that have proven themselves can be closed, and no others") {
  Loop loop;
  Mutual mutual(false);
  Side server(loop, mutual.server());
  server.recorder.echo = &server.transport;
  const Address there = server.transport.listen(Protocol::tls, loopback).value();
  Side nobody(loop, trusting(mutual.trust.client)), peer(loop, trusting(mutual.peer));
  CHECK(is_served(loop, nobody, there));
  CHECK(is_served(loop, peer, there));
  REQUIRE(server.recorder.verified.size() == 1);
  const FlowId proven = server.recorder.verified.front().first;
  server.transport.close_verified();
  CHECK(loop.run_until([&] { return server.recorder.has_closed(proven); }, limit));
  CHECK(server.recorder.closed.size() == 1);
  CHECK(is_served(loop, peer, there));  // over a new connection
  CHECK(server.recorder.verified.size() == 2);
}

TEST_CASE("TLS: peers that nobody trusts cause a line a second in the log, not one for each connection") {
  Mutual mutual(false);
  auto& serving = mutual.asking->impl();
  const Time now{};
  CHECK(serving.may_log(now));
  CHECK_FALSE(serving.may_log(now));
  CHECK_FALSE(serving.may_log(now + 999ms));
  CHECK(serving.may_log(now + 1s));
  CHECK_FALSE(serving.may_log(now + 1s));
}

TEST_CASE(
    "TLS: alias makes the peer's connection usable for its own port, but only with its certificate (RFC "
    "5923)") {
  struct Row {
    std::string name, via_port, alias;
    bool certificate, reused;
  };
  const Row rows[] = {
      {"alias and a certificate for that address", ":5099", ";alias", true, true},
      {"no alias", ":5099", "", true, false},
      {"no certificate", ":5099", ";alias", false, false},
      {"another port than the one asked for", ":5098", ";alias", true, false},
      {"no port: 5061", "", ";alias", true, false},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    Loop loop;
    Mutual mutual(false);
    Side server(loop, mutual.server());
    const Address there = server.transport.listen(Protocol::tls, loopback).value();
    Side client(loop, trusting(row.certificate ? mutual.peer : mutual.trust.client));
    const Hop flow = connect(loop, client, there, "localhost").value();
    std::string message = make_message("in");
    const std::string via = "SIP/2.0/UDP 127.0.0.1:5060";
    message.replace(message.find(via), via.size(), "SIP/2.0/TLS sip.example.org" + row.via_port + row.alias);
    client.transport.send(flow, share(message), nullptr);
    REQUIRE(loop.run_until([&] { return !server.recorder.call_ids.empty(); }, limit));
    // Nothing listens there: a message that does not go down the connection fails.
    ErrorCode error;
    server.transport.send({.protocol = Protocol::tls, .remote = {loopback.ip, 5099}, .local = {}, .flow = 0},
                          share(make_message("back")), [&](ErrorCode why) { error = why; });
    CHECK(loop.run_until([&] { return bool(error) || !client.recorder.call_ids.empty(); }, limit));
    CHECK(bool(error) != row.reused);
    if (!row.reused) continue;
    // Gone with its connection.
    client.transport.close(flow.flow);
    REQUIRE(loop.run_until([&] { return server.transport.flows() == 0; }, limit));
    server.transport.send({.protocol = Protocol::tls, .remote = {loopback.ip, 5099}, .local = {}, .flow = 0},
                          share(make_message("late")), [&](ErrorCode why) { error = why; });
    CHECK(loop.run_until([&] { return bool(error); }, limit));
  }
}

TEST_CASE("TLS: an alias is not used for a name that the certificate does not cover (RFC 5923 8.1)") {
  Loop loop;
  Mutual mutual(false);
  Side server(loop, mutual.server());
  const Address there = server.transport.listen(Protocol::tls, loopback).value();
  Side client(loop, trusting(mutual.peer));
  const Hop flow = connect(loop, client, there, "localhost").value();
  std::string message = make_message("in");
  const std::string via = "SIP/2.0/UDP 127.0.0.1:5060";
  message.replace(message.find(via), via.size(), "SIP/2.0/TLS 127.0.0.1:5099;alias");
  client.transport.send(flow, share(message), nullptr);
  REQUIRE(loop.run_until([&] { return !server.recorder.call_ids.empty(); }, limit));
  ErrorCode error;
  server.transport.send(
      {.protocol = Protocol::tls, .remote = {loopback.ip, 5099}, .local = {}, .name = "bank.example.org"},
      share(make_message("back")), [&](ErrorCode why) { error = why; });
  CHECK(loop.run_until([&] { return bool(error); }, limit));
  CHECK(client.recorder.call_ids.empty());
}
