#include "protocol/transaction/non_invite_client.hpp"

#include <doctest/doctest.h>

using namespace beckon;
using namespace beckon::transaction;
using Event = NonInviteClient::Event;
using State = NonInviteClient::State;
using Actions = NonInviteClient::Actions;

namespace {
constexpr Time t0{};
constexpr Times times{.t1 = 10ms, .t2 = 40ms, .t4 = 100ms};
}  // namespace

TEST_CASE("non-INVITE client over UDP, trying (RFC 3261 17.1.2.2, figure 6)") {
  NonInviteClient machine(/*reliable=*/false, times, t0);

  SUBCASE("timer E resends, doubling up to T2") {
    for (const auto at : {10ms, 30ms, 70ms, 110ms, 150ms}) {
      CAPTURE(at.count());
      CHECK(machine.deadline() == t0 + at);
      CHECK(machine.on(Event::timer, t0 + at) == Actions{.send_request = true});
    }
  }
  SUBCASE("a timer that fires too early does nothing") {
    CHECK(machine.on(Event::timer, t0 + 9ms) == Actions{});
  }
  SUBCASE("timer F tells a timeout") {
    CHECK(machine.on(Event::timer, t0 + 640ms) == Actions{.timeout = true, .destroy = true});
    CHECK_FALSE(machine.deadline());
  }
  SUBCASE("a transport error is told and ends it") {
    CHECK(machine.on(Event::transport_error, t0) == Actions{.transport_error = true, .destroy = true});
    CHECK(machine.on(Event::final, t0) == Actions{});
  }
  SUBCASE("a final response leads to completed") {
    CHECK(machine.on(Event::final, t0) == Actions{.pass_response = true});
    CHECK(machine.state() == State::completed);
  }
}

TEST_CASE("non-INVITE client, proceeding (RFC 3261 17.1.2.2)") {
  NonInviteClient machine(/*reliable=*/false, times, t0);
  CHECK(machine.on(Event::provisional, t0 + 5ms) == Actions{.pass_response = true});
  CHECK(machine.state() == State::proceeding);

  SUBCASE("copies go on, every T2 from the next timer E on") {
    CHECK(machine.on(Event::timer, t0 + 10ms) == Actions{.send_request = true});
    CHECK(machine.deadline() == t0 + 50ms);
  }
  SUBCASE("further 1xx are passed on") {
    CHECK(machine.on(Event::provisional, t0) == Actions{.pass_response = true});
  }
  SUBCASE("timer F still counts from the request") {
    CHECK(machine.on(Event::timer, t0 + 640ms) == Actions{.timeout = true, .destroy = true});
  }
  SUBCASE("a transport error is told") { CHECK(machine.on(Event::transport_error, t0).transport_error); }
  SUBCASE("a final response leads to completed") {
    CHECK(machine.on(Event::final, t0) == Actions{.pass_response = true});
    CHECK(machine.state() == State::completed);
  }
}

TEST_CASE("non-INVITE client, completed absorbs copies until timer K (RFC 3261 17.1.2.2)") {
  NonInviteClient machine(/*reliable=*/false, times, t0);
  machine.on(Event::final, t0 + 20ms);
  CHECK(machine.on(Event::final, t0 + 30ms) == Actions{});
  CHECK(machine.on(Event::provisional, t0 + 30ms) == Actions{});
  CHECK(machine.on(Event::transport_error, t0 + 30ms) == Actions{});
  CHECK(machine.deadline() == t0 + 120ms);
  CHECK(machine.on(Event::timer, t0 + 120ms) == Actions{.destroy = true});
}

TEST_CASE("non-INVITE client over TCP neither repeats nor lingers (RFC 3261 17.1.2.2)") {
  NonInviteClient machine(/*reliable=*/true, times, t0);
  CHECK(machine.deadline() == t0 + 640ms);
  CHECK(machine.on(Event::final, t0) == Actions{.pass_response = true, .destroy = true});
}
