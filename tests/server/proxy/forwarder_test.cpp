#include "server/proxy/forwarder.hpp"

#include "tests/server/proxy/town.hpp"

using namespace beckon;
using namespace beckon::server;
using namespace beckon::server::test;
using proxy::Forwarder;
using proxy::Target;

namespace {

/// A room that sends a message of the server's own and notes what is reported.
struct Inbox final : Forwarder::Client {
  explicit Inbox(Shard& shard) : forwarder(shard, shard, shard.locator(), key, *this) {}
  void on_response(Forwarder::Key, std::size_t target, const sip::Message& response, Now) override {
    heard.push_back("target " + std::to_string(target) + " answers " + std::to_string(response.status()));
  }
  bool on_redirect(Forwarder::Key, std::size_t, const sip::Message&) override { return follows; }
  void on_flow_failed(Forwarder::Key, const Target& target, Now) override {
    heard.push_back("flow to " + target.uri + " failed");
  }
  void on_target_end(Forwarder::Key, std::size_t target, const Forwarder::End& end, Now) override {
    heard.push_back("target " + std::to_string(target) + " ends " + std::to_string(end.status));
  }
  void on_end(Forwarder::Key number, const Forwarder::End& best, Now) override {
    heard.push_back("all end " + std::to_string(best.status) + (best.response ? "" : ", our own"));
    ended = number;
  }

  crypto::Key32 key{};
  Forwarder forwarder;
  std::vector<std::string> heard;
  Forwarder::Key ended = 0;
  bool follows = false;  ///< Redirections.
};

const std::string welcome =
    "MESSAGE sip:bob@example.org SIP/2.0\r\nFrom: <sip:example.org>;tag=w\r\nTo: <sip:bob@example.org>\r\n"
    "Call-ID: welcome\r\nCSeq: 1 MESSAGE\r\nMax-Forwards: 70\r\nContent-Type: text/plain\r\n"
    "Content-Length: 2\r\n\r\nhi";

Target phone(std::uint16_t port) {
  return {.to = {.query = {}, .hops = {udp(port)}}, .uri = "sip:bob@192.0.2.9:" + std::to_string(port)};
}

Forwarder::Order order_for(std::vector<Target> targets, std::uint32_t breadth = 60) {
  return {.bucket = bucket_of(bob),
          .request = sip::Message::parse(share(welcome)).value(),
          .route = {},
          .targets = std::move(targets),
          .breadth = breadth};
}

using Heard = std::vector<std::string>;

}  // namespace

TEST_CASE(
    "a request of the server's own goes to every target, and the end of each is reported (RFC 3261 16.6)") {
  Town town;
  Inbox inbox(town.node().shard(0));
  inbox.forwarder.start(7, order_for({phone(5080), phone(5081)}));
  const auto first = town.take(), second = town.take();
  CHECK(first.message.request_uri_text() == "sip:bob@192.0.2.9:5080");
  CHECK(second.message.request_uri_text() == "sip:bob@192.0.2.9:5081");
  CHECK(first.message.body() == "hi");
  CHECK(first.message.values(sip::HeaderId::via).size() == 1);
  SUBCASE("one accepts: the first 2xx is the answer") {
    town.answer(second, 486);
    town.answer(first, 200);
    CHECK(inbox.heard ==
          Heard{"target 1 ends 486", "target 0 answers 200", "target 0 ends 200", "all end 200"});
  }
  SUBCASE("all refuse: the best refusal ends it, so that it can be stored") {
    town.answer(first, 480);
    town.answer(second, 415);
    CHECK(inbox.heard == Heard{"target 0 ends 480", "target 1 ends 415", "all end 415"});
  }
  SUBCASE("silence is 408 of our own") {
    town.wait(40s);
    CHECK(inbox.heard == Heard{"target 0 ends 408", "target 1 ends 408", "all end 408, our own"});
  }
  CHECK(inbox.ended == 7);
  CHECK(inbox.forwarder.size() == 0);
}

TEST_CASE(
    "past the breadth a target waits until another has ended, and is left out after a 2xx (RFC 5393 5.5)") {
  Town town;
  Inbox inbox(town.node().shard(0));
  inbox.forwarder.start(1, order_for({phone(5080), phone(5081)}, 1));
  REQUIRE(town.wire.sent.size() == 1);
  SUBCASE("a refusal lets the next one start") {
    town.answer(town.take(), 486);
    town.answer(town.take(), 200);
    CHECK(inbox.heard ==
          Heard{"target 0 ends 486", "target 1 answers 200", "target 1 ends 200", "all end 200"});
  }
  SUBCASE("a 2xx does not") {
    town.answer(town.take(), 200);
    CHECK(town.wire.sent.empty());
    CHECK(inbox.heard ==
          Heard{"target 0 answers 200", "target 0 ends 200", "target 1 ends 487", "all end 200"});
  }
}

