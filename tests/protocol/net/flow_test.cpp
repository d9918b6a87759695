#include <doctest/doctest.h>

#include "protocol/net/source_address.hpp"
#include "tests/protocol/net/support.hpp"

using namespace beckon;
using namespace beckon::net;
using namespace beckon::net::test;

namespace {

Hop to(const Address& address) {
  return {.protocol = Protocol::tcp, .remote = address, .local = {}, .flow = 0};
}

/// An address where nothing listens any more.
Address address_of_nobody(Loop& loop) {
  Side gone(loop);
  return gone.transport.listen(Protocol::tcp, loopback).value();
}

/// A bare TCP connection to a transport, to write octets as we like.
struct Raw {
  Raw(Loop& loop, const Address& there, ChannelLimits limits = {}) {
    dial(loop,
         {.remote = there, .tls = nullptr, .server_name = {}, .identity = Identity::sip, .limits = limits},
         [this](Result<ChannelPtr> opened) { channel = opened.value(); });
    REQUIRE(loop.run_until([this] { return channel != nullptr; }, limit));
  }
  ~Raw() { channel->close(Errc::closed); }
  void start() {
    channel->start({.on_octets = [this](std::string_view octets) { got += octets; },
                    .on_closed = [this](ErrorCode error) { closed = error; }});
  }
  ChannelPtr channel;
  std::string got;
  ErrorCode closed;
};

/// Takes one bare connection and keeps what comes.
struct RawServer {
  explicit RawServer(Loop& loop) : acceptor(loop) {
    const auto take = [this](ChannelPtr taken) {
      channel = std::move(taken);
      channel->start(
          {.on_octets = [this](std::string_view octets) { got += octets; }, .on_closed = [](ErrorCode) {}});
    };
    address = acceptor.listen(loopback, {}, take).value();
  }
  Acceptor acceptor;
  Address address;
  ChannelPtr channel;
  std::string got;
};

}  // namespace

TEST_CASE("TCP: a message opens one connection; its answer and later messages reuse it (RFC 3261 18)") {
  Loop loop;
  Side alice(loop), bob(loop);
  const Address there = bob.transport.listen(Protocol::tcp, loopback).value();
  bob.recorder.echo = &bob.transport;
  alice.transport.send(to(there), share(make_message("1")), nullptr);
  alice.transport.send(to(there), share(make_message("2", "body")), nullptr);
  CHECK(loop.run_until([&] { return alice.recorder.call_ids.size() == 2; }, limit));
  alice.transport.send(to(there), share(make_message("3")), nullptr);
  CHECK(loop.run_until([&] { return alice.recorder.call_ids.size() == 3; }, limit));
  CHECK(bob.recorder.call_ids == std::vector<std::string>{"1", "2", "3"});
  CHECK(bob.recorder.bodies[1] == "body");
  CHECK(alice.recorder.opened.size() == 1);
  CHECK(bob.recorder.opened.size() == 1);
  CHECK(alice.recorder.opened.front().local == bob.recorder.opened.front().remote);
  CHECK(alice.transport.sent_by(alice.recorder.opened.front()) == print(alice.recorder.opened.front().local));
}

