#include "protocol/transaction/non_invite_client.hpp"

#include <doctest/doctest.h>

using namespace beckon;
using namespace beckon::transaction;
using Event = NonInviteClient::Event;
using State = NonInviteClient::State;
using Actions = NonInviteClient::Actions;

/// One test per arrow of RFC 3261's figure 6, "non-INVITE client transaction"; a name says "state -> state,
/// event". After them what the figure leaves out.
namespace {

constexpr Time t0{};
constexpr Times times{.t1 = 10ms, .t2 = 40ms, .t4 = 100ms};

NonInviteClient trying(bool reliable = false) { return NonInviteClient(reliable, times, t0); }
NonInviteClient after(Event event, bool reliable = false) {
  auto machine = trying(reliable);
  machine.on(event, t0);
  return machine;
}

}  // namespace

TEST_CASE("non-INVITE client, figure 6: trying -> trying, timer E resends, doubling up to T2") {
  auto machine = trying();
  CHECK(machine.state() == State::trying);
  for (const auto at : {10ms, 30ms, 70ms, 110ms, 150ms}) {
    CAPTURE(at.count());
    CHECK(machine.deadline() == t0 + at);
    CHECK(machine.on(Event::timer, t0 + at - 1ms) == Actions{});
    CHECK(machine.on(Event::timer, t0 + at) == Actions{.send_request = true});
    CHECK(machine.state() == State::trying);
  }
}

TEST_CASE("non-INVITE client, figure 6: trying -> terminated, timer F informs the user") {
  for (const bool reliable : {false, true}) {
    CAPTURE(reliable);
    auto machine = trying(reliable);
    CHECK(machine.on(Event::timer, t0 + 640ms) == Actions{.timeout = true, .destroy = true});
    CHECK(machine.state() == State::terminated);
    CHECK_FALSE(machine.deadline());
  }
}

TEST_CASE("non-INVITE client, figure 6: trying -> terminated, a transport error informs the user") {
  auto machine = trying();
  CHECK(machine.on(Event::transport_error, t0) == Actions{.transport_error = true, .destroy = true});
  CHECK(machine.state() == State::terminated);
}

TEST_CASE("non-INVITE client, figure 6: trying -> proceeding, 1xx goes to the user") {
  auto machine = trying();
  CHECK(machine.on(Event::provisional, t0 + 5ms) == Actions{.pass_response = true});
  CHECK(machine.state() == State::proceeding);
}

TEST_CASE("non-INVITE client, figure 6: trying -> completed, 200-699 goes to the user") {
  auto machine = trying();
  CHECK(machine.on(Event::final, t0) == Actions{.pass_response = true});
  CHECK(machine.state() == State::completed);
}

TEST_CASE(
    "non-INVITE client, figure 6: proceeding -> proceeding, timer E resends, every T2 from the next on") {
  auto machine = after(Event::provisional);
  CHECK(machine.on(Event::timer, t0 + 10ms) == Actions{.send_request = true});
  CHECK(machine.deadline() == t0 + 50ms);
  CHECK(machine.on(Event::timer, t0 + 50ms) == Actions{.send_request = true});
  CHECK(machine.deadline() == t0 + 90ms);
  CHECK(machine.state() == State::proceeding);
}

TEST_CASE("non-INVITE client, figure 6: proceeding -> proceeding, each further 1xx goes to the user") {
  auto machine = after(Event::provisional);
  CHECK(machine.on(Event::provisional, t0) == Actions{.pass_response = true});
  CHECK(machine.state() == State::proceeding);
}

TEST_CASE("non-INVITE client, figure 6: proceeding -> terminated, timer F, counted from the request") {
  auto machine = trying();
  machine.on(Event::provisional, t0 + 500ms);
  CHECK(machine.on(Event::timer, t0 + 640ms) == Actions{.timeout = true, .destroy = true});
  CHECK(machine.state() == State::terminated);
}

TEST_CASE("non-INVITE client, figure 6: proceeding -> terminated, a transport error informs the user") {
  auto machine = after(Event::provisional);
  CHECK(machine.on(Event::transport_error, t0) == Actions{.transport_error = true, .destroy = true});
  CHECK(machine.state() == State::terminated);
}

TEST_CASE("non-INVITE client, figure 6: proceeding -> completed, 200-699 goes to the user") {
  auto machine = after(Event::provisional);
  CHECK(machine.on(Event::final, t0) == Actions{.pass_response = true});
  CHECK(machine.state() == State::completed);
}

TEST_CASE("non-INVITE client, figure 6: completed -> terminated, timer K") {
  auto machine = after(Event::final);
  CHECK(machine.deadline() == t0 + 100ms);
  CHECK(machine.on(Event::timer, t0 + 99ms) == Actions{});
  CHECK(machine.on(Event::timer, t0 + 100ms) == Actions{.destroy = true});
  CHECK(machine.state() == State::terminated);
}

// What the figure leaves out

TEST_CASE("non-INVITE client on a stream: no timer E, and timer K is zero (RFC 3261 17.1.2.2)") {
  auto machine = trying(/*reliable=*/true);
  CHECK(machine.deadline() == t0 + 640ms);
  CHECK(machine.on(Event::final, t0) == Actions{.pass_response = true, .destroy = true});
  CHECK(machine.state() == State::terminated);
}

TEST_CASE("non-INVITE client: what has no arrow does nothing, copies of the response above all") {
  for (const Event before : {Event::final, Event::transport_error}) {
    for (const Event event : {Event::provisional, Event::final, Event::transport_error, Event::timer}) {
      auto machine = after(before);
      const auto state = machine.state();
      CAPTURE(to_string(state));
      CHECK(machine.on(event, t0 + 30ms) == Actions{});
      CHECK(machine.state() == state);
    }
  }
}
