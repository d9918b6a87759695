#include "protocol/transaction/invite_client.hpp"

#include <doctest/doctest.h>

using namespace beckon;
using namespace beckon::transaction;
using Event = InviteClient::Event;
using State = InviteClient::State;
using Actions = InviteClient::Actions;

namespace {
constexpr Time t0{};
constexpr Times times{.t1 = 10ms, .t2 = 80ms, .t4 = 100ms, .trying = 4ms, .timer_c = 3s};
}  // namespace

TEST_CASE("INVITE client over UDP, calling (RFC 3261 17.1.1.2, RFC 6026 figure 4)") {
  InviteClient machine(/*reliable=*/false, times, t0);
  CHECK(machine.state() == State::calling);

  SUBCASE("timer A resends the INVITE and doubles each time") {
    for (const auto at : {10ms, 30ms, 70ms, 150ms, 310ms}) {
      CAPTURE(at.count());
      CHECK(machine.deadline() == t0 + at);
      CHECK(machine.on(Event::timer, t0 + at) == Actions{.send_request = true});
    }
  }
  SUBCASE("a timer that fires too early does nothing") {
    CHECK(machine.on(Event::timer, t0 + 9ms) == Actions{});
  }
  SUBCASE("timer B after 64*T1 tells a timeout") {
    CHECK(machine.on(Event::timer, t0 + 640ms) == Actions{.timeout = true, .destroy = true});
    CHECK(machine.state() == State::terminated);
    CHECK_FALSE(machine.deadline());
  }
  SUBCASE("a transport error is told and ends it") {
    CHECK(machine.on(Event::transport_error, t0) == Actions{.transport_error = true, .destroy = true});
    CHECK(machine.on(Event::timer, t0 + 640ms) == Actions{});
  }
  SUBCASE("1xx stops the copies and leads to proceeding") {
    CHECK(machine.on(Event::provisional, t0 + 5ms) == Actions{.pass_response = true});
    CHECK(machine.state() == State::proceeding);
    CHECK(machine.on(Event::timer, t0 + 10ms) == Actions{});
  }
  SUBCASE("2xx leads to accepted") {
    CHECK(machine.on(Event::success, t0 + 5ms) == Actions{.pass_response = true});
    CHECK(machine.state() == State::accepted);
  }
  SUBCASE("300-699 is acknowledged and leads to completed") {
    CHECK(machine.on(Event::failure, t0 + 5ms) == Actions{.send_ack = true, .pass_response = true});
    CHECK(machine.state() == State::completed);
  }
}

TEST_CASE("INVITE client over TCP sends once, but times out just so (RFC 3261 17.1.1.2)") {
  InviteClient machine(/*reliable=*/true, times, t0);
  CHECK(machine.deadline() == t0 + 640ms);

  SUBCASE("timer B") { CHECK(machine.on(Event::timer, t0 + 640ms).timeout); }
  SUBCASE("timer D is zero: 300-699 ends it at once") {
    CHECK(machine.on(Event::failure, t0) ==
          Actions{.send_ack = true, .pass_response = true, .destroy = true});
  }
}

TEST_CASE("INVITE client, proceeding (RFC 3261 17.1.1.2)") {
  InviteClient machine(/*reliable=*/false, times, t0);
  machine.on(Event::provisional, t0);

  SUBCASE("further 1xx are passed on and start timer C anew (RFC 3261 16.7)") {
    CHECK(machine.on(Event::provisional, t0 + 1s) == Actions{.pass_response = true});
    CHECK(machine.deadline() == t0 + 4s);
  }
  SUBCASE("2xx leads to accepted") {
    CHECK(machine.on(Event::success, t0 + 1s) == Actions{.pass_response = true});
    CHECK(machine.state() == State::accepted);
  }
  SUBCASE("300-699 leads to completed") {
    CHECK(machine.on(Event::failure, t0 + 1s) == Actions{.send_ack = true, .pass_response = true});
    CHECK(machine.state() == State::completed);
  }
  SUBCASE("a lost flow is told") {
    CHECK(machine.on(Event::transport_error, t0) == Actions{.transport_error = true, .destroy = true});
  }
  SUBCASE("timer C cancels an INVITE that rings for ever, and 64*T1 later it is over (RFC 3261 16.8, 9.1)") {
    CHECK(machine.on(Event::timer, t0 + 3s) == Actions{.send_cancel = true});
    CHECK(machine.on(Event::timer, t0 + 3s + 640ms) == Actions{.timeout = true, .destroy = true});
  }
}

TEST_CASE("INVITE client, CANCEL waits for a provisional response (RFC 3261 9.1)") {
  InviteClient machine(/*reliable=*/false, times, t0);

  SUBCASE("in calling: sent with the first 1xx, once") {
    CHECK(machine.on(Event::cancel, t0) == Actions{});
    CHECK(machine.on(Event::provisional, t0 + 5ms) == Actions{.send_cancel = true, .pass_response = true});
    CHECK(machine.on(Event::provisional, t0 + 6ms) == Actions{.pass_response = true});
    CHECK(machine.on(Event::cancel, t0 + 7ms) == Actions{});
    CHECK(machine.deadline() == t0 + 645ms);
  }
  SUBCASE("in proceeding: sent at once") {
    machine.on(Event::provisional, t0);
    CHECK(machine.on(Event::cancel, t0 + 1s) == Actions{.send_cancel = true});
  }
  SUBCASE("behind the final response: never") {
    machine.on(Event::failure, t0);
    CHECK(machine.on(Event::cancel, t0) == Actions{});
  }
}

TEST_CASE("INVITE client, completed absorbs copies of the response (RFC 3261 17.1.1.2)") {
  InviteClient machine(/*reliable=*/false, times, t0);
  machine.on(Event::failure, t0);

  SUBCASE("each copy is acknowledged again and not passed on") {
    CHECK(machine.on(Event::failure, t0 + 5ms) == Actions{.send_ack = true});
  }
  SUBCASE("1xx and 2xx that come late are ignored") {
    CHECK(machine.on(Event::provisional, t0) == Actions{});
    CHECK(machine.on(Event::success, t0) == Actions{});
  }
  SUBCASE("an ACK that cannot be sent ends it quietly") {
    CHECK(machine.on(Event::transport_error, t0) == Actions{.destroy = true});
  }
  SUBCASE("timer D ends it") {
    CHECK(machine.deadline() == t0 + 640ms);
    CHECK(machine.on(Event::timer, t0 + 640ms) == Actions{.destroy = true});
  }
}

TEST_CASE("INVITE client, accepted passes on every 2xx (RFC 6026 7.2)") {
  InviteClient machine(/*reliable=*/true, times, t0);
  machine.on(Event::success, t0);

  SUBCASE("copies and other forks' 2xx") {
    CHECK(machine.on(Event::success, t0 + 100ms) == Actions{.pass_response = true});
  }
  SUBCASE("nothing else") {
    CHECK(machine.on(Event::provisional, t0) == Actions{});
    CHECK(machine.on(Event::failure, t0) == Actions{});
    CHECK(machine.on(Event::transport_error, t0) == Actions{});
  }
  SUBCASE("timer M ends it, on streams too") {
    CHECK(machine.deadline() == t0 + 640ms);
    CHECK(machine.on(Event::timer, t0 + 640ms) == Actions{.destroy = true});
  }
}
