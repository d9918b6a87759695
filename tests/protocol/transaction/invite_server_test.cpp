#include "protocol/transaction/invite_server.hpp"

#include <doctest/doctest.h>

using namespace beckon;
using namespace beckon::transaction;
using Event = InviteServer::Event;
using State = InviteServer::State;
using Actions = InviteServer::Actions;

namespace {
constexpr Time t0{};
constexpr Times times{.t1 = 10ms, .t2 = 40ms, .t4 = 100ms, .trying = 4ms};
}  // namespace

TEST_CASE("INVITE server, proceeding (RFC 3261 17.2.1, RFC 6026 figure 5)") {
  InviteServer machine(/*reliable=*/false, times, t0);

  SUBCASE("100 is sent when the user says nothing for 200 ms, once") {
    CHECK(machine.deadline() == t0 + 4ms);
    CHECK(machine.on(Event::timer, t0 + 3ms) == Actions{});
    CHECK(machine.on(Event::timer, t0 + 4ms) == Actions{.send_trying = true});
    CHECK_FALSE(machine.deadline());
  }
  SUBCASE("no 100 when he does") {
    CHECK(machine.on(Event::send_provisional, t0) == Actions{.send_response = true});
    CHECK_FALSE(machine.deadline());
  }
  SUBCASE("a copy of the INVITE gets the last response again") {
    CHECK(machine.on(Event::request_again, t0) == Actions{.resend = true});
  }
  SUBCASE("2xx leads to accepted") {
    CHECK(machine.on(Event::send_success, t0) == Actions{.send_response = true});
    CHECK(machine.state() == State::accepted);
  }
  SUBCASE("300-699 leads to completed") {
    CHECK(machine.on(Event::send_failure, t0) == Actions{.send_response = true});
    CHECK(machine.state() == State::completed);
  }
  SUBCASE("an ACK is too early") { CHECK(machine.on(Event::ack, t0) == Actions{}); }
}

TEST_CASE("INVITE server, completed over UDP (RFC 3261 17.2.1)") {
  InviteServer machine(/*reliable=*/false, times, t0);
  machine.on(Event::send_failure, t0);

  SUBCASE("timer G repeats the response, doubling up to T2") {
    for (const auto at : {10ms, 30ms, 70ms, 110ms}) {
      CAPTURE(at.count());
      CHECK(machine.deadline() == t0 + at);
      CHECK(machine.on(Event::timer, t0 + at) == Actions{.resend = true});
    }
  }
  SUBCASE("a copy of the INVITE gets it too") {
    CHECK(machine.on(Event::request_again, t0) == Actions{.resend = true});
  }
  SUBCASE("a second final response is not sent") {
    CHECK(machine.on(Event::send_success, t0) == Actions{});
    CHECK(machine.on(Event::send_failure, t0) == Actions{});
    CHECK(machine.on(Event::send_provisional, t0) == Actions{});
  }
  SUBCASE("timer H ends it when no ACK comes") {
    CHECK(machine.on(Event::timer, t0 + 640ms) == Actions{.destroy = true});
    CHECK_FALSE(machine.deadline());
  }
  SUBCASE("the ACK leads to confirmed, where copies are absorbed until timer I") {
    CHECK(machine.on(Event::ack, t0 + 5ms) == Actions{});
    CHECK(machine.state() == State::confirmed);
    CHECK(machine.on(Event::ack, t0 + 6ms) == Actions{});
    CHECK(machine.on(Event::request_again, t0 + 6ms) == Actions{});
    CHECK(machine.deadline() == t0 + 105ms);
    CHECK(machine.on(Event::timer, t0 + 105ms) == Actions{.destroy = true});
  }
}

TEST_CASE("INVITE server, completed over TCP: no timer G, timer I zero (RFC 3261 17.2.1)") {
  InviteServer machine(/*reliable=*/true, times, t0);
  machine.on(Event::send_failure, t0);
  CHECK(machine.deadline() == t0 + 640ms);
  CHECK(machine.on(Event::ack, t0) == Actions{.destroy = true});
}

TEST_CASE("INVITE server, accepted (RFC 6026 7.1)") {
  InviteServer machine(/*reliable=*/false, times, t0);
  machine.on(Event::send_success, t0);

  SUBCASE("copies of the INVITE are absorbed") { CHECK(machine.on(Event::request_again, t0) == Actions{}); }
  SUBCASE("the user's copies of the 2xx are sent, other responses are not") {
    CHECK(machine.on(Event::send_success, t0) == Actions{.send_response = true});
    CHECK(machine.on(Event::send_failure, t0) == Actions{});
  }
  SUBCASE("ACKs go to the user") { CHECK(machine.on(Event::ack, t0) == Actions{.pass_ack = true}); }
  SUBCASE("timer L ends it") {
    CHECK(machine.deadline() == t0 + 640ms);
    CHECK(machine.on(Event::timer, t0 + 640ms) == Actions{.destroy = true});
    CHECK(machine.on(Event::timer, t0 + 641ms) == Actions{});
  }
}
