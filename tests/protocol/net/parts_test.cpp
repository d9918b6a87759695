#include <doctest/doctest.h>

#include "tests/protocol/net/support.hpp"

using namespace beckon;
using namespace beckon::net;
using namespace beckon::net::test;
using transaction::Outgoing;

namespace {

/// Octets whose order shows: no stretch of one is repeated by a cut elsewhere.
SharedText body_of(std::size_t size) {
  std::string text(size, ' ');
  for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>('a' + (7 * i + i / 251) % 26);
  return share(text);
}

std::string head_of(const std::string& call_id, const SharedText& body) {
  const std::string whole = make_message(call_id, body ? *body : std::string_view());
  return whole.substr(0, whole.find("\r\n\r\n") + 4);
}

Outgoing in_parts(const std::string& call_id, SharedText body) {
  return {share(head_of(call_id, body)), std::move(body)};
}

/// The body that makes the whole message of that size.
SharedText body_for(std::size_t whole) {
  const SharedText longer = body_of(whole);
  return body_of(whole - head_of("0", longer).size());
}

/// Each body in three messages of heads of their own; all arrive whole and in order. Datagrams go one by one,
/// as the system may drop the largest when several wait to be read.
void exchange(Loop& loop, Side& alice, Side& bob, const Hop& to, const std::vector<SharedText>& bodies) {
  std::vector<std::string> calls, whole;
  for (const SharedText& body : bodies) {
    for (int copy = 0; copy < 3; ++copy) {
      calls.push_back(std::to_string(calls.size() % 10));
      whole.emplace_back(body ? *body : std::string_view());
      alice.transport.send(to, in_parts(calls.back(), body), [](ErrorCode error) { FAIL(error.message()); });
      if (to.protocol == Protocol::udp)
        REQUIRE(loop.run_until([&] { return bob.recorder.bodies.size() == whole.size(); }, limit));
    }
    REQUIRE(loop.run_until([&] { return bob.recorder.bodies.size() == whole.size(); }, limit));
  }
  CHECK(bob.recorder.call_ids == calls);
  CHECK(bob.recorder.bodies == whole);
  CHECK(bob.recorder.malformed.empty());
}

/// Octets of plaintext in one record, at most (RFC 8446 5.1).
constexpr std::size_t record = 16384;

std::vector<SharedText> stream_bodies() {
  return {nullptr,          body_of(1),           body_for(record - 1),
          body_for(record), body_for(record + 1), body_of(record - 1),
          body_of(record),  body_of(record + 1),  body_for(2 * record),
          body_of(300'000)};
}

}  // namespace

TEST_CASE("head and shared body over UDP: one datagram, up to the largest there is") {
  constexpr std::size_t largest = 65507;  // 65535 less the heads of IPv4 and UDP
  Loop loop;
  Side alice(loop), bob(loop);
  REQUIRE(alice.transport.listen(Protocol::udp, loopback).has_value());
  const Hop to{.protocol = Protocol::udp,
               .remote = bob.transport.listen(Protocol::udp, loopback).value(),
               .local = {},
               .flow = 0};
  exchange(loop, alice, bob, to, {nullptr, body_of(1), body_of(1300), body_for(20'000), body_for(largest)});
  // One octet more cannot leave, and takes nothing along that shares its turn or its body.
  const SharedText body = body_for(largest + 1);
  ErrorCode failed;
  alice.transport.send(to, in_parts("before", body_of(9)), nullptr);
  alice.transport.send(to, in_parts("1", body), [&](ErrorCode error) { failed = error; });
  alice.transport.send(to, in_parts("after", body_of(9)), nullptr);
  CHECK(loop.run_until([&] { return failed && bob.recorder.call_ids.size() == 17; }, limit));
  CHECK(bob.recorder.call_ids[15] == "before");
  CHECK(bob.recorder.call_ids[16] == "after");
}

TEST_CASE("head and shared body over TCP: one message after another, of any size") {
  Loop loop;
  Side alice(loop), bob(loop);
  const Hop to{.protocol = Protocol::tcp,
               .remote = bob.transport.listen(Protocol::tcp, loopback).value(),
               .local = {},
               .flow = 0};
  exchange(loop, alice, bob, to, stream_bodies());
  CHECK(bob.recorder.opened.size() == 1);
}

TEST_CASE("head and shared body over TLS: whatever falls into one record or is cut by its end") {
  Loop loop;
  Trust trust;
  SipTransport::Options serving, trusting;
  serving.tls_server = trust.server;
  trusting.tls_client = trust.client;
  Side alice(loop, trusting), bob(loop, serving);
  const Hop to{.protocol = Protocol::tls,
               .remote = bob.transport.listen(Protocol::tls, loopback).value(),
               .local = {},
               .flow = 0,
               .name = "localhost"};
  exchange(loop, alice, bob, to, stream_bodies());
  CHECK(bob.recorder.opened.size() == 1);
}

TEST_CASE("head and shared body that wait together for a connection leave in order") {
  Loop loop;
  Trust trust;
  SipTransport::Options serving, trusting;
  serving.tls_server = trust.server;
  trusting.tls_client = trust.client;
  Side alice(loop, trusting), bob(loop, serving);
  const SharedText body = body_of(record);
  for (const Protocol protocol : {Protocol::tcp, Protocol::tls}) {
    bob.recorder.call_ids.clear();
    bob.recorder.bodies.clear();
    const Hop to{.protocol = protocol,
                 .remote = bob.transport.listen(protocol, loopback).value(),
                 .local = {},
                 .flow = 0,
                 .name = "localhost"};
    for (int i = 0; i < 20; ++i)
      alice.transport.send(to, in_parts(std::to_string(i), i % 2 == 0 ? body : nullptr), nullptr);
    REQUIRE(loop.run_until([&] { return bob.recorder.bodies.size() == 20; }, limit));
    for (std::size_t i = 0; i < 20; ++i) {
      CHECK(bob.recorder.call_ids[i] == std::to_string(i));
      CHECK(bob.recorder.bodies[i] == (i % 2 == 0 ? *body : std::string_view()));
    }
  }
}