TEST_CASE(
    "TCP: the alias parameter is ignored, so that a peer cannot attract requests for another's port (RFC "
    "5923 9.2)") {
  for (const char* host : {"127.0.0.1", "sip.example.org", "localhost"}) {
    CAPTURE(host);
    Loop loop;
    Side server(loop), stranger(loop);
    const Address there = server.transport.listen(Protocol::tcp, loopback).value();
    auto owner = std::make_unique<Side>(loop);
    const Address his = owner->transport.listen(Protocol::tcp, loopback).value();
    std::string message = make_message("in");
    const std::string via = "SIP/2.0/UDP 127.0.0.1:5060";
    message.replace(message.find(via), via.size(),
                    std::string("SIP/2.0/TCP ") + host + ':' + std::to_string(his.port) + ";alias");
    stranger.transport.send(to(there), share(message), nullptr);
    REQUIRE(loop.run_until([&] { return !server.recorder.call_ids.empty(); },
                           limit));  // it is a request all the same
    const auto told = [&](const Side& side) { return side.recorder.call_ids.size(); };
    server.transport.send(to(his), share(make_message("for the owner")), nullptr);
    CHECK(loop.run_until([&] { return told(*owner) + told(stranger) > 0; }, limit));
    CHECK(told(*owner) == 1);
    // With no listener there it fails, and is not sent down the stranger's connection either.
    owner = nullptr;
    REQUIRE(loop.run_until([&] { return server.transport.flows() == 1; }, limit));
    ErrorCode error;
    server.transport.send(to(his), share(make_message("late")), [&](ErrorCode why) { error = why; });
    CHECK(loop.run_until([&] { return bool(error) || told(stranger) > 0; }, limit));
    CHECK(told(stranger) == 0);
  }
}

TEST_CASE("TCP: a message cut anywhere, and two in one segment, are the same messages (RFC 3261 18.3)") {
  Loop loop;
  Side server(loop);
  const Address there = server.transport.listen(Protocol::tcp, loopback).value();
  Raw raw(loop, there);
  raw.start();
  const std::string two = make_message("one", "hello") + make_message("two");
  std::size_t count = 0;
  for (std::size_t cut = 1; cut < two.size(); cut += 37) {
    CAPTURE(cut);
    raw.channel->send(share(two.substr(0, cut)));
    REQUIRE(loop.run_until([&] { return raw.channel->queued() == 0; }, limit));
    raw.channel->send(share(two.substr(cut)));
    count += 2;
    REQUIRE(loop.run_until([&] { return server.recorder.call_ids.size() == count; }, limit));
  }
  CHECK(server.recorder.bodies[count - 2] == "hello");
  CHECK(server.recorder.call_ids.back() == "two");
}

TEST_CASE("dialled connections are bounded for each address and in all (DESIGN 7)") {
  Loop loop;
  SipTransport::Options options;
  SUBCASE("to one address") {
    options.connections_per_address = 2;
    options.trusted = [](const IpAddress&) { return false; };
  }
  SUBCASE("in all") { options.connections = 2; }
  Side client(loop, options), server(loop);
  std::vector<Result<Hop>> dialled;
  const auto dial = [&](const Address& there) {
    const auto before = dialled.size();
    client.transport.connect(to(there), [&](Result<Hop> hop) { dialled.push_back(std::move(hop)); });
    REQUIRE(loop.run_until([&] { return dialled.size() > before; }, limit));
    return dialled.back();
  };
  std::vector<Address> there;
  for (int i = 0; i < 4; ++i) there.push_back(server.transport.listen(Protocol::tcp, loopback).value());
  const Address nobody = address_of_nobody(loop);
  CHECK_FALSE(dial(nobody).has_value());  // what failed does not count
  for (const char* nowhere : {"0.0.0.0:5060", "127.0.0.1:0", "[::]:5060"})
    CHECK(dial(*parse_address(nowhere)).error() == Errc::queue_full);
  const auto first = dial(there[0]);
  REQUIRE(first.has_value());
  CHECK(dial(there[1]).has_value());
  CHECK(dial(there[2]).error() == Errc::queue_full);
  client.transport.close(first->flow);
  REQUIRE(loop.run_until([&] { return client.recorder.has_closed(first->flow); }, limit));
  CHECK(dial(there[3]).has_value());
}

TEST_CASE("TCP: CRLF CRLF is answered with CRLF (RFC 5626 4.4.1)") {
  Loop loop;
  Side server(loop);
  Raw raw(loop, server.transport.listen(Protocol::tcp, loopback).value());
  raw.start();
  raw.channel->send(share("\r\n\r\n"));
  CHECK(loop.run_until([&] { return !raw.got.empty(); }, limit));
  CHECK(raw.got == "\r\n");
}

