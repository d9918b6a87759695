#include "client/direct/sessions.hpp"

#include <doctest/doctest.h>

using namespace beckon;

TEST_CASE("the end of a session has the cause that its reason gives (DIRECT_SESSIONS 10)") {
  using beckon::direct::Reason;
  using client::control::Cause;
  using client::direct::cause_of;
  CHECK(cause_of(Reason::normal) == Cause::done);
  CHECK(cause_of(Reason::answered_elsewhere) == Cause::done);
  CHECK(cause_of(Reason::busy) == Cause::unavailable);
  CHECK(cause_of(Reason::no_answer) == Cause::unavailable);
  CHECK(cause_of(Reason::declined) == Cause::refused);
  CHECK(cause_of(Reason::revoked) == Cause::refused);
  CHECK(cause_of(Reason::media_not_supported) == Cause::no_direct);
  CHECK(cause_of(Reason::path_lost) == Cause::unreachable);
  CHECK(cause_of(Reason{200}) == Cause::failed);
}
