#include "client/message/composing.hpp"

#include <doctest/doctest.h>

using namespace beckon;
using namespace beckon::client::message;

namespace {

const Time t0{};
using Event = Composer::Event;

}  // namespace

TEST_CASE("who begins to compose tells it once, and is idle 15 s after the last sign of it (RFC 3994 3.2)") {
  Composer composer;
  CHECK(composer.on(Event::composing, t0) == Composer::Actions{true, t0 + 15s});
  CHECK(composer.on(Event::composing, t0 + 10s) == Composer::Actions{std::nullopt, t0 + 25s});
  CHECK(composer.on(Event::timer, t0 + 15s) == Composer::Actions{std::nullopt, t0 + 25s});
  CHECK(composer.on(Event::timer, t0 + 25s) == Composer::Actions{false, std::nullopt});
  CHECK_FALSE(composer.is_active());
  CHECK(composer.on(Event::composing, t0 + 30s) == Composer::Actions{true, t0 + 45s});
}

TEST_CASE("who goes on composing says so every 60 s (RFC 3994 3.2)") {
  Composer composer;
  composer.on(Event::composing, t0);
  for (auto at = 10s; at < 60s; at += 10s) CHECK_FALSE(composer.on(Event::composing, t0 + at).tell);
  CHECK(composer.on(Event::composing, t0 + 58s).timer == t0 + 60s);
  CHECK(composer.on(Event::timer, t0 + 60s) == Composer::Actions{true, t0 + 73s});
}

TEST_CASE("a message that is sent needs no other news; who stops says so (RFC 3994 3.2)") {
  Composer composer;
  composer.on(Event::composing, t0);
  CHECK(composer.on(Event::sent, t0 + 5s) == Composer::Actions{});
  CHECK_FALSE(composer.is_active());
  composer.on(Event::composing, t0 + 6s);
  CHECK(composer.on(Event::stopped, t0 + 7s) == Composer::Actions{false, std::nullopt});
}

TEST_CASE("who is idle says nothing more") {
  Composer composer;
  CHECK(composer.on(Event::stopped, t0) == Composer::Actions{});
  CHECK(composer.on(Event::sent, t0) == Composer::Actions{});
  CHECK(composer.on(Event::timer, t0) == Composer::Actions{});
}

TEST_CASE(
    "a peer is active until it says otherwise, sends a message, or its interval is over (RFC 3994 3.3)") {
  ComposingPeer peer;
  CHECK(peer.on_status(true, 90, t0) == ComposingPeer::Actions{true, t0 + 90s});
  SUBCASE("a further notice is no news, but sets the interval anew") {
    CHECK(peer.on_status(true, std::nullopt, t0 + 80s) == ComposingPeer::Actions{std::nullopt, t0 + 200s});
    CHECK(peer.is_active());
  }
  SUBCASE("it says so") {
    CHECK(peer.on_status(false, std::nullopt, t0 + 1s) == ComposingPeer::Actions{false, {}});
  }
  SUBCASE("its interval is over, or a message came") {
    CHECK(peer.on_idle() == ComposingPeer::Actions{false, {}});
    CHECK(peer.on_idle() == ComposingPeer::Actions{});
  }
  SUBCASE("nobody types for ever") { CHECK(peer.on_status(true, 4'000'000'000, t0).timer == t0 + 600s); }
}