TEST_CASE("a dialled flow pings and stays open; without pongs it closes (RFC 5626 4.4.1)") {
  Loop loop;
  SipTransport::Options options;
  options.keep_alive = 20ms;
  SUBCASE("pongs keep it past its idle time") {
    options.keep_alive = 100ms;
    options.limits.idle = 3s;
    const auto stays_open = [&](Pace& pace) {
      Side client(loop, options);
      const std::string_view ping = "\r\n\r\n";
      constexpr std::size_t enough = 40;  // 100 ms apart, or more: the idle time is over
      std::size_t answered = 0;
      RawServer server(loop);
      Hop flow;
      client.transport.connect(to(server.address), [&](Result<Hop> hop) { flow = hop.value(); });
      REQUIRE(loop.run_until(
          [&] {
            pace.on_turn();
            for (; answered < server.got.size() / ping.size(); ++answered)
              server.channel->send(share("\r\n"));
            return answered >= enough || !client.recorder.closed.empty();
          },
          2 * limit));
      const bool open = client.recorder.closed.empty() && client.transport.find_flow(flow.flow).has_value();
      server.channel->close(Errc::closed);
      return open;
    };
    for (bool open = false; !open;) {
      Pace pace(loop);
      open = stays_open(pace);
      REQUIRE((open || pace.longest() >= 1s));  // held up: once more
    }
  }
  SUBCASE("the flow to a silent peer is closed") {
    options.pong_wait = 20ms;
    Side client(loop, options);
    Acceptor acceptor(loop);
    ChannelPtr silent;
    const Address there =
        acceptor.listen(loopback, {}, [&](ChannelPtr channel) { silent = std::move(channel); }).value();
    Hop flow;
    client.transport.connect({.protocol = Protocol::tcp, .remote = there, .local = {}},
                             [&](Result<Hop> hop) { flow = hop.value(); });
    CHECK(loop.run_until([&] { return client.recorder.has_closed(flow.flow); }, limit));
  }
}

TEST_CASE(
    "pings without a promised answer go on; once it is promised, silence ends the flow (RFC 5626 4.4.1)") {
  Loop loop;
  SeededRandom random{1};
  SipTransport::Options options;
  options.keep_alive = 10ms;
  options.pong_wait = Duration::zero();
  options.random = &random;
  Side client(loop, options);
  RawServer server(loop);
  Hop flow;
  client.transport.connect(to(server.address), [&](Result<Hop> hop) { flow = hop.value(); });
  constexpr std::size_t several = 5 * 4;  // octets
  CHECK(loop.run_until([&] { return server.got.size() >= several; }, limit));
  CHECK(server.got.find_first_not_of("\r\n") == std::string::npos);
  CHECK(client.recorder.closed.empty());
  client.transport.keep_alive(flow.flow, 10ms, 20ms);
  CHECK(loop.run_until([&] { return client.recorder.has_closed(flow.flow); }, limit));
  client.transport.keep_alive(flow.flow, 10ms, 20ms);  // of a flow that is gone: nothing
}

TEST_CASE("an idle connection is closed, and both sides report it once") {
  Loop loop;
  SipTransport::Options options;
  options.limits.idle = 20ms;
  Side server(loop, options), client(loop);
  const Address there = server.transport.listen(Protocol::tcp, loopback).value();
  Hop flow;
  client.transport.connect({.protocol = Protocol::tcp, .remote = there, .local = {}},
                           [&](Result<Hop> hop) { flow = hop.value(); });
  CHECK(loop.run_until(
      [&] { return client.recorder.has_closed(flow.flow) && !server.recorder.closed.empty(); }, limit));
  CHECK(server.recorder.closed == std::vector<FlowId>{server.recorder.opened.front().flow});
  CHECK(client.transport.flows() == 0);
  CHECK(server.transport.flows() == 0);
}

