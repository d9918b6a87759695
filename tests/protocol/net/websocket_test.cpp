#include <doctest/doctest.h>

#include "protocol/net/websocket_framer.hpp"
#include "tests/protocol/net/masked.hpp"
#include "tests/protocol/net/support.hpp"

using namespace beckon;
using namespace beckon::net;
using namespace beckon::net::test;
using namespace std::literals;

namespace {

/// The handshake of RFC 7118 4.1, with lines taken out or put in.
std::string handshake(std::string_view without = {}, std::string_view with = {}) {
  std::string text = "GET / HTTP/1.1\r\n";
  for (const std::string_view line :
       {"Host: sip-ws.example.com", "Upgrade: websocket", "Connection: Upgrade",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Origin: http://www.example.com",
        "Sec-WebSocket-Protocol: sip", "Sec-WebSocket-Version: 13"}) {
    if (without.empty() || !line.starts_with(without)) text += std::string(line) + "\r\n";
  }
  return text + std::string(with) + "\r\n";
}

constexpr std::string_view accepted =
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: sip\r\n\r\n";

/// A client that writes octets as we like; frames come in as `got`.
struct Client {
  Client(Loop& runs, const Address& there, TlsContextPtr tls = {}) : loop(runs) {
    DialOptions options{.remote = there, .tls = std::move(tls), .server_name = "localhost"};
    dial(loop, std::move(options), [this](Result<ChannelPtr> opened) {
      channel = opened.value();
      channel->start({.on_octets = [this](std::string_view octets) { got += octets; },
                      .on_closed = [this](ErrorCode error) { closed = error; }});
    });
    REQUIRE(loop.run_until([this] { return channel != nullptr; }, limit));
  }
  ~Client() { channel->close(Errc::closed); }
  void send(std::string octets) { channel->send(share(std::move(octets))); }
  bool wait(std::string_view text) {
    return loop.run_until([&] { return got.find(text) != std::string::npos; }, limit);
  }
  void open() {
    send(handshake());
    REQUIRE(wait(accepted));
    got.clear();
  }
  Loop& loop;
  ChannelPtr channel;
  std::string got;
  ErrorCode closed;
};

/// Without Content-Length, which a WebSocket does not need.
std::string bare(std::string_view call_id, std::string_view body) {
  std::string text = make_message(call_id, body);
  const auto at = text.find("Content-Length");
  return text.erase(at, text.find("\r\n", at) + 2 - at);
}

}  // namespace

TEST_CASE("WebSocket: the handshake of RFC 7118 4.1 gets the answer shown there, and messages go both ways") {
  Loop loop;
  Side server(loop);
  server.recorder.echo = &server.transport;
  Client client(loop, server.transport.listen(Protocol::ws, loopback).value());
  client.send(handshake());
  REQUIRE(client.wait(accepted));
  CHECK(client.got == accepted);
  REQUIRE(loop.run_until([&] { return server.recorder.opened.size() == 1; }, limit));
  const Hop flow = server.recorder.opened.front();
  CHECK(flow.protocol == Protocol::ws);
  CHECK(flow.flow != 0);
  client.got.clear();
  const std::string message = bare("1", "no Content-Length");
  client.send(masked(0x81, message));
  REQUIRE(client.wait("no Content-Length"));
  CHECK(client.got == *print_frame(WebSocketOpcode::text, message));
  CHECK(server.recorder.bodies.front() == "no Content-Length");
  CHECK(server.recorder.hops.front() == flow);
}

TEST_CASE("WebSocket: octets right after the handshake are not lost, however they are split") {
  const std::string octets = handshake() + masked(0x81, make_message("first"));
  for (std::size_t cut = 1; cut < octets.size(); cut += 61) {
    CAPTURE(cut);
    Loop loop;
    Side server(loop);
    Client client(loop, server.transport.listen(Protocol::ws, loopback).value());
    client.send(octets.substr(0, cut));
    REQUIRE(loop.run_until([&] { return client.channel->queued() == 0; }, limit));
    client.send(octets.substr(cut));
    REQUIRE(loop.run_until([&] { return !server.recorder.call_ids.empty(); }, limit));
    CHECK(server.recorder.opened.size() == 1);
  }
}

TEST_CASE(
    "WebSocket: an answer has the frame type of its request, and is binary when it is not UTF-8 (RFC 7118 "
    "4.2)") {
  Loop loop;
  Side server(loop);
  server.recorder.echo = &server.transport;
  Client client(loop, server.transport.listen(Protocol::ws, loopback).value());
  client.open();
  client.send(masked(0x82, make_message("binary")));
  REQUIRE(client.wait("Call-ID: binary"));
  CHECK(client.got.front() == '\x82');
  client.got.clear();
  client.send(masked(0x81, make_message("text")));
  REQUIRE(client.wait("Call-ID: text"));
  CHECK(client.got.front() == '\x81');
  client.got.clear();
  server.transport.send(server.recorder.hops.front(), share(make_message("deflated", "\xff\xfe")), nullptr);
  REQUIRE(client.wait("\xff\xfe"));
  CHECK(client.got.front() == '\x82');
}

