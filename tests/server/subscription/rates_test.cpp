#include "tests/server/packages/stage.hpp"
#include "tests/server/subscription/echo.hpp"

using namespace beckon;
using namespace beckon::server;
using namespace beckon::server::test;
using sip::HeaderId;

// RFC 6446.

namespace {

struct Paced {
  Echo* echo = nullptr;
  Stage stage{Stage::default_settings(),
              [this](Stage&, subscription::Packages& packages) { echo = &packages.add<Echo>(); }};
  Device watcher{stage, bob, udp(5070)};
  void count() { echo->count(*stage.entry(alice), stage.clock_.at); }
};

std::string rates_of(const Notified& notified) {
  const auto state = sip::parse_subscription_state(notified.message.header(HeaderId::subscription_state));
  REQUIRE(state.has_value());
  return sip::print(state->rates);
}

}  // namespace

TEST_CASE("max-rate: changes meanwhile go out together, and Subscription-State says the rate (5.2)") {
  Paced it;
  it.watcher.subscribe(alice, "echo;max-rate=0.05");
  const Notified first = it.stage.take();
  CHECK(rates_of(first) == ";max-rate=0.05");
  CHECK(first.message.header(HeaderId::event) == "echo");
  it.count();
  it.count();
  it.stage.wait(19s);
  CHECK(it.stage.notifies.empty());
  it.stage.wait(1s);
  CHECK(it.stage.take().message.body() == "2");
  it.stage.wait(100s);
  CHECK(it.stage.notifies.empty());

  SUBCASE("what follows a SUBSCRIBE does not wait") {
    it.count();
    it.stage.take();
    it.watcher.refresh(600);
    CHECK(it.stage.take().message.body() == "3");
  }
  SUBCASE("nor does the end") {
    it.watcher.refresh(600);
    it.stage.take();
    it.echo->decide(*it.stage.entry(alice), subscription::Permission::refused, it.stage.clock_.at);
    CHECK(it.stage.take().state() == "terminated;rejected");
  }
  SUBCASE("over a restart") {
    it.stage.restart();
    it.stage.wait(6s);
    CHECK(rates_of(it.stage.take()) == ";max-rate=0.05");
    it.count();
    it.stage.wait(6s);
    CHECK(it.stage.notifies.empty());
    it.stage.wait(20s);
    CHECK(it.stage.take().message.body() == "1");
  }
}

TEST_CASE("a permission that is given does not wait for the pace; one that is taken back does (5.2)") {
  using subscription::Permission;
  Paced it;
  it.echo->permission = Permission::pending;
  it.watcher.subscribe(alice, "echo;max-rate=0.05");
  CHECK(it.stage.take().state() == "pending");
  it.echo->decide(*it.stage.entry(alice), Permission::active, it.stage.clock_.at);
  CHECK(it.stage.take().state() == "active");
  it.echo->decide(*it.stage.entry(alice), Permission::pending, it.stage.clock_.at);
  CHECK(it.stage.notifies.empty());
  it.stage.wait(20s);
  CHECK(it.stage.take().state() == "pending");
}

TEST_CASE("a SUBSCRIBE without rates takes them away (5.1)") {
  Paced it;
  it.watcher.subscribe(alice, "echo;max-rate=0.05;min-rate=0.01");
  it.stage.take();
  it.watcher.refresh(600, {}, "echo");
  CHECK(rates_of(it.stage.take()).empty());
  it.count();
  CHECK(it.stage.take().message.body() == "1");
  it.stage.wait(500s);
  CHECK(it.stage.notifies.empty());
}

TEST_CASE("a max-rate that would let nothing through before the subscription ends is raised (5.3)") {
  Paced it;
  it.watcher.subscribe(alice, "echo;max-rate=0.0000000001", {"Expires: 500"});
  CHECK(rates_of(it.stage.take()) == ";max-rate=0.002");
}

TEST_CASE("min-rate: the state is sent again though nothing has changed (6.2)") {
  Paced it;
  it.watcher.subscribe(alice, "echo;min-rate=0.02", {"Expires: 120"});
  CHECK(rates_of(it.stage.take()) == ";min-rate=0.02");
  it.stage.wait(49s);
  CHECK(it.stage.notifies.empty());
  it.stage.wait(1s);
  CHECK(it.stage.take().message.body() == "0");
  it.stage.wait(40s);
  it.count();
  CHECK(it.stage.take().message.body() == "1");
  it.stage.wait(29s);
  CHECK(it.stage.notifies.empty());  // counted from the newest NOTIFY
  it.stage.wait(1s);
  CHECK(it.stage.take().state() == "terminated;timeout");
}

TEST_CASE("a min-rate that is too high is lowered, and Subscription-State says so (6.3, 8)") {
  Paced it;
  it.watcher.subscribe(alice, "echo;min-rate=99.9");
  CHECK(rates_of(it.stage.take()) == ";min-rate=0.1");  // repeat_interval_min
  it.stage.wait(9s);
  CHECK(it.stage.notifies.empty());
  it.stage.wait(1s);
  it.stage.take();
  SUBCASE("to max-rate") {
    it.watcher.subscribe(alice, "echo;min-rate=0.09;max-rate=0.05");
    CHECK(rates_of(it.stage.take()) == ";max-rate=0.05;min-rate=0.05");
  }
  SUBCASE("a watcher with a lost NOTIFY gets no more of them meanwhile") {
    it.stage.wait(10s);
    it.stage.take(408);
    it.stage.wait(29s);
    CHECK(it.stage.notifies.empty());
  }
}

TEST_CASE("a watcher that has the state is not sent it again for min-rate (6.2, RFC 5839 6.3)") {
  Paced it;
  it.watcher.subscribe(alice, "echo;min-rate=0.02");
  const std::string tag(it.stage.take().message.header(HeaderId::sip_etag));
  CHECK(it.watcher.refresh(600, {"Suppress-If-Match: " + tag}).status() == 204);
  it.stage.wait(300s);
  CHECK(it.stage.notifies.empty());
  it.count();
  CHECK(it.stage.take().message.body() == "1");
  it.stage.wait(50s);
  CHECK(it.stage.take().message.body() == "1");
}

TEST_CASE("the 200 to a NOTIFY may ask for other rates (9.3)") {
  Paced it;
  it.watcher.subscribe(alice, "echo;max-rate=0.01");
  Notified first = it.stage.take(0);
  const auto answer = [&](const Notified& notified, const std::string& event) {
    const auto response = sip::Message::parse(
        share("SIP/2.0 200 OK\r\nVia: SIP/2.0/TLS 192.0.2.1;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\n"
              "To: <sip:b@b>;tag=2\r\nCall-ID: x\r\nCSeq: 1 NOTIFY\r\nEvent: " +
              event + "\r\nContent-Length: 0\r\n\r\n"));
    REQUIRE(response.has_value());
    notified.on_outcome({transaction::Outcome::Kind::final, &*response, 200}, it.stage.clock_.at);
  };
  SUBCASE("of the same event") {
    it.count();
    answer(first, "echo;max-rate=0.1");
    it.stage.wait(10s);  // what waits, waits for the new pace
    const Notified second = it.stage.take();
    CHECK(second.message.body() == "1");
    CHECK(rates_of(second) == ";max-rate=0.1");
  }
  SUBCASE("another event is not meant") {
    answer(first, "presence;max-rate=0.1");
    it.count();
    it.stage.wait(99s);
    CHECK(it.stage.notifies.empty());
    it.stage.wait(1s);
    it.stage.take();
  }
}
