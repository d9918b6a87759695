#include "protocol/locate/finder.hpp"

#include <doctest/doctest.h>

#include "tests/protocol/locate/zone.hpp"
#include "tests/support/virtual_clock.hpp"

using namespace beckon;
using namespace beckon::locate;
using namespace beckon::locate::test;
using transaction::Hop;
using transaction::Protocol;

namespace {

struct Bench {
  explicit Bench(Finder::Limits limits = {})
      : finder(zone, {.protocols = {Protocol::tcp, Protocol::udp}, .ipv6 = false}, timers, clock, random,
               limits) {}

  /// The first hop of the result, or the error; empty while there is none.
  std::shared_ptr<std::string> locate(const Query& query) {
    auto out = std::make_shared<std::string>();
    finder.locate(query, [out](const Locator::Hops& hops) {
      *out = hops ? print(hops->front().remote) : hops.error().message();
    });
    return out;
  }
  void wait(Duration by) { clock.advance(by, timers); }

  beckon::test::VirtualClock clock;
  TimerQueue timers;
  SeededRandom random{3};
  Zone zone{timers, clock};
  Finder finder;
};

const Query query{.host = "example.org", .port = 5060};

}  // namespace

TEST_CASE("an answer is cached for its TTL: a search within it sends no query, a search after it sends one") {
  Bench bench;
  bench.zone.set("example.org", Type::a, addresses({"192.0.2.1"}, 60s));
  auto found = bench.locate(query);
  CHECK(found->empty());  // never from inside the call
  bench.wait(0s);
  CHECK(*found == "192.0.2.1:5060");
  bench.wait(59s);
  found = bench.locate(query);
  bench.wait(0s);
  CHECK(*found == "192.0.2.1:5060");
  CHECK(bench.zone.asked() == 1);
  bench.zone.set("example.org", Type::a, addresses({"192.0.2.2"}, 60s));
  bench.wait(1s);
  found = bench.locate(query);
  bench.wait(0s);
  CHECK(*found == "192.0.2.2:5060");
  CHECK(bench.zone.asked() == 2);
}

TEST_CASE("a negative answer is cached as well (RFC 2308)") {
  Bench bench;
  const Query whole{.host = "nobody.example"};
  auto found = bench.locate(whole);
  bench.wait(0s);
  CHECK(*found == "no address found");
  const int asked = bench.zone.asked();
  CHECK(asked == 4);  // NAPTR, two SRV, A
  found = bench.locate(whole);
  bench.wait(59s);
  CHECK(*found == "no address found");
  CHECK(bench.zone.asked() == asked);
  bench.wait(1s);
  bench.locate(whole);
  bench.wait(0s);
  CHECK(bench.zone.asked() == 2 * asked);
}

TEST_CASE("concurrent searches for one name send one query") {
  Bench bench;
  bench.zone.latency = 100ms;
  bench.zone.set("example.org", Type::a, addresses({"192.0.2.1"}, 0s));
  const auto one = bench.locate(query), two = bench.locate(query);
  bench.wait(100ms);
  CHECK(*one == "192.0.2.1:5060");
  CHECK(*two == "192.0.2.1:5060");
  CHECK(bench.zone.asked() == 1);
  bench.locate(query);  // TTL zero: not kept
  CHECK(bench.zone.asked() == 2);
}

TEST_CASE("silent name servers delay a search no longer than its time limit") {
  Bench bench({.patience = 8s});
  bench.zone.latency = 3600s;
  const auto found = bench.locate(query);
  bench.wait(7999ms);
  CHECK(found->empty());
  bench.wait(1ms);
  CHECK(*found == "the name servers do not answer");
  CHECK(bench.finder.searches() == 0);
  bench.wait(3600s);  // the late answer is ignored
}

TEST_CASE("concurrent searches are bounded: one past the limit is refused") {
  Bench bench({.searches = 2});
  bench.zone.latency = 1s;
  bench.zone.set("example.org", Type::a, addresses({"192.0.2.1"}));
  const auto one = bench.locate(query), two = bench.locate(query), three = bench.locate(query);
  bench.wait(0s);
  CHECK(*three == "too many searches at once");
  bench.wait(1s);
  CHECK(*one == "192.0.2.1:5060");
  CHECK(*two == "192.0.2.1:5060");
}

TEST_CASE("a hop that failed comes last for a while (RFC 3263 4.3), and the hops remembered are bounded") {
  Bench bench({.failed = 2});
  bench.zone.set("example.org", Type::a, addresses({"192.0.2.1", "192.0.2.2"}, 3600s));
  const auto first = [&] {
    const auto found = bench.locate(query);
    bench.wait(0s);
    return *found;
  };
  CHECK(first() == "192.0.2.1:5060");
  const Hop failed{Protocol::udp, *parse_address("192.0.2.1:5060"), {}, 0};
  bench.finder.on_failed(failed, 30s);
  CHECK(first() == "192.0.2.2:5060");
  bench.wait(30s);
  CHECK(first() == "192.0.2.1:5060");
  bench.finder.on_failed(failed, 30s);
  for (int port = 1; port <= 2; ++port) {
    bench.finder.on_failed(
        {Protocol::udp, {*parse_ip("192.0.2.200"), static_cast<std::uint16_t>(port)}, {}, 0}, 30s);
  }
  CHECK(first() == "192.0.2.1:5060");  // forgotten for those
}
