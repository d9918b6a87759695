#include <algorithm>

#include "tests/server/proxy/town.hpp"

using namespace beckon;
using namespace beckon::server;
using namespace beckon::server::test;
using sip::HeaderId;

namespace {

/// bob's desk phones at ports 5080 and 5081, and with a lower q his mobile at 5082.
struct Desks : Town {
  explicit Desks(Settings settings = default_settings()) : Town(1, std::move(settings)) {
    for (const std::uint16_t port : std::initializer_list<std::uint16_t>{5080, 5081, 5082})
      enter(bob, udp(port), "sip:bob@192.0.2.9:" + std::to_string(port), port == 5082 ? ";q=0.3" : ";q=0.8");
  }
  /// Takes what follows: for each request its method and port, for each response its status.
  std::vector<std::string> seen() {
    std::vector<std::string> all;
    while (!wire.sent.empty()) {
      const auto sent = take();
      all.push_back(sent.message.is_response() ? std::to_string(sent.message.status())
                                               : std::string(sent.message.method_text()) + ' ' +
                                                     std::to_string(sent.to.remote.port));
      if (all.back() == "INVITE 5082") mobile = sent;
    }
    return all;
  }
  std::optional<Sent> mobile;
};

using Seen = std::vector<std::string>;

}  // namespace

TEST_CASE(
    "devices with the highest q ring first, together, and then those with the next (RFC 3261 16.6, 20.10)") {
  Desks town;
  const auto first = town.from_alice(invite);
  const auto second = town.take();
  CHECK(town.wire.sent.empty());
  CHECK(first.message.number(HeaderId::max_breadth) == 20U);
  town.answer(first, 180, "b1");
  town.answer(second, 180, "b2");
  town.wire.sent.clear();
  SUBCASE("all of the first have refused") {
    town.answer(first, 486, "b1");
    CHECK(town.seen() == Seen{"ACK 5080"});
    town.answer(second, 480, "b2");
    CHECK(town.seen() == Seen{"ACK 5081", "INVITE 5082"});
    CHECK(town.mobile->message.number(HeaderId::max_breadth) == 60U);
    SUBCASE("the best refusal of all is passed on") {
      town.answer(*town.mobile, 480, "b3");
      CHECK(town.seen() == Seen{"ACK 5082", "486"});
    }
    SUBCASE("the mobile takes the call") {
      town.accept(*town.mobile, "b3");
      CHECK(town.seen() == Seen{"200"});
    }
  }
  SUBCASE("the first have rung long enough: they are cancelled, and their silence is no answer") {
    town.wait(20s);
    const auto seen = town.seen();
    CHECK(std::ranges::count(seen, "CANCEL 5080") == 1);
    CHECK(std::ranges::count(seen, "CANCEL 5081") == 1);
    CHECK(std::ranges::count(seen, "INVITE 5082") == 1);
    town.answer(first, 487, "b1");
    town.answer(second, 487, "b2");
    town.answer(*town.mobile, 486, "b3");
    CHECK(town.seen() == Seen{"ACK 5080", "ACK 5081", "ACK 5082", "486"});
  }
  SUBCASE("one that is given up answers all the same: the mobile stops ringing") {
    town.wait(20s);
    town.seen();
    town.answer(*town.mobile, 180, "b3");
    town.accept(first, "b1");
    const auto seen = town.seen();
    CHECK(std::ranges::count(seen, "200") == 1);
    CHECK(std::ranges::count(seen, "CANCEL 5082") == 1);
  }
  SUBCASE("one of the first takes the call: the mobile never rings") {
    town.accept(first, "b1");
    CHECK(town.seen() == Seen{"200", "CANCEL 5081"});
    town.answer(second, 487, "b2");
    town.wait(40s);
    town.seen();
    CHECK_FALSE(town.mobile);
  }
  SUBCASE("one declines for all devices: the mobile never rings") {
    town.answer(first, 603, "b1");
    CHECK(town.seen() == Seen{"ACK 5080", "CANCEL 5081"});
    town.answer(second, 487, "b2");
    CHECK(town.seen() == Seen{"ACK 5081", "603"});
  }
}

TEST_CASE("the caller hangs up while the first devices ring: those that wait never ring (RFC 3261 16.10)") {
  Desks town;
  Ask request = invite;
  request.branch = "z9hG4bKcall";
  const auto first = town.from_alice(request);
  const auto second = town.take();
  town.answer(first, 180, "b1");
  town.answer(second, 180, "b2");
  town.receive(udp(5070), town.text_of(cancel_of(request)));
  town.seen();
  town.answer(first, 487, "b1");
  town.answer(second, 487, "b2");
  CHECK(town.seen() == Seen{"ACK 5080", "ACK 5081", "487"});
  town.wait(40s);
  town.seen();
  CHECK_FALSE(town.mobile);
}

TEST_CASE("with little Max-Breadth a group waits for the places of the one before (RFC 5393 5.5)") {
  Desks town;
  Ask request = invite;
  request.lines.emplace_back("Max-Breadth: 1");
  const auto first = town.from_alice(request);
  CHECK(town.wire.sent.empty());
  town.answer(first, 486, "b1");
  CHECK(town.take().message.method_text() == "ACK");
  const auto second = town.take();
  CHECK(second.to.remote.port == 5081);
  town.answer(second, 180, "b2");
  town.wait(20s);
  auto seen = town.seen();
  CHECK(std::ranges::count(seen, "CANCEL 5081") == 1);
  CHECK(std::ranges::count(seen, "INVITE 5082") == 0);
  town.answer(second, 487, "b2");
  seen = town.seen();
  CHECK(std::ranges::count(seen, "INVITE 5082") == 1);
}

TEST_CASE("messages go to every device at once, whatever its q, and so do calls where it is set so") {
  SUBCASE("a message") {
    Desks town;
    town.from_alice(hello);
    CHECK(town.seen() == Seen{"MESSAGE 5081", "MESSAGE 5082"});
  }
  SUBCASE("a call") {
    Settings settings = World::default_settings();
    settings.serial_ring = 0s;
    Desks town(settings);
    town.from_alice(invite);
    CHECK(town.seen() == Seen{"INVITE 5081", "INVITE 5082"});
  }
}

TEST_CASE("a device that rings late is told that the call was taken, not that it rang for long (RFC 3326)") {
  Desks town;
  const auto first = town.from_alice(invite);
  const auto second = town.take();
  town.accept(first, "b1");
  town.wait(21s);
  town.wire.sent.clear();
  town.answer(second, 180, "b2");
  const auto cancel = town.take().message;
  CHECK(cancel.method_text() == "CANCEL");
  CHECK(cancel.header(HeaderId::reason) == "SIP;cause=200;text=\"Call completed elsewhere\"");
}