TEST_CASE("a target whose hop fails is tried at its next one (RFC 3263 4.3)") {
  Town town;
  Inbox inbox(town.node().shard(0));
  Target target = phone(5080);
  target.to.hops.push_back(udp(5082));
  inbox.forwarder.start(1, order_for({target}));
  town.answer(town.take(), 503);
  const auto again = town.take();
  CHECK(again.to.remote.port == 5082);
  CHECK(inbox.heard.empty());
  SUBCASE("and when the last one fails, a 503 is reported as 500 (RFC 3261 16.7 step 6)") {
    town.answer(again, 503);
    CHECK(inbox.heard == Heard{"target 0 ends 500", "all end 500, our own"});
  }
  SUBCASE("a cancelled target is not tried at another hop") {
    inbox.forwarder.cancel(1);
    town.answer(again, 503);
    CHECK(inbox.heard == Heard{"target 0 ends 500", "all end 500, our own"});
  }
}

TEST_CASE("a device whose flow has failed is tried by its other flows, and by nothing else (RFC 5626 7)") {
  Town town;
  Inbox inbox(town.node().shard(0));
  Target target = phone(5080);
  target.others = {phone(5081), phone(5082)};
  inbox.forwarder.start(1, order_for({target}));
  const auto first = town.take();
  CHECK(first.to.remote.port == 5080);
  const std::string failed = "flow to sip:bob@192.0.2.9:5080 failed";
  SUBCASE("430 of an edge proxy: the next flow, which answers") {
    town.answer(first, 430);
    const auto second = town.take();
    CHECK(second.message.request_uri_text() == "sip:bob@192.0.2.9:5081");
    CHECK(inbox.heard == Heard{failed});
    town.answer(second, 200);
    CHECK(inbox.heard == Heard{failed, "target 0 answers 200", "target 0 ends 200", "all end 200"});
  }
  SUBCASE("the last one fails, too: the device cannot be reached, and 430 is no answer for a caller") {
    town.answer(first, 430);
    town.answer(town.take(), 430);
    town.answer(town.take(), 430);
    CHECK(inbox.heard.back() == "all end 480, our own");
  }
  SUBCASE("any other answer is the device's own") {
    town.answer(first, 486);
    CHECK(inbox.heard == Heard{"target 0 ends 486", "all end 486"});
  }
  SUBCASE("a connection that is gone") {
    first.failed(make_error_code(boost::system::errc::connection_reset));
    CHECK(town.take().to.remote.port == 5081);
    CHECK(inbox.heard.empty());
  }
  SUBCASE("silence: whoever asked has given up as well") {
    town.wait(40s);
    CHECK(inbox.heard == Heard{"target 0 ends 408", "all end 408, our own"});
    while (!town.wire.sent.empty()) CHECK(town.take().to.remote.port == 5080);  // copies
  }
  SUBCASE("cancelled: no other flow is tried") {
    inbox.forwarder.cancel(1);
    town.answer(first, 430);
    CHECK(inbox.heard == Heard{failed, "target 0 ends 480", "all end 480, our own"});
  }
  CHECK(town.wire.sent.empty());
}

TEST_CASE("a device that is not found by its name is tried by its other flows (RFC 5626 7)") {
  Town town;
  Inbox inbox(town.node().shard(0));
  Target target = phone(5080);
  target.to = proxy::Destination{
      .query = locate::query_of(sip::parse_uri("sip:edge.nowhere.example").value()).value()};
  SUBCASE("the next one answers") {
    target.others = {phone(5081)};
    inbox.forwarder.start(1, order_for({target}));
    town.run();
    const auto next = town.take();
    CHECK(next.to.remote.port == 5081);
    town.answer(next, 200);
    CHECK(inbox.heard == Heard{"target 0 answers 200", "target 0 ends 200", "all end 200"});
  }
  SUBCASE("there is none") {
    inbox.forwarder.start(1, order_for({target}));
    town.run();
    CHECK(inbox.heard == Heard{"target 0 ends 404", "all end 404, our own"});
  }
}

TEST_CASE("a target whose redirection is followed has ended; what it led to decides (RFC 3261 16.7 step 4)") {
  Town town;
  Inbox inbox(town.node().shard(0));
  inbox.follows = true;
  inbox.forwarder.start(1, order_for({phone(5080)}));
  town.answer(town.take(), 302);
  CHECK(inbox.heard.empty());
  inbox.forwarder.redirect(1, 0, {phone(5081)}, std::nullopt);
  CHECK(inbox.heard == Heard{"target 0 ends 302"});
  town.answer(town.take(), 486);
  CHECK(inbox.heard == Heard{"target 0 ends 302", "target 1 ends 486", "all end 486"});
}
