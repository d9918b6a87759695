#include "protocol/transaction/invite_client.hpp"

#include <doctest/doctest.h>

using namespace beckon;
using namespace beckon::transaction;
using Event = InviteClient::Event;
using State = InviteClient::State;
using Actions = InviteClient::Actions;

/// One test per arrow of figure 5, "INVITE client transaction", as RFC 6026 8.4 prints it; a name says
/// "state -> state, event". After them what the figure leaves out.
namespace {

constexpr Time t0{};
constexpr Times times{.t1 = 10ms, .t2 = 80ms, .t4 = 100ms, .trying = 4ms};

InviteClient calling(bool reliable = false) { return InviteClient(reliable, times, t0); }
InviteClient after(Event event, bool reliable = false) {
  auto machine = calling(reliable);
  machine.on(event, t0);
  return machine;
}

}  // namespace

TEST_CASE("INVITE client, figure 5: calling -> calling, timer A resends the INVITE and doubles each time") {
  auto machine = calling();
  CHECK(machine.state() == State::calling);
  for (const auto at : {10ms, 30ms, 70ms, 150ms, 310ms}) {
    CAPTURE(at.count());
    CHECK(machine.deadline() == t0 + at);
    CHECK(machine.on(Event::timer, t0 + at - 1ms) == Actions{});
    CHECK(machine.on(Event::timer, t0 + at) == Actions{.send_request = true});
    CHECK(machine.state() == State::calling);
  }
}

TEST_CASE("INVITE client, figure 5: calling -> terminated, timer B after 64*T1 informs the user") {
  for (const bool reliable : {false, true}) {
    CAPTURE(reliable);
    auto machine = calling(reliable);
    CHECK(machine.on(Event::timer, t0 + 640ms) == Actions{.timeout = true, .destroy = true});
    CHECK(machine.state() == State::terminated);
    CHECK_FALSE(machine.deadline());
  }
}

TEST_CASE("INVITE client, figure 5: calling -> terminated, a transport error informs the user") {
  auto machine = calling();
  CHECK(machine.on(Event::transport_error, t0) == Actions{.transport_error = true, .destroy = true});
  CHECK(machine.state() == State::terminated);
}

TEST_CASE("INVITE client, figure 5: calling -> proceeding, 1xx goes to the user and ends the copies") {
  auto machine = calling();
  CHECK(machine.on(Event::provisional, t0 + 5ms) == Actions{.pass_response = true});
  CHECK(machine.state() == State::proceeding);
  CHECK(machine.on(Event::timer, t0 + 10ms) == Actions{});
}

TEST_CASE("INVITE client, figure 5: calling -> completed, 300-699 is acknowledged and goes to the user") {
  auto machine = calling();
  CHECK(machine.on(Event::failure, t0 + 5ms) == Actions{.send_ack = true, .pass_response = true});
  CHECK(machine.state() == State::completed);
}

TEST_CASE("INVITE client, figure 5: calling -> accepted, 2xx goes to the user") {
  auto machine = calling();
  CHECK(machine.on(Event::success, t0 + 5ms) == Actions{.pass_response = true});
  CHECK(machine.state() == State::accepted);
}

TEST_CASE("INVITE client, figure 5: proceeding -> proceeding, each further 1xx goes to the user") {
  auto machine = after(Event::provisional);
  CHECK(machine.on(Event::provisional, t0 + 1s) == Actions{.pass_response = true});
  CHECK(machine.state() == State::proceeding);
}

TEST_CASE("INVITE client, figure 5: proceeding -> completed, 300-699 is acknowledged and goes to the user") {
  auto machine = after(Event::provisional);
  CHECK(machine.on(Event::failure, t0 + 1s) == Actions{.send_ack = true, .pass_response = true});
  CHECK(machine.state() == State::completed);
}

TEST_CASE("INVITE client, figure 5: proceeding -> accepted, 2xx goes to the user") {
  auto machine = after(Event::provisional);
  CHECK(machine.on(Event::success, t0 + 1s) == Actions{.pass_response = true});
  CHECK(machine.state() == State::accepted);
}

