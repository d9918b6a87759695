#include "client/account/keep_alive.hpp"

#include "protocol/base/text.hpp"
#include "tests/client/bench.hpp"

using namespace beckon;
using namespace beckon::client;
using account::KeepAlive;
using sip::HeaderId;
using transaction::Protocol;

namespace {

const Headers promise{{HeaderId::require, "outbound"}};

Headers with_timer(std::uint32_t seconds) {
  return {{HeaderId::require, "outbound"}, {HeaderId::flow_timer, std::to_string(seconds)}};
}

struct Fixture : Bench {
  explicit Fixture(Protocol protocol = Protocol::udp) : Bench(protocol) {}

  std::vector<std::string> failures;
  std::vector<std::pair<transaction::FlowId, Duration>> pings;
  KeepAlive keep{context,
                 {.ping_stream = [this](auto flow, Duration longest) { pings.emplace_back(flow, longest); },
                  .on_failed = [this](std::string_view why, Now) { failures.emplace_back(why); }}};
  const Address here = *parse_address("198.51.100.1:40000");

  void registered(const Headers& headers = promise) {
    keep.on_registered(
        reply_to(
            *sip::Message::parse(share(context.request("REGISTER", "sip:example.org", "sip:a@b", "t", "c", 1)
                                           .add(HeaderId::via, "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKa")
                                           .finish())),
            200, headers),
        now());
  }
  /// Lets time pass until something is sent; how long that took.
  Duration wait() {
    const std::size_t before = wire.datagrams.size();
    const Time begin = now().mono;
    while (wire.datagrams.size() == before && now().mono < begin + 2h) pass(1ms);
    REQUIRE(wire.datagrams.size() == before + 1);
    return now().mono - begin;
  }
  stun::Writer reply(stun::Class kind) const {
    const auto asked = stun::parse_message(as_bytes(wire.datagrams.back()));
    return {kind, stun::binding, asked->transaction()};
  }
  void hear(const stun::Writer& answer, const Address& from) {
    keep.on_datagram(from, answer.bytes(), now());
  }
  void answer(const Address& mapped) {
    hear(reply(stun::Class::success).add_xor_mapped_address(mapped), connection.server.remote);
  }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture,
                  "over UDP a Binding request goes to the server every 24 to 29 s (RFC 5626 4.4.2)") {
  registered();
  Duration shortest = 1h, longest{};
  for (int i = 0; i < 50; ++i) {
    const Duration pause = wait();
    shortest = std::min(shortest, pause);
    longest = std::max(longest, pause);
    const auto request = stun::parse_message(as_bytes(wire.datagrams.back()));
    REQUIRE(request.has_value());
    CHECK(request->message_class() == stun::Class::request);
    CHECK(wire.last_hop == connection.server);
    answer(here);
  }
  CHECK(shortest >= 24s);
  CHECK(longest <= 29'001ms);
  CHECK(longest - shortest > 1s);  // they differ
  CHECK(failures.empty());
}

TEST_CASE(
    "how often: the transport's pause or the user's, or the server's Flow-Timer if that is less (RFC 5626 "
    "4.4)") {
  struct Row {
    Headers headers;
    std::optional<Duration> own;
    Duration udp, stream;
  };
  for (const Row& row :
       {Row{promise, {}, 29s, 120s}, Row{with_timer(110), {}, 29s, 110s}, Row{with_timer(10), {}, 10s, 10s},
        Row{with_timer(150), {}, 29s, 120s}, Row{with_timer(0), {}, 29s, 120s}, Row{promise, 5s, 5s, 5s},
        Row{with_timer(120), 300s, 120s, 120s}, Row{promise, 300s, 300s, 300s}}) {
    CAPTURE(row.udp.count());
    CAPTURE(row.stream.count());
    Fixture udp;
    udp.context.keep_alive = row.own;
    udp.registered(row.headers);
    const Duration pause = udp.wait();
    CHECK(pause >= row.udp * 5 / 6);
    CHECK(pause <= row.udp + 1ms);
    Fixture tls(Protocol::tls);
    tls.context.keep_alive = row.own;
    tls.registered(row.headers);
    const std::vector<std::pair<transaction::FlowId, Duration>> expected{{Bench::first_flow, row.stream}};
    CHECK(tls.pings == expected);
    tls.pass(1h);
    CHECK(tls.wire.datagrams.empty());  // no STUN on a stream
  }
}

TEST_CASE_FIXTURE(Fixture, "a server that has not promised to answer gets no STUN (RFC 5626 8)") {
  registered({});
  pass(1h);
  CHECK(wire.datagrams.empty());
  registered();
  wait();
  SUBCASE("nor one that takes its promise back") { registered({}); }
  SUBCASE("nor is it sent after the end of the registration") { keep.stop(); }
  answer(here);
  pass(1h);
  CHECK(wire.datagrams.size() == 1);
  CHECK(failures.empty());
}

TEST_CASE_FIXTURE(Fixture,
                  "no answer to 7 requests fails the flow, 79 RTO after the first (RFC 8489 6.2.1)") {
  registered();
  wait();
  const std::string first = wire.datagrams.back();
  for (const Duration pause : {500ms, 1'000ms, 2'000ms, 4'000ms, 8'000ms, 16'000ms}) {
    CHECK(wait() == pause);
    CHECK(wire.datagrams.back() == first);
  }
  pass(7'999ms);
  CHECK(failures.empty());
  SUBCASE("an answer to the last is in time") {
    answer(here);
    pass(1s);
    CHECK(failures.empty());
    CHECK_FALSE(wire.datagrams.back() == first);  // more than the pause has passed: the next is out
  }
  SUBCASE("silence is the end, and nothing more is sent before the next registration") {
    pass(1ms);
    CHECK(failures == std::vector<std::string>{"keep-alives are not answered"});
    pass(1h);
    CHECK(wire.datagrams.size() == 7);
    CHECK(failures.size() == 1);
    registered();
    wait();
  }
}

TEST_CASE_FIXTURE(Fixture, "an error and a changed mapped address fail the flow (RFC 5626 4.4.2)") {
  registered();
  wait();
  answer(here);
  wait();
  SUBCASE("error") {
    hear(reply(stun::Class::error).add_error_code(500, "no"), connection.server.remote);
    CHECK(failures == std::vector<std::string>{"keep-alives are refused"});
  }
  SUBCASE("another port of the NAT") {
    answer({here.ip, 40001});
    CHECK(failures == std::vector<std::string>{"the mapped address behind the NAT has changed"});
    registered();  // a new flow: the new address is its own
    wait();
    answer({here.ip, 40001});
    CHECK(failures.size() == 1);
  }
  SUBCASE("the network refuses it (RFC 8489 6.2.1: hard ICMP error)") {
    wire.last_failed(boost::system::errc::make_error_code(boost::system::errc::connection_refused));
    CHECK(failures.size() == 1);
  }
}

TEST_CASE_FIXTURE(Fixture, "what does not answer the request is ignored") {
  registered();
  wait();
  answer(here);
  wait();
  const Address moved{here.ip, 40001};
  SUBCASE("from another address") {
    hear(reply(stun::Class::success).add_xor_mapped_address(moved), *parse_address("192.0.2.66:5061"));
  }
  SUBCASE("another transaction") {
    hear(stun::Writer(stun::Class::success, stun::binding, {}).add_xor_mapped_address(moved),
         connection.server.remote);
  }
  SUBCASE("another method") {
    const auto asked = stun::parse_message(as_bytes(wire.datagrams.back()))->transaction();
    hear(stun::Writer(stun::Class::error, 3, asked), connection.server.remote);
  }
  SUBCASE("no STUN") { keep.on_datagram(connection.server.remote, as_bytes("INVITE"), now()); }
  SUBCASE("a request") { hear(reply(stun::Class::request), connection.server.remote); }
  CHECK(failures.empty());
  CHECK(wait() == 500ms);  // still asked for
  SUBCASE("an ICMP error for a request that was answered") {
    const auto late = wire.last_failed;
    answer(here);
    late(boost::system::errc::make_error_code(boost::system::errc::connection_refused));
    CHECK(failures.empty());
  }
}

TEST_CASE_FIXTURE(Fixture,
                  "a refreshed registration does not postpone keep-alives; a new server starts them anew") {
  registered();
  const Time begin = now().mono;
  for (int i = 0; i < 5; ++i) {
    pass(4s);
    registered();
  }
  wait();
  CHECK(now().mono - begin <= 29'001ms);
  connection.server.remote = *parse_address("192.0.2.10:5060");
  registered();
  CHECK(wait() >= 24s);
  CHECK(wire.last_hop.remote == connection.server.remote);
}