TEST_CASE("WebSocket: head and shared body are one message in one frame, whatever the length of its length") {
  constexpr std::size_t record = 16384;  // of TLS
  constexpr std::size_t short_length = 125, medium_length = 65535;
  Trust trust;
  for (const Protocol protocol : {Protocol::ws, Protocol::wss}) {
    Loop loop;
    SipTransport::Options options;
    options.tls_server = trust.server;
    Side server(loop, options);
    const bool secure = protocol == Protocol::wss;
    Client client(loop, server.transport.listen(protocol, loopback).value(), secure ? trust.client : nullptr);
    client.open();
    REQUIRE(loop.run_until([&] { return !server.recorder.opened.empty(); }, limit));
    const Hop flow = server.recorder.opened.front();
    const std::string head = "MESSAGE x SIP/2.0\r\n\r\n";
    for (const std::size_t whole : {head.size(), short_length, short_length + 1, record - 4, record,
                                    record + 1, medium_length, medium_length + 1, std::size_t{300'000}}) {
      CAPTURE(whole);
      std::string text(whole - head.size(), ' ');
      for (std::size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>('a' + (7 * i + i / 251) % 26);
      const SharedText body = text.empty() ? nullptr : share(text);
      const std::string frame(*print_frame(WebSocketOpcode::text, head + text));
      client.got.clear();
      for (int copy = 0; copy < 2; ++copy) server.transport.send(flow, {share(head), body}, nullptr);
      REQUIRE(loop.run_until([&] { return client.got.size() >= 2 * frame.size(); }, limit));
      CHECK((client.got == frame + frame));
    }
    // What the body has decides of the whole (RFC 7118 4.2).
    client.got.clear();
    server.transport.send(flow, {share(head), share("\xff")}, nullptr);
    REQUIRE(client.wait("\xff"));
    CHECK(client.got == *print_frame(WebSocketOpcode::binary, head + "\xff"));
  }
}

TEST_CASE(
    "WebSocket: a request for no WebSocket, or not for SIP, is refused with the reason (RFC 6455 4.2, RFC "
    "7118 4.1)") {
  struct Row {
    std::string name, request, answer;
  };
  const std::string plain = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
  const std::string long_line = "X: " + std::string(20000, 'x') + "\r\n";
  const Row rows[] = {
      {"GET / without Upgrade", plain, "HTTP/1.1 426 Upgrade Required\r\nUpgrade: websocket\r\n"},
      {"HTTP/1.0", "GET / HTTP/1.0\r\n\r\n", "HTTP/1.1 426"},
      {"another version", handshake("Sec-WebSocket-V", "Sec-WebSocket-Version: 8\r\n"), "HTTP/1.1 426"},
      {"Upgrade to something else", handshake("Upgrade", "Upgrade: h2c\r\n"), "HTTP/1.1 426"},
      {"POST", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 405"},
      {"no key", handshake("Sec-WebSocket-K"), "HTTP/1.1 400"},
      {"a key of 15 octets", handshake("Sec-WebSocket-K", "Sec-WebSocket-Key: MTIzNDU2Nzg5MDEyMzQ1\r\n"),
       "HTTP/1.1 400"},
      {"no Host", handshake("Host"), "HTTP/1.1 400"},
      {"no subprotocol", handshake("Sec-WebSocket-P"), "HTTP/1.1 400 Subprotocol sip Required\r\n"},
      {"another subprotocol", handshake("Sec-WebSocket-P", "Sec-WebSocket-Protocol: xmpp, msrp\r\n"),
       "HTTP/1.1 400"},
      {"a body", handshake({}, "Content-Length: 3\r\n") + "abc", "HTTP/1.1 400"},
      {"no HTTP", make_message("1"), "HTTP/1.1 400"},
      {"head too long", handshake({}, long_line), "HTTP/1.1 431"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    Loop loop;
    Side server(loop);
    Client client(loop, server.transport.listen(Protocol::ws, loopback).value());
    client.send(row.request);
    CHECK(loop.run_until([&] { return bool(client.closed); }, limit));
    CHECK_MESSAGE(client.got.starts_with(row.answer), client.got);
    CHECK(client.got.find("Content-Length: 0") != std::string::npos);
    CHECK(server.recorder.opened.empty());
  }
}

TEST_CASE("WebSocket: sip among several subprotocols, and Connection with several words, are accepted") {
  Loop loop;
  Side server(loop);
  Client client(loop, server.transport.listen(Protocol::ws, loopback).value());
  std::string request = handshake("Sec-WebSocket-P", "Sec-WebSocket-Protocol: msrp, sip\r\n");
  request.replace(request.find("Connection: Upgrade"), 19, "Connection: keep-alive, Upgrade");
  client.send(request);
  CHECK(client.wait(accepted));
}

TEST_CASE("WebSocket: pages of other origins are kept out when origins are named (RFC 6455 10.2)") {
  for (const bool listed : {true, false}) {
    CAPTURE(listed);
    Loop loop;
    SipTransport::Options options;
    options.websocket.origins = {"https://example.org"};
    if (listed) options.websocket.origins.push_back("http://www.example.com");
    Side server(loop, options);
    Client client(loop, server.transport.listen(Protocol::ws, loopback).value());
    client.send(handshake());
    CHECK(client.wait(listed ? accepted : "HTTP/1.1 403"));
  }
}

TEST_CASE("WebSocket: pings are answered, CRLF CRLF too, and a close is answered with a close") {
  Loop loop;
  Side server(loop);
  Client client(loop, server.transport.listen(Protocol::ws, loopback).value());
  client.open();
  client.send(masked(0x89, "beat"));
  CHECK(
      client.wait("\x8a\x04"
                  "beat"));
  client.got.clear();
  client.send(masked(0x81, "\r\n\r\n"));
  CHECK(client.wait("\x81\x02\r\n"));
  client.got.clear();
  client.send(masked(0x81, "\r\n") + masked(0x88,
                                            "\x03\xe9"
                                            "tab closed"));
  CHECK(loop.run_until([&] { return bool(client.closed); }, limit));
  CHECK(client.got == *print_close(WebSocketClose::normal));
  CHECK(loop.run_until([&] { return server.recorder.closed.size() == 1; }, limit));
  CHECK(server.recorder.malformed.empty());
  CHECK(server.transport.flows() == 0);
}

TEST_CASE("WebSocket: broken frames and large messages end it with their code; broken SIP does not") {
  Loop loop;
  SipTransport::Options options;
  options.websocket.message = 2000;
  Side server(loop, options);
  server.recorder.echo = &server.transport;
  const Address there = server.transport.listen(Protocol::ws, loopback).value();
  for (const auto& [octets, code] :
       {std::pair{masked(0x83, "x"), WebSocketClose::protocol_error},
        std::pair{masked(0x81, "\xff"), WebSocketClose::not_utf8},
        std::pair{masked(0x81, std::string(2001, 'x')), WebSocketClose::too_large}}) {
    Client client(loop, there);
    client.open();
    client.send(octets);
    CHECK(loop.run_until([&] { return bool(client.closed); }, limit));
    CHECK(client.got == *print_close(code));
  }
  Client client(loop, there);
  client.open();
  client.send(masked(0x81, "this is no SIP") + masked(0x81, make_message("after")));
  CHECK(client.wait("Call-ID: after"));
  CHECK(server.recorder.malformed.size() == 1);
}

TEST_CASE(
    "WebSocket: a silent client that answers pings stays connected; one that does not is closed as idle") {
  Loop loop;
  SipTransport::Options options;
  options.websocket.ping = 100ms;
  options.limits.idle = 3s;
  const auto stays_open = [&](Pace& pace) {
    Side server(loop, options);
    Client client(loop, server.transport.listen(Protocol::ws, loopback).value());
    client.open();
    const std::string_view ping = "\x89\0"sv;
    constexpr std::size_t enough = 40;  // 100 ms apart, or more: the idle time is over
    std::size_t answered = 0;
    REQUIRE(loop.run_until(
        [&] {
          pace.on_turn();
          for (; answered < client.got.size() / ping.size(); ++answered) client.send(masked(0x8A, ""));
          return answered >= enough || client.closed;
        },
        2 * limit));
    if (client.closed) return false;
    CHECK(client.got.starts_with(ping));
    CHECK(server.transport.flows() == 1);
    CHECK(loop.run_until([&] { return bool(client.closed); }, limit));
    CHECK(server.recorder.closed.size() == 1);
    return true;
  };
  for (bool open = false; !open;) {
    Pace pace(loop);
    open = stays_open(pace);
    REQUIRE((open || pace.longest() >= 1s));  // held up: once more
  }
}

TEST_CASE(
    "WebSocket: a connection without a handshake is closed, and so is one in progress when the server ends") {
  Loop loop;
  SipTransport::Options options;
  options.websocket.handshake = 20ms;
  {
    Side server(loop, options);
    Client client(loop, server.transport.listen(Protocol::ws, loopback).value());
    client.send("GET / HTTP/1.1\r\n");
    CHECK(loop.run_until([&] { return bool(client.closed); }, limit));
    CHECK(client.got.empty());
  }
  auto server = std::make_unique<Side>(loop);
  Client client(loop, server->transport.listen(Protocol::ws, loopback).value());
  client.send("GET / HTTP/1.1\r\n");
  REQUIRE(loop.run_until([&] { return client.channel->queued() == 0; }, limit));
  server.reset();
  CHECK(loop.run_until([&] { return bool(client.closed); }, limit));
}

TEST_CASE("WebSocket: none is dialled; a message for a closed one fails (RFC 7118 5)") {
  Loop loop;
  Side side(loop);
  ErrorCode sent, dialled;
  side.transport.send({.protocol = Protocol::ws, .remote = {loopback.ip, 9}, .local = {}, .flow = 0},
                      share(make_message("1")), [&](ErrorCode error) { sent = error; });
  side.transport.connect({.protocol = Protocol::wss, .remote = {loopback.ip, 9}, .local = {}},
                         [&](Result<Hop> hop) { dialled = hop.error(); });
  CHECK(loop.run_until([&] { return bool(sent) && bool(dialled); }, limit));
  CHECK(sent == Errc::flow_gone);
  CHECK(dialled == Errc::no_socket);
}

TEST_CASE("secure WebSocket: the same over TLS, and no listener without a certificate") {
  Loop loop;
  Trust trust;
  SipTransport::Options options;
  options.tls_server = trust.server;
  Side server(loop, options), bare_side(loop);
  CHECK(bare_side.transport.listen(Protocol::wss, loopback).error() == Errc::not_secure);
  server.recorder.echo = &server.transport;
  Client client(loop, server.transport.listen(Protocol::wss, loopback).value(), trust.client);
  client.open();
  client.send(masked(0x81, make_message("over TLS")));
  CHECK(client.wait("Call-ID: over TLS"));
  CHECK(server.recorder.hops.front().protocol == Protocol::wss);
}

TEST_CASE("WebSocket: a client that reads too slowly is closed at the bound") {
  Loop loop;
  SipTransport::Options options;
  options.limits.queue = 1 << 20;
  Side server(loop, options);
  Client client(loop, server.transport.listen(Protocol::ws, loopback).value());
  client.open();
  client.channel->pause();
  REQUIRE(loop.run_until([&] { return !server.recorder.opened.empty(); }, limit));
  const Hop flow = server.recorder.opened.front();
  std::size_t failed = 0;
  const auto text = share(make_message("big", std::string(60000, 'x')));
  for (int sent = 0; sent < 1000 && server.transport.find_flow(flow.flow); ++sent) {
    server.transport.send(flow, text, [&](ErrorCode) { ++failed; });
    bool turned = false;
    loop.post([&] { turned = true; });
    loop.run_until([&] { return turned; }, limit);
  }
  CHECK(loop.run_until([&] { return server.recorder.has_closed(flow.flow) && failed > 0; }, limit));
}

TEST_CASE(
    "WebSocket: a message that has begun and does not end in time closes the connection; pings do not help") {
  const std::string half = masked(0x81, make_message("1", std::string(20000, 'x'))).substr(0, 10000);
  struct Row {
    const char* what;
    std::string octets;
  };
  const Row rows[] = {
      {"half a frame", half},
      {"the head of a frame", half.substr(0, 8)},
      {"one octet", half.substr(0, 1)},
      {"a fragment without an end", masked(0x01, "MESSAGE")},
      {"a fragment without an end, and a ping", masked(0x01, "MESSAGE") + masked(0x89, "x")},
  };
  for (const Row& row : rows) {
    CAPTURE(row.what);
    Loop loop;
    Side server(loop, {.message_time = 50ms});
    Client client(loop, server.transport.listen(Protocol::ws, loopback).value());
    client.open();
    client.send(masked(0x81, bare("0", "whole")));
    client.send(row.octets);
    REQUIRE(loop.run_until([&] { return bool(client.closed); }, limit));
    CHECK(server.recorder.call_ids == std::vector<std::string>{"0"});
    CHECK(loop.run_until([&] { return server.transport.flows() == 0; }, limit));
    CHECK(loop.unfinished().octets() == 0);
  }
}

TEST_CASE("WebSocket: octets of handshakes and messages count toward the bound of unfinished messages") {
  Loop loop;
  Side server(loop);
  const Address there = server.transport.listen(Protocol::ws, loopback).value();
  Client shaking(loop, there), talking(loop, there);
  shaking.send(handshake().substr(0, 100));
  REQUIRE(loop.run_until([&] { return loop.unfinished().octets() == 100; }, limit));
  talking.open();
  talking.send(masked(0x01, "MESSAGE"));
  REQUIRE(loop.run_until([&] { return loop.unfinished().octets() == 107; }, limit));
  loop.unfinished().set_limit(106);
  shaking.send("H");
  REQUIRE(loop.run_until([&] { return bool(shaking.closed); }, limit));
  CHECK(loop.unfinished().octets() == 7);
  CHECK_FALSE(talking.closed);
}