TEST_CASE("INVITE client, figure 5: completed -> completed, each copy of 300-699 is acknowledged again") {
  auto machine = after(Event::failure);
  CHECK(machine.on(Event::failure, t0 + 5ms) == Actions{.send_ack = true});
  CHECK(machine.state() == State::completed);
}

TEST_CASE("INVITE client, figure 5: completed -> terminated, an ACK that cannot be sent is reported") {
  auto machine = after(Event::failure);
  CHECK(machine.on(Event::transport_error, t0) == Actions{.transport_error = true, .destroy = true});
  CHECK(machine.state() == State::terminated);
}

TEST_CASE("INVITE client, figure 5: completed -> terminated, timer D") {
  auto machine = after(Event::failure);
  CHECK(machine.deadline() == t0 + 640ms);
  CHECK(machine.on(Event::timer, t0 + 639ms) == Actions{});
  CHECK(machine.on(Event::timer, t0 + 640ms) == Actions{.destroy = true});
  CHECK(machine.state() == State::terminated);
}

TEST_CASE("INVITE client, figure 5: accepted -> accepted, every 2xx goes to the user, other forks' too") {
  auto machine = after(Event::success);
  CHECK(machine.on(Event::success, t0 + 100ms) == Actions{.pass_response = true});
  CHECK(machine.state() == State::accepted);
}

TEST_CASE("INVITE client, figure 5: accepted -> terminated, timer M, on streams too") {
  for (const bool reliable : {false, true}) {
    CAPTURE(reliable);
    auto machine = after(Event::success, reliable);
    CHECK(machine.deadline() == t0 + 640ms);
    CHECK(machine.on(Event::timer, t0 + 639ms) == Actions{});
    CHECK(machine.on(Event::timer, t0 + 640ms) == Actions{.destroy = true});
    CHECK(machine.state() == State::terminated);
  }
}

// What the figure leaves out

TEST_CASE("INVITE client on a stream: no timer A, and timer D is zero (RFC 3261 17.1.1.2)") {
  auto machine = calling(/*reliable=*/true);
  CHECK(machine.deadline() == t0 + 640ms);
  CHECK(machine.on(Event::failure, t0) == Actions{.send_ack = true, .pass_response = true, .destroy = true});
  CHECK(machine.state() == State::terminated);
}

TEST_CASE("INVITE client, proceeding: a lost flow is reported") {
  auto machine = after(Event::provisional, /*reliable=*/true);
  CHECK(machine.on(Event::transport_error, t0) == Actions{.transport_error = true, .destroy = true});
}

TEST_CASE("INVITE client: a lost connection is the end of what has had no 1xx") {
  auto machine = calling(/*reliable=*/true);
  CHECK(machine.on(Event::connection_lost, t0) == Actions{.transport_error = true, .destroy = true});
}

TEST_CASE(
    "INVITE client, proceeding: when its connection is lost it waits 10*T1 for a response over another one "
    "(RFC 3261 18.2.2)") {
  auto machine = after(Event::provisional, /*reliable=*/true);
  CHECK(machine.on(Event::connection_lost, t0 + 1h) == Actions{});
  CHECK(machine.deadline() == t0 + 1h + 100ms);
  SUBCASE("none comes") {
    CHECK(machine.on(Event::timer, t0 + 1h + 99ms) == Actions{});
    CHECK(machine.on(Event::timer, t0 + 1h + 100ms) == Actions{.transport_error = true, .destroy = true});
  }
  SUBCASE("a 1xx comes: it rings on") {
    CHECK(machine.on(Event::provisional, t0 + 1h + 1ms) == Actions{.pass_response = true});
    CHECK_FALSE(machine.deadline());
  }
  SUBCASE("a 2xx comes") {
    CHECK(machine.on(Event::success, t0 + 1h + 1ms) == Actions{.pass_response = true});
  }
  SUBCASE("a CANCEL before that is not put off") {
    machine = after(Event::provisional, /*reliable=*/true);
    machine.on(Event::cancel, t0);
    CHECK(machine.on(Event::connection_lost, t0 + 600ms) == Actions{});
    CHECK(machine.deadline() == t0 + 640ms);
  }
}