TEST_CASE("close ends a flow after what was sent, and later sends fail") {
  Loop loop;
  Side server(loop), client(loop);
  const Address there = server.transport.listen(Protocol::tcp, loopback).value();
  Hop flow;
  client.transport.connect({.protocol = Protocol::tcp, .remote = there, .local = {}},
                           [&](Result<Hop> hop) { flow = hop.value(); });
  REQUIRE(loop.run_until([&] { return flow.flow != 0; }, limit));
  ErrorCode error;
  client.transport.send(flow, share(make_message("last", std::string(200000, 'x'))), nullptr);
  client.transport.close(flow.flow);
  client.transport.send(flow, share(make_message("late")), [&](ErrorCode why) { error = why; });
  CHECK(loop.run_until([&] { return client.recorder.has_closed(flow.flow) && bool(error); }, limit));
  CHECK(loop.run_until([&] { return !server.recorder.closed.empty(); }, limit));
  CHECK(server.recorder.call_ids == std::vector<std::string>{"last"});
  CHECK(error == Errc::flow_gone);
}

TEST_CASE("a refused connection is reported to every message that waits for it") {
  Loop loop;
  Side client(loop);
  Address nobody;
  {
    Acceptor acceptor(loop);
    nobody = acceptor.listen(loopback, {}, nullptr).value();
  }
  std::vector<ErrorCode> errors;
  for (int i = 0; i < 3; ++i)
    client.transport.send(to(nobody), share(make_message("x")),
                          [&](ErrorCode why) { errors.push_back(why); });
  CHECK(loop.run_until([&] { return errors.size() == 3; }, limit));
  for (const auto& error : errors) CHECK(error == boost::system::errc::connection_refused);
}

TEST_CASE("a stream that is not SIP, or a message past 1 MiB, is reported, answered and closed") {
  struct Row {
    std::string name, text;
  };
  for (const Row& row :
       {Row{"no SIP", "GET / HTTP/1.1\r\nHost: x\r\n\r\n"},
        Row{"body past the limit", "MESSAGE sip:b@x SIP/2.0\r\nContent-Length: 1048577\r\n\r\n"},
        Row{"head past the limit", "MESSAGE sip:b@x SIP/2.0\r\nX: " + std::string(1 << 20, 'x')}}) {
    CAPTURE(row.name);
    Loop loop;
    Side server(loop);
    server.recorder.echo = &server.transport;
    Raw raw(loop, server.transport.listen(Protocol::tcp, loopback).value());
    raw.start();
    raw.channel->send(share(row.text));
    CHECK(loop.run_until([&] { return bool(raw.closed); }, limit));
    CHECK(server.recorder.malformed.size() == 1);
    CHECK(raw.got.starts_with("SIP/2.0 400"));
    CHECK(loop.run_until([&] { return server.transport.flows() == 0; }, limit));
  }
}

TEST_CASE(
    "the connection to a slow reader is closed at the bound, and each message that did not leave is "
    "reported") {
  Loop loop;
  SipTransport::Options options;
  options.limits.queue = 1 << 20;
  Side server(loop, options);
  Raw raw(loop, server.transport.listen(Protocol::tcp, loopback).value());  // never started: never reads
  REQUIRE(loop.run_until([&] { return !server.recorder.opened.empty(); }, limit));
  const Hop flow = server.recorder.opened.front();
  std::size_t failed = 0, sent = 0;
  ErrorCode last;
  const auto text = share(make_message("big", std::string(60000, 'x')));
  const auto note = [&](ErrorCode error) {
    ++failed;
    last = error;
  };
  // The system's buffers take a few MB; then nothing leaves any more.
  while (sent < 1000 && server.transport.find_flow(flow.flow)) {
    for (int i = 0; i < 10; ++i, ++sent) server.transport.send(flow, text, note);
    bool turned = false;
    loop.post([&] { turned = true; });
    loop.run_until([&] { return turned; }, limit);
  }
  CHECK(loop.run_until([&] { return server.recorder.has_closed(flow.flow) && failed > 0; }, limit));
  CHECK(failed < sent);
  CHECK((last == Errc::queue_full || last == Errc::flow_gone));
}

