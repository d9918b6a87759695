#include "protocol/transaction/invite_server.hpp"

#include <doctest/doctest.h>

using namespace beckon;
using namespace beckon::transaction;
using Event = InviteServer::Event;
using State = InviteServer::State;
using Actions = InviteServer::Actions;

/// One test per arrow of figure 7, "INVITE server transaction", as RFC 6026 8.6 prints it; a name says
/// "state -> state, event". After them what the figure leaves out.
namespace {

constexpr Time t0{};
constexpr Times times{.t1 = 10ms, .t2 = 40ms, .t4 = 100ms, .trying = 4ms};

InviteServer proceeding(bool reliable = false) { return InviteServer(reliable, times, t0); }
InviteServer after(std::initializer_list<Event> events, bool reliable = false) {
  auto machine = proceeding(reliable);
  for (const Event event : events) machine.on(event, t0);
  return machine;
}
InviteServer completed(bool reliable = false) { return after({Event::send_failure}, reliable); }
InviteServer confirmed() { return after({Event::send_failure, Event::ack}); }
InviteServer accepted() { return after({Event::send_success}); }

}  // namespace

TEST_CASE("INVITE server, figure 7: into proceeding, 100 is sent if the user says nothing for 200 ms, once") {
  auto machine = proceeding();
  CHECK(machine.state() == State::proceeding);
  CHECK(machine.deadline() == t0 + 4ms);
  CHECK(machine.on(Event::timer, t0 + 3ms) == Actions{});
  CHECK(machine.on(Event::timer, t0 + 4ms) == Actions{.send_trying = true});
  CHECK_FALSE(machine.deadline());
  CHECK(Times{}.trying == 200ms);
}

TEST_CASE("INVITE server, figure 7: proceeding -> proceeding, a copy of the INVITE gets the last response") {
  auto machine = proceeding();
  CHECK(machine.on(Event::request_again, t0) == Actions{.resend = true});
  CHECK(machine.state() == State::proceeding);
}

TEST_CASE("INVITE server, figure 7: proceeding -> proceeding, the user's 1xx is sent, and no 100 then") {
  auto machine = proceeding();
  CHECK(machine.on(Event::send_provisional, t0) == Actions{.send_response = true});
  CHECK(machine.state() == State::proceeding);
  CHECK_FALSE(machine.deadline());
}

TEST_CASE("INVITE server, figure 7: proceeding -> proceeding, a transport error informs the user") {
  auto machine = after({Event::send_provisional});
  CHECK(machine.on(Event::transport_error, t0) == Actions{.transport_error = true});
  CHECK(machine.state() == State::proceeding);
}

TEST_CASE("INVITE server, figure 7: proceeding -> completed, the user's 300-699 is sent") {
  auto machine = proceeding();
  CHECK(machine.on(Event::send_failure, t0) == Actions{.send_response = true});
  CHECK(machine.state() == State::completed);
}

TEST_CASE("INVITE server, figure 7: proceeding -> accepted, the user's 2xx is sent") {
  auto machine = proceeding();
  CHECK(machine.on(Event::send_success, t0) == Actions{.send_response = true});
  CHECK(machine.state() == State::accepted);
}

TEST_CASE("INVITE server, figure 7: completed -> completed, a copy of the INVITE gets the response again") {
  auto machine = completed();
  CHECK(machine.on(Event::request_again, t0) == Actions{.resend = true});
  CHECK(machine.state() == State::completed);
}

TEST_CASE("INVITE server, figure 7: completed -> completed, timer G resends, doubling up to T2") {
  auto machine = completed();
  for (const auto at : {10ms, 30ms, 70ms, 110ms}) {
    CAPTURE(at.count());
    CHECK(machine.deadline() == t0 + at);
    CHECK(machine.on(Event::timer, t0 + at - 1ms) == Actions{});
    CHECK(machine.on(Event::timer, t0 + at) == Actions{.resend = true});
    CHECK(machine.state() == State::completed);
  }
}

TEST_CASE("INVITE server, figure 7: completed -> completed, a transport error informs the user") {
  auto machine = completed();
  CHECK(machine.on(Event::transport_error, t0) == Actions{.transport_error = true});
  CHECK(machine.state() == State::completed);
  CHECK(machine.deadline() == t0 + 10ms);
}