TEST_CASE(
    "INVITE client, proceeding: it may ring for ever, but ends 64*T1 after the CANCEL, whatever 1xx still "
    "come (RFC 3261 9.1)") {
  auto machine = after(Event::provisional);
  CHECK_FALSE(machine.deadline());
  CHECK(machine.on(Event::timer, t0 + 1h) == Actions{});
  CHECK(machine.on(Event::cancel, t0 + 1h) == Actions{.send_cancel = true});
  CHECK(machine.on(Event::provisional, t0 + 1h + 1s) == Actions{.pass_response = true});
  CHECK(machine.deadline() == t0 + 1h + 640ms);
  CHECK(machine.on(Event::timer, t0 + 1h + 639ms) == Actions{});
  CHECK(machine.on(Event::timer, t0 + 1h + 640ms) == Actions{.timeout = true, .destroy = true});
}

TEST_CASE("INVITE client, CANCEL in calling waits for the first 1xx and is sent once (RFC 3261 9.1)") {
  auto machine = calling();
  CHECK(machine.on(Event::cancel, t0) == Actions{});
  SUBCASE("which comes") {
    CHECK(machine.on(Event::provisional, t0 + 5ms) == Actions{.send_cancel = true, .pass_response = true});
    CHECK(machine.on(Event::provisional, t0 + 6ms) == Actions{.pass_response = true});
    CHECK(machine.on(Event::cancel, t0 + 7ms) == Actions{});
    CHECK(machine.deadline() == t0 + 645ms);
  }
  SUBCASE("but a 2xx comes: it is too late") {
    CHECK(machine.on(Event::success, t0 + 5ms) == Actions{.pass_response = true});
    CHECK(machine.on(Event::cancel, t0 + 6ms) == Actions{});
  }
  SUBCASE("but nothing comes: timer B") {
    CHECK(machine.on(Event::timer, t0 + 640ms) == Actions{.timeout = true, .destroy = true});
  }
}

TEST_CASE("INVITE client, CANCEL in proceeding is sent at once; what crosses it counts (RFC 3261 9.1)") {
  auto machine = after(Event::provisional);
  CHECK(machine.on(Event::cancel, t0 + 1s) == Actions{.send_cancel = true});
  SUBCASE("487") {
    CHECK(machine.on(Event::failure, t0 + 1s) == Actions{.send_ack = true, .pass_response = true});
  }
  SUBCASE("a 2xx") { CHECK(machine.on(Event::success, t0 + 1s) == Actions{.pass_response = true}); }
}

TEST_CASE("INVITE client, CANCEL after the final response is never sent (RFC 3261 9.1)") {
  CHECK(after(Event::failure).on(Event::cancel, t0) == Actions{});
  CHECK(after(Event::success).on(Event::cancel, t0) == Actions{});
}

TEST_CASE("INVITE client: what has no arrow does nothing") {
  struct Row {
    Event before;
    Event event;
  };
  const Row rows[] = {{Event::failure, Event::provisional},     {Event::failure, Event::success},
                      {Event::success, Event::provisional},     {Event::success, Event::failure},
                      {Event::success, Event::transport_error}, {Event::transport_error, Event::provisional},
                      {Event::transport_error, Event::success}, {Event::transport_error, Event::failure},
                      {Event::transport_error, Event::timer},   {Event::transport_error, Event::cancel}};
  for (const Row& row : rows) {
    auto machine = after(row.before);
    const auto state = machine.state();
    CAPTURE(to_string(state));
    CHECK(machine.on(row.event, t0 + 5ms) == Actions{});
    CHECK(machine.state() == state);
  }
}