TEST_CASE("connections from one address are bounded, unless it is trusted (DESIGN 7)") {
  for (const bool trusted : {false, true}) {
    CAPTURE(trusted);
    Loop loop;
    SipTransport::Options options;
    options.connections_per_address = 2;
    options.trusted = [trusted](const IpAddress&) { return trusted; };
    Side server(loop, options);
    const Address there = server.transport.listen(Protocol::tcp, loopback).value();
    Raw first(loop, there), second(loop, there), third(loop, there);
    first.start(), second.start(), third.start();
    third.channel->send(share("\r\n\r\n"));
    CHECK(loop.run_until([&] { return bool(third.closed) || !third.got.empty(); }, limit));
    CHECK(bool(third.closed) == !trusted);
    if (trusted) continue;
    // A place that was left can be taken again.
    first.channel->close(Errc::closed);
    REQUIRE(loop.run_until([&] { return server.transport.flows() == 1; }, limit));
    Raw fourth(loop, there);
    fourth.start();
    fourth.channel->send(share("\r\n\r\n"));
    CHECK(loop.run_until([&] { return !fourth.got.empty(); }, limit));
  }
}

TEST_CASE("the octets queued for a peer may reach the bound and not exceed it (DESIGN 7)") {
  for (const std::size_t more : {std::size_t{0}, std::size_t{1}}) {
    CAPTURE(more);
    Loop loop;
    const std::string message = make_message("m", std::string(1000, 'x'));
    SipTransport::Options options;
    options.limits.queue = message.size() - more;
    Side server(loop, options);
    Raw raw(loop, server.transport.listen(Protocol::tcp, loopback).value());
    raw.start();
    REQUIRE(loop.run_until([&] { return !server.recorder.opened.empty(); }, limit));
    ErrorCode failed;
    server.transport.send(server.recorder.opened.front(), share(message),
                          [&](ErrorCode why) { failed = why; });
    CHECK(loop.run_until([&] { return raw.got == message || bool(raw.closed); }, limit));
    CHECK((raw.got == message) == (more == 0));
    if (more == 0) continue;
    CHECK(loop.run_until([&] { return bool(failed); }, limit));
    CHECK(failed == Errc::queue_full);
  }
}

TEST_CASE("open connections are bounded; one past the bound is closed at once (DESIGN 7)") {
  Loop loop;
  SipTransport::Options options;
  options.connections = 2;
  Side server(loop, options);
  const Address there = server.transport.listen(Protocol::tcp, loopback).value();
  Raw first(loop, there), second(loop, there);
  first.start(), second.start();
  second.channel->send(share("\r\n\r\n"));
  CHECK(loop.run_until([&] { return !second.got.empty(); }, limit));
  Raw third(loop, there);
  third.start();
  CHECK(loop.run_until([&] { return bool(third.closed); }, limit));
  CHECK(server.transport.flows() == 2);
}

TEST_CASE("IPv6 addresses are counted by their first 64 bits, IPv4 ones by themselves (RFC 6177 2)") {
  struct Row {
    const char *one, *other;
    bool same;
  };
  for (const Row& row : {Row{"2001:db8:0:1::1", "2001:db8:0:1:ffff::2", true},
                         Row{"2001:db8:0:1::1", "2001:db8:0:2::1", false},
                         Row{"192.0.2.1", "192.0.2.2", false}, Row{"192.0.2.1", "192.0.2.1", true}}) {
    CAPTURE(row.one);
    CAPTURE(row.other);
    CHECK((counted_as(*parse_ip(row.one)) == counted_as(*parse_ip(row.other))) == row.same);
  }
}