TEST_CASE("INVITE server, figure 7: completed -> confirmed, the ACK ends timers G and H") {
  auto machine = completed();
  CHECK(machine.on(Event::ack, t0 + 5ms) == Actions{});
  CHECK(machine.state() == State::confirmed);
  CHECK(machine.deadline() == t0 + 105ms);
}

TEST_CASE(
    "INVITE server, figure 7: completed -> terminated, timer H: \"the server transaction MUST indicate to "
    "the TU "
    "that a transaction failure has occurred\" (RFC 3261 17.2.1)") {
  for (const bool reliable : {false, true}) {
    CAPTURE(reliable);
    auto machine = completed(reliable);
    CHECK(machine.on(Event::timer, t0 + 640ms) == Actions{.no_ack = true, .destroy = true});
    CHECK(machine.state() == State::terminated);
    CHECK_FALSE(machine.deadline());
  }
}

TEST_CASE("INVITE server, figure 7: confirmed -> terminated, timer I; until then all is absorbed") {
  auto machine = confirmed();
  for (const Event event : {Event::ack, Event::request_again, Event::transport_error, Event::send_provisional,
                            Event::send_success, Event::send_failure}) {
    CHECK(machine.on(event, t0 + 1ms) == Actions{});
    CHECK(machine.state() == State::confirmed);
  }
  CHECK(machine.on(Event::timer, t0 + 99ms) == Actions{});
  CHECK(machine.on(Event::timer, t0 + 100ms) == Actions{.destroy = true});
  CHECK(machine.state() == State::terminated);
}

TEST_CASE("INVITE server, figure 7: accepted -> accepted, copies of the INVITE are absorbed") {
  auto machine = accepted();
  CHECK(machine.on(Event::request_again, t0) == Actions{});
  CHECK(machine.state() == State::accepted);
}

TEST_CASE("INVITE server, figure 7: accepted -> accepted, a transport error informs the user") {
  auto machine = accepted();
  CHECK(machine.on(Event::transport_error, t0) == Actions{.transport_error = true});
  CHECK(machine.state() == State::accepted);
}

TEST_CASE("INVITE server, figure 7: accepted -> accepted, ACKs go to the user") {
  auto machine = accepted();
  CHECK(machine.on(Event::ack, t0) == Actions{.pass_ack = true});
  CHECK(machine.on(Event::ack, t0 + 1ms) == Actions{.pass_ack = true});
  CHECK(machine.state() == State::accepted);
}

TEST_CASE("INVITE server, figure 7: accepted -> accepted, the user's copies of the 2xx are sent") {
  auto machine = accepted();
  CHECK(machine.on(Event::send_success, t0) == Actions{.send_response = true});
  CHECK(machine.state() == State::accepted);
}

TEST_CASE("INVITE server, figure 7: accepted -> terminated, timer L") {
  auto machine = accepted();
  CHECK(machine.deadline() == t0 + 640ms);
  CHECK(machine.on(Event::timer, t0 + 639ms) == Actions{});
  CHECK(machine.on(Event::timer, t0 + 640ms) == Actions{.destroy = true});
  CHECK(machine.state() == State::terminated);
}

// What the figure leaves out

TEST_CASE("INVITE server on a stream: no timer G, and timer I is zero (RFC 3261 17.2.1)") {
  auto machine = completed(/*reliable=*/true);
  CHECK(machine.deadline() == t0 + 640ms);
  CHECK(machine.on(Event::ack, t0) == Actions{.destroy = true});
  CHECK(machine.state() == State::terminated);
}

TEST_CASE("INVITE server: what has no arrow does nothing") {
  CHECK(proceeding().on(Event::ack, t0) == Actions{});  // too early
  for (const Event event : {Event::send_provisional, Event::send_success, Event::send_failure})
    CHECK(completed().on(event, t0) == Actions{});
  for (const Event event : {Event::send_provisional, Event::send_failure})
    CHECK(accepted().on(event, t0) == Actions{});
  auto machine = accepted();
  machine.on(Event::timer, t0 + 640ms);
  for (const Event event : {Event::request_again, Event::ack, Event::send_success, Event::timer})
    CHECK(machine.on(event, t0 + 641ms) == Actions{});
}
