#include "protocol/transaction/non_invite_server.hpp"

#include <doctest/doctest.h>

using namespace beckon;
using namespace beckon::transaction;
using Event = NonInviteServer::Event;
using State = NonInviteServer::State;
using Actions = NonInviteServer::Actions;

/// One test per arrow of RFC 3261's figure 8, "non-INVITE server transaction"; a name says "state -> state,
/// event". After them what RFC 4320 adds.
namespace {

constexpr Time t0{};
constexpr Times times{.t1 = 10ms, .t2 = 40ms, .t4 = 100ms};

NonInviteServer trying(bool reliable = false) { return NonInviteServer(reliable, times, t0); }
NonInviteServer proceeding() {
  auto machine = trying();
  machine.on(Event::timer, t0 + 30ms);
  return machine;
}
NonInviteServer completed() {
  auto machine = trying();
  machine.on(Event::send_final, t0);
  return machine;
}

}  // namespace

TEST_CASE("non-INVITE server, figure 8: into trying, and copies of the request are discarded there") {
  auto machine = trying();
  CHECK(machine.state() == State::trying);
  CHECK(machine.on(Event::request_again, t0) == Actions{});
  CHECK(machine.state() == State::trying);
}

TEST_CASE("non-INVITE server, figure 8: trying -> proceeding, the user's 1xx is sent") {
  auto machine = trying();
  CHECK(machine.on(Event::send_provisional, t0 + 30ms) == Actions{.send_response = true});
  CHECK(machine.state() == State::proceeding);
}

TEST_CASE("non-INVITE server, figure 8: trying -> completed, the user's 200-699 is sent") {
  auto machine = trying();
  CHECK(machine.on(Event::send_final, t0) == Actions{.send_response = true});
  CHECK(machine.state() == State::completed);
}

TEST_CASE("non-INVITE server, figure 8: proceeding -> proceeding, a copy of the request gets the 1xx again") {
  auto machine = proceeding();
  CHECK(machine.on(Event::request_again, t0 + 40ms) == Actions{.resend = true});
  CHECK(machine.state() == State::proceeding);
}

TEST_CASE("non-INVITE server, figure 8: proceeding -> proceeding, each further 1xx of the user is sent") {
  auto machine = proceeding();
  CHECK(machine.on(Event::send_provisional, t0 + 40ms) == Actions{.send_response = true});
  CHECK(machine.state() == State::proceeding);
}

TEST_CASE("non-INVITE server, figure 8: proceeding -> completed, the user's 200-699 is sent") {
  auto machine = proceeding();
  CHECK(machine.on(Event::send_final, t0 + 40ms) == Actions{.send_response = true});
  CHECK(machine.state() == State::completed);
}

TEST_CASE(
    "non-INVITE server, figure 8: proceeding, a transport error informs the user; but the transaction stays "
    "(RFC 6026 7.1)") {
  auto machine = proceeding();
  CHECK(machine.on(Event::transport_error, t0 + 40ms) == Actions{.transport_error = true});
  CHECK(machine.state() == State::proceeding);
}

TEST_CASE(
    "non-INVITE server, figure 8: completed -> completed, a copy of the request gets the response again") {
  auto machine = completed();
  CHECK(machine.on(Event::request_again, t0 + 200ms) == Actions{.resend = true});
  CHECK(machine.state() == State::completed);
}

TEST_CASE(
    "non-INVITE server, figure 8: completed, a transport error informs the user; but the transaction stays, "
    "so "
    "that copies of the request are not processed anew (RFC 6026 7.1)") {
  auto machine = completed();
  CHECK(machine.on(Event::transport_error, t0) == Actions{.transport_error = true});
  CHECK(machine.state() == State::completed);
  CHECK(machine.on(Event::request_again, t0 + 1ms) == Actions{.resend = true});
}

TEST_CASE("non-INVITE server, figure 8: completed -> terminated, timer J after 64*T1") {
  auto machine = trying();
  machine.on(Event::send_final, t0 + 100ms);
  CHECK(machine.deadline() == t0 + 740ms);
  CHECK(machine.on(Event::timer, t0 + 739ms) == Actions{});
  CHECK(machine.on(Event::timer, t0 + 740ms) == Actions{.destroy = true});
  CHECK(machine.state() == State::terminated);
  CHECK_FALSE(machine.deadline());
}

// What the figure leaves out

TEST_CASE("timer E of a client reaches T2 after 3.5 s with the default times (RFC 4320 4.1)") {
  CHECK(Times{}.late() == 3500ms);
  CHECK(times.late() == 30ms);
}

TEST_CASE(
    "non-INVITE server over UDP: no 100 before a client's timer E reaches T2, one then (RFC 4320 4.1)") {
  auto machine = trying();
  CHECK(machine.on(Event::send_provisional, t0 + 29ms) == Actions{});
  CHECK(machine.state() == State::trying);
  CHECK(machine.deadline() == t0 + 30ms);
  CHECK(machine.on(Event::timer, t0 + 29ms) == Actions{});
  CHECK(machine.on(Event::timer, t0 + 30ms) == Actions{.send_trying = true});
  CHECK(machine.state() == State::proceeding);
}

TEST_CASE(
    "non-INVITE server on a stream: 100 may be sent at any time, timer J is zero (RFC 4320 4.1, 17.2.2)") {
  auto machine = trying(/*reliable=*/true);
  CHECK(machine.on(Event::send_provisional, t0) == Actions{.send_response = true});
  CHECK(machine.on(Event::send_final, t0) == Actions{.send_response = true, .destroy = true});
  CHECK(machine.state() == State::terminated);
}

TEST_CASE("non-INVITE server: 408 is never sent (RFC 4320 4.2)") {
  CHECK(trying().on(Event::send_timeout, t0) == Actions{});
  CHECK(proceeding().on(Event::send_timeout, t0 + 40ms) == Actions{});
}

TEST_CASE("non-INVITE server: what comes too late is not sent, and it ends silently (RFC 4320 4.2)") {
  auto machine = proceeding();
  CHECK(machine.deadline() == t0 + 640ms);
  CHECK(machine.on(Event::timer, t0 + 640ms) == Actions{.destroy = true});
  CHECK(machine.on(Event::send_final, t0 + 641ms) == Actions{});
}

TEST_CASE("non-INVITE server: a second final response is not sent") {
  auto machine = completed();
  CHECK(machine.on(Event::send_final, t0 + 200ms) == Actions{});
  CHECK(machine.on(Event::send_provisional, t0 + 200ms) == Actions{});
}