TEST_CASE("IPv6: each transport listens, reports the peer's address, and answers on the same flow") {
  const Address loopback6{*parse_ip("::1"), 0};
  Trust trust({"localhost"}, {loopback6.ip});
  for (const Protocol protocol : {Protocol::udp, Protocol::tcp, Protocol::tls}) {
    CAPTURE(transaction::via_name(protocol));
    Loop loop;
    SipTransport::Options options;
    options.tls_server = trust.server;
    options.tls_client = trust.client;
    Side server(loop, options), client(loop, options);
    server.recorder.echo = &server.transport;
    const Address there = server.transport.listen(protocol, loopback6).value();
    CHECK(there.ip == loopback6.ip);
    if (protocol == Protocol::udp) client.transport.listen(protocol, loopback6).value();
    const Hop hop{.protocol = protocol, .remote = there, .local = {}, .flow = 0};
    client.transport.send(hop, share(make_message("six")), nullptr);
    REQUIRE(loop.run_until([&] { return !client.recorder.call_ids.empty(); }, limit));
    CHECK(server.recorder.hops.front().remote.ip == loopback6.ip);
    CHECK(server.transport.sent_by(server.recorder.hops.front()) == "[::1]:" + std::to_string(there.port));
  }
}

TEST_CASE("an IPv4 and an IPv6 listener may share a port number") {
  Loop loop;
  Side server(loop);
  const Address four = server.transport.listen(Protocol::tcp, loopback).value();
  CHECK(server.transport.listen(Protocol::tcp, {*parse_ip("::1"), four.port}).has_value());
}

TEST_CASE("the addresses of this machine: the loopback ones are among them, each of the family asked for") {
  const auto v4 = own_addresses(IpAddress::Family::v4);
  CHECK(std::ranges::count(v4, *parse_ip("127.0.0.1")) == 1);
  for (const IpAddress& each : own_addresses(IpAddress::Family::v6))
    CHECK(each.family == IpAddress::Family::v6);
}

TEST_CASE("TCP: a message that has begun and does not end in time closes its flow; whole messages never do") {
  Loop loop;
  Side server(loop, {.message_time = 50ms});
  const Address there = server.transport.listen(Protocol::tcp, loopback).value();
  Raw slow(loop, there), quick(loop, there);
  slow.start();
  quick.start();
  const std::string message = make_message("1", std::string(20000, 'x'));
  quick.channel->send(share(message));
  slow.channel->send(share(message.substr(0, message.size() - 1)));
  REQUIRE(loop.run_until([&] { return bool(slow.closed); }, limit));
  CHECK(server.recorder.call_ids == std::vector<std::string>{"1"});
  CHECK(server.recorder.malformed.empty());
  CHECK(server.transport.flows() == 1);
  CHECK(loop.unfinished().octets() == 0);
  CHECK_FALSE(quick.closed);
}

TEST_CASE("TCP: unfinished messages hold no more than their bound; the largest is closed, the others go on") {
  Loop loop;
  loop.unfinished().set_limit(100000);
  Side server(loop);
  const Address there = server.transport.listen(Protocol::tcp, loopback).value();
  Raw small(loop, there), large(loop, there);
  small.start();
  large.start();
  const std::string message = make_message("small", std::string(20000, 'x'));
  small.channel->send(share(message.substr(0, 10000)));
  REQUIRE(loop.run_until([&] { return loop.unfinished().octets() == 10000; }, limit));
  large.channel->send(share(make_message("large", std::string(200000, 'x'))));
  REQUIRE(loop.run_until([&] { return bool(large.closed); }, limit));
  CHECK(loop.unfinished().closed() == 1);
  small.channel->send(share(message.substr(10000)));
  CHECK(loop.run_until([&] { return !server.recorder.call_ids.empty(); }, limit));
  CHECK(server.recorder.call_ids == std::vector<std::string>{"small"});
  CHECK(loop.unfinished().octets() == 0);
}

TEST_CASE("TLS: a handshake that does not end in time closes the connection, begun or not") {
  Loop loop;
  const Trust trust;
  SipTransport::Options options{.tls_server = trust.server};
  options.limits.handshake = 50ms;
  Side server(loop, std::move(options));
  const Address there = server.transport.listen(Protocol::tls, loopback).value();
  Raw silent(loop, there), slow(loop, there);
  silent.start();
  slow.start();
  slow.channel->send(
      share(std::string("\x16\x03\x01\x02\x00\x01", 6)));  // the head of a ClientHello of 512 octets
  CHECK(loop.run_until([&] { return silent.closed && slow.closed; }, limit));
  CHECK(server.transport.flows() == 0);
}
