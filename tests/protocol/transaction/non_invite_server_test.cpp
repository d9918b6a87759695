#include "protocol/transaction/non_invite_server.hpp"

#include <doctest/doctest.h>

using namespace beckon;
using namespace beckon::transaction;
using Event = NonInviteServer::Event;
using State = NonInviteServer::State;
using Actions = NonInviteServer::Actions;

namespace {
constexpr Time t0{};
constexpr Times times{.t1 = 10ms, .t2 = 40ms, .t4 = 100ms};
}  // namespace

TEST_CASE("timer E of a client reaches T2 after 3.5 s with the default times (RFC 4320 4.1)") {
  CHECK(Times{}.late() == 3500ms);
  CHECK(times.late() == 30ms);
}

TEST_CASE("non-INVITE server over UDP, trying (RFC 3261 17.2.2, figure 8)") {
  NonInviteServer machine(/*reliable=*/false, times, t0);

  SUBCASE("a copy of the request is absorbed") { CHECK(machine.on(Event::request_again, t0) == Actions{}); }
  SUBCASE("the user's 100 is not sent before a client's timer E reaches T2 (RFC 4320 4.1)") {
    CHECK(machine.on(Event::send_provisional, t0 + 29ms) == Actions{});
    CHECK(machine.state() == State::trying);
    CHECK(machine.on(Event::send_provisional, t0 + 30ms) == Actions{.send_response = true});
    CHECK(machine.state() == State::proceeding);
  }
  SUBCASE("then a 100 is sent by itself (RFC 4320 4.1)") {
    CHECK(machine.deadline() == t0 + 30ms);
    CHECK(machine.on(Event::timer, t0 + 30ms) == Actions{.send_trying = true});
    CHECK(machine.state() == State::proceeding);
  }
  SUBCASE("a final response leads to completed") {
    CHECK(machine.on(Event::send_final, t0) == Actions{.send_response = true});
    CHECK(machine.state() == State::completed);
  }
  SUBCASE("408 is never sent (RFC 4320 4.2)") { CHECK(machine.on(Event::send_timeout, t0) == Actions{}); }
  SUBCASE("too late to answer: it ends silently (RFC 4320 4.2)") {
    machine.on(Event::timer, t0 + 30ms);
    CHECK(machine.deadline() == t0 + 640ms);
    CHECK(machine.on(Event::timer, t0 + 640ms) == Actions{.destroy = true});
    CHECK(machine.on(Event::send_final, t0 + 641ms) == Actions{});
  }
}

TEST_CASE("non-INVITE server, proceeding repeats the 100 for each copy (RFC 3261 17.2.2)") {
  NonInviteServer machine(/*reliable=*/false, times, t0);
  machine.on(Event::timer, t0 + 30ms);
  CHECK(machine.on(Event::request_again, t0 + 40ms) == Actions{.resend = true});
  CHECK(machine.on(Event::send_final, t0 + 50ms) == Actions{.send_response = true});
  CHECK(machine.state() == State::completed);
}

TEST_CASE("non-INVITE server over UDP: the final response is resent for 64*T1 (RFC 3261 17.2.2)") {
  NonInviteServer machine(/*reliable=*/false, times, t0);
  machine.on(Event::send_final, t0 + 100ms);
  CHECK(machine.on(Event::request_again, t0 + 200ms) == Actions{.resend = true});
  CHECK(machine.on(Event::send_final, t0 + 200ms) == Actions{});
  CHECK(machine.on(Event::send_provisional, t0 + 200ms) == Actions{});
  CHECK(machine.deadline() == t0 + 740ms);
  CHECK(machine.on(Event::timer, t0 + 740ms) == Actions{.destroy = true});
}

TEST_CASE("non-INVITE server over TCP: timer J is zero, 100 may be sent at any time (RFC 4320 4.1)") {
  NonInviteServer machine(/*reliable=*/true, times, t0);
  CHECK(machine.on(Event::send_provisional, t0) == Actions{.send_response = true});
  CHECK(machine.on(Event::send_final, t0) == Actions{.send_response = true, .destroy = true});
}
