#include "protocol/event/notifier.hpp"

#include <doctest/doctest.h>

using namespace beckon;
using namespace beckon::event;
using State = Notifier::State;
using Body = Notifier::Body;
using Actions = Notifier::Actions;

namespace {

constexpr Time t0{};
constexpr Notifier::Config config{.retry_pause = 30s, .max_failures = 3, .min_interval = 0s};

Actions send(std::string_view state, std::uint32_t expires, Body body) {
  return {.notify = Notifier::Notify{
              .state = {.state = std::string(state), .reason = {}, .expires = expires, .retry_after = {}},
              .body = body}};
}
Actions end(std::string_view reason, Body body, std::optional<std::uint32_t> retry_after = {}) {
  return {.terminated = true,
          .notify = Notifier::Notify{.state = {.state = "terminated",
                                               .reason = std::string(reason),
                                               .expires = {},
                                               .retry_after = retry_after},
                                     .body = body}};
}

/// Subscribed for 600 s at t0, the first NOTIFY answered.
Notifier running(State state = State::active, Notifier::Config with = config) {
  Notifier notifier(with, state, t0 + 600s);
  notifier.on_subscribe(t0 + 600s, t0);
  notifier.on_notify_end(200, {}, t0);
  return notifier;
}

}  // namespace

TEST_CASE("each SUBSCRIBE is followed by a NOTIFY with full state (RFC 6665 4.2.1.2)") {
  SUBCASE("allowed: active") {
    Notifier notifier(config, State::active, t0 + 600s);
    CHECK(notifier.on_subscribe(t0 + 600s, t0) == send("active", 600, Body::full));
  }
  SUBCASE("undecided: pending") {
    Notifier notifier(config, State::pending, t0 + 600s);
    CHECK(notifier.on_subscribe(t0 + 600s, t0) == send("pending", 600, Body::full));
  }
  SUBCASE("a refresh, with the new lifetime") {
    auto notifier = running();
    CHECK(notifier.on_subscribe(t0 + 900s, t0 + 500s) == send("active", 400, Body::full));
    CHECK(notifier.expires() == t0 + 900s);
  }
  SUBCASE("a fetch gets the state and the end at once (RFC 6665 4.4.3)") {
    Notifier notifier(config, State::active, t0);
    CHECK(notifier.on_subscribe(t0, t0) == end("timeout", Body::full));
    CHECK(notifier.on_notify_end(200, {}, t0) == Actions{.destroy = true});
  }
  SUBCASE("unsubscribing likewise (RFC 6665 4.1.2.3)") {
    auto notifier = running();
    CHECK(notifier.on_subscribe(t0 + 9s, t0 + 9s) == end("timeout", Body::full));
    CHECK(notifier.state() == State::terminated);
    CHECK_FALSE(notifier.deadline());
  }
}

TEST_CASE("a change is notified, one NOTIFY at a time, the newest state afterwards (RFC 6665 4.2.2)") {
  auto notifier = running();
  CHECK(notifier.on_change(t0 + 1s) == send("active", 599, Body::partial));

  SUBCASE("changes meanwhile become one") {
    CHECK(notifier.on_change(t0 + 2s) == Actions{});
    CHECK(notifier.on_change(t0 + 3s) == Actions{});
    CHECK(notifier.in_flight());
    CHECK(notifier.on_notify_end(200, {}, t0 + 4s) == send("active", 596, Body::partial));
    CHECK(notifier.on_notify_end(200, {}, t0 + 5s) == Actions{});
  }
  SUBCASE("a refresh among them makes it full") {
    CHECK(notifier.on_subscribe(t0 + 1002s, t0 + 2s) == Actions{});
    CHECK(notifier.on_change(t0 + 3s) == Actions{});
    CHECK(notifier.on_notify_end(200, {}, t0 + 4s) == send("active", 998, Body::full));
  }
}

TEST_CASE("a pending watcher is not notified of changes") {
  auto notifier = running(State::pending);
  CHECK(notifier.on_change(t0 + 1s) == Actions{});
}

TEST_CASE("policy moves a subscription (RFC 6665 4.2.2, figure)") {
  SUBCASE("pending -> active with full state") {
    auto notifier = running(State::pending);
    CHECK(notifier.approve(t0 + 1s) == send("active", 599, Body::full));
    CHECK(notifier.approve(t0 + 1s) == Actions{});
  }
  SUBCASE("active -> pending, when a rule is taken back") {
    auto notifier = running();
    CHECK(notifier.suspend(t0 + 1s) == send("pending", 599, Body::full));
    CHECK(notifier.suspend(t0 + 1s) == Actions{});
  }
  SUBCASE("pending -> terminated") {
    auto notifier = running(State::pending);
    CHECK(notifier.terminate("rejected", {}, t0 + 1s) == end("rejected", Body::none));
    CHECK(notifier.reason() == "rejected");
  }
  SUBCASE("active -> terminated, with a hint when to come back") {
    auto notifier = running();
    CHECK(notifier.terminate("probation", 60, t0 + 1s) == end("probation", Body::none, 60));
    SUBCASE("nothing is sent for it afterwards") {
      CHECK(notifier.terminate("rejected", {}, t0 + 2s) == Actions{});
      CHECK(notifier.on_change(t0 + 2s) == Actions{});
      CHECK(notifier.on_subscribe(t0 + 99s, t0 + 2s) == Actions{});
      CHECK(notifier.approve(t0 + 2s) == Actions{});
      CHECK(notifier.on_timer(t0 + 900s) == Actions{});
    }
    SUBCASE("and it is gone when the last NOTIFY is through, or lost") {
      CHECK(notifier.on_notify_end(408, {}, t0 + 33s) == Actions{.destroy = true});
    }
  }
  SUBCASE("with a NOTIFY in flight the last one waits for it") {
    auto notifier = running();
    notifier.on_change(t0 + 1s);
    CHECK(notifier.terminate("deactivated", {}, t0 + 2s) == Actions{.terminated = true});
    const auto last = end("deactivated", Body::none);
    CHECK(notifier.on_notify_end(200, {}, t0 + 3s) == Actions{.notify = last.notify});
    CHECK(notifier.on_notify_end(200, {}, t0 + 4s) == Actions{.destroy = true});
  }
  SUBCASE("and is not sent to a watcher that is gone") {
    auto notifier = running();
    notifier.on_change(t0 + 1s);
    notifier.terminate("deactivated", {}, t0 + 2s);
    CHECK(notifier.on_notify_end(481, {}, t0 + 3s) == Actions{.destroy = true});
  }
}

TEST_CASE("a subscription that is not refreshed expires (RFC 6665 4.2.1.4)") {
  auto notifier = running();
  CHECK(notifier.deadline() == t0 + 600s);
  CHECK(notifier.on_timer(t0 + 599s) == Actions{});
  CHECK(notifier.on_timer(t0 + 600s) == end("timeout", Body::none));
  CHECK(notifier.on_notify_end(200, {}, t0 + 601s) == Actions{.destroy = true});
}

TEST_CASE("some answers to NOTIFY end the subscription at once (RFC 6665 4.2.2, RFC 5057 5.1)") {
  for (const int status : {404, 405, 410, 416, 480, 481, 482, 483, 484, 485, 489, 501, 502, 604}) {
    CAPTURE(status);
    auto notifier = running();
    notifier.on_change(t0 + 1s);
    CHECK(notifier.on_notify_end(status, {}, t0 + 2s) == Actions{.terminated = true, .destroy = true});
    CHECK(notifier.reason() == "timeout");
    CHECK_FALSE(notifier.deadline());
  }
}

TEST_CASE("one lost NOTIFY does not end a subscription, three in a row do (RFC 6665 4.2.2)") {
  auto notifier = running();
  notifier.on_change(t0 + 1s);
  CHECK(notifier.on_notify_end(408, {}, t0 + 33s) == Actions{});
  CHECK(notifier.deadline() == t0 + 63s);

  SUBCASE(
      "changes wait for the pause; then full state is sent, as no partial document may follow a lost one") {
    CHECK(notifier.on_change(t0 + 40s) == Actions{});
    CHECK(notifier.on_timer(t0 + 63s) == send("active", 537, Body::full));
    CHECK(notifier.on_notify_end(200, {}, t0 + 64s) == Actions{});
    CHECK(notifier.deadline() == t0 + 600s);
  }
  SUBCASE("the third in a row is the last") {
    notifier.on_timer(t0 + 63s);
    CHECK(notifier.on_notify_end(408, {}, t0 + 95s) == Actions{});
    CHECK(notifier.deadline() == t0 + 155s);  // the pause doubles
    notifier.on_timer(t0 + 155s);
    CHECK(notifier.on_notify_end(408, {}, t0 + 187s) == Actions{.terminated = true, .destroy = true});
  }
  SUBCASE("a NOTIFY that arrives in between resets the count") {
    notifier.on_timer(t0 + 63s);
    notifier.on_notify_end(200, {}, t0 + 64s);
    notifier.on_change(t0 + 65s);
    CHECK(notifier.on_notify_end(408, {}, t0 + 70s) == Actions{});
    notifier.on_timer(t0 + 100s);
    CHECK(notifier.on_notify_end(408, {}, t0 + 132s) == Actions{});
  }
  SUBCASE("a refresh proves that the watcher lives: no pause") {
    CHECK(notifier.on_subscribe(t0 + 900s, t0 + 40s) == send("active", 860, Body::full));
  }
  SUBCASE("Retry-After sets the pause") {
    notifier.on_timer(t0 + 63s);
    notifier.on_notify_end(503, 100, t0 + 64s);
    CHECK(notifier.deadline() == t0 + 164s);
  }
}

TEST_CASE("told so, the first NOTIFY without an answer ends the subscription (RFC 6665 4.2.2)") {
  auto notifier = running(State::active, {.retry_pause = 30s, .max_failures = 1, .min_interval = 0s});
  notifier.on_change(t0 + 1s);
  CHECK(notifier.on_notify_end(408, {}, t0 + 33s) == Actions{.terminated = true, .destroy = true});
  CHECK(notifier.reason() == "timeout");
}

TEST_CASE("answers that concern the transaction only count as a lost NOTIFY (RFC 5057 5.1)") {
  for (const int status : {400, 401, 406, 408, 413, 415, 423, 486, 488, 491, 500, 503, 504, 600, 603, 606}) {
    CAPTURE(status);
    auto notifier = running();
    notifier.on_change(t0 + 1s);
    CHECK(notifier.on_notify_end(status, {}, t0 + 2s) == Actions{});
    CHECK(notifier.on_timer(t0 + 32s) == send("active", 568, Body::full));
  }
}

TEST_CASE("a package may ask for a pace, which changes of the subscription's own state ignore") {
  auto notifier = running(State::active, {.retry_pause = 30s, .max_failures = 3, .min_interval = 5s});
  CHECK(notifier.on_change(t0 + 1s) == Actions{});
  CHECK(notifier.deadline() == t0 + 5s);
  CHECK(notifier.on_change(t0 + 2s) == Actions{});

  SUBCASE("the newest state is sent when its time has come") {
    CHECK(notifier.on_timer(t0 + 4s) == Actions{});
    CHECK(notifier.on_timer(t0 + 5s) == send("active", 595, Body::partial));
  }
  SUBCASE("the pace also holds after a slow answer") {
    notifier.on_timer(t0 + 5s);
    notifier.on_change(t0 + 6s);
    CHECK(notifier.on_notify_end(200, {}, t0 + 7s) == Actions{});
    CHECK(notifier.deadline() == t0 + 10s);
  }
  SUBCASE("pending is notified at once") {
    CHECK(notifier.suspend(t0 + 3s) == send("pending", 597, Body::full));
  }
  SUBCASE("an urgent change does not wait") {
    CHECK(notifier.on_urgent_change(t0 + 3s) == send("active", 597, Body::partial));
    CHECK(notifier.on_urgent_change(t0 + 3s) == Actions{});  // one in flight at a time
    CHECK(notifier.on_notify_end(200, {}, t0 + 4s) == send("active", 596, Body::partial));
  }
  SUBCASE("after a quiet interval a change is sent at once") {
    notifier.on_timer(t0 + 5s);
    notifier.on_notify_end(200, {}, t0 + 5s);
    CHECK(notifier.on_change(t0 + 60s) == send("active", 540, Body::partial));
  }
}

TEST_CASE("after a restart full state is sent when the caller says, so that no storm arises (DESIGN 1.4)") {
  Notifier notifier(config, State::active, t0 + 600s);
  notifier.resume(t0 + 20s);
  CHECK(notifier.deadline() == t0 + 20s);
  CHECK(notifier.on_change(t0 + 10s) == Actions{});
  CHECK(notifier.on_timer(t0 + 20s) == send("active", 580, Body::full));
}

TEST_CASE("the end of a NOTIFY that is no longer awaited is ignored") {
  auto notifier = running();
  CHECK(notifier.on_notify_end(481, {}, t0) == Actions{});
  CHECK(notifier.state() == State::active);
}

TEST_CASE("while nothing can be sent changes are kept, and go out together on release") {
  auto notifier = running();
  notifier.hold();
  SUBCASE("a change") {
    CHECK(notifier.on_change(t0 + 1s) == Actions{});
    CHECK(notifier.on_change(t0 + 2s) == Actions{});
    CHECK(notifier.deadline() == t0 + 600s);
    CHECK(notifier.release(t0 + 3s) == send("active", 597, Body::partial));
  }
  SUBCASE("full state, when a pause follows the release") {
    notifier.resume(t0 + 20s);
    CHECK(notifier.on_change(t0 + 1s) == Actions{});
    CHECK(notifier.release(t0 + 3s) == Actions{});
    CHECK(notifier.on_timer(t0 + 20s) == send("active", 580, Body::full));
  }
  SUBCASE("its end") {
    CHECK(notifier.on_timer(t0 + 600s) == Actions{.terminated = true});
    CHECK_FALSE(notifier.deadline().has_value());
    auto last = end("timeout", Body::none);
    last.terminated = false;
    CHECK(notifier.release(t0 + 601s) == last);
  }
  SUBCASE("no change: nothing follows") { CHECK(notifier.release(t0 + 3s) == Actions{}); }
}

TEST_CASE("a watcher that has the state is not sent it (RFC 5839 6.3)") {
  auto notifier = running();
  SUBCASE("its refresh prolongs the subscription and causes nothing") {
    CHECK(notifier.on_quiet_subscribe(t0 + 900s, t0 + 10s) == Actions{});
    CHECK(notifier.expires() == t0 + 900s);
    CHECK(notifier.deadline() == t0 + 900s);
  }
  SUBCASE("its unsubscribe is the end, without a last NOTIFY") {
    CHECK(notifier.on_quiet_subscribe(t0 + 10s, t0 + 10s) == Actions{.terminated = true, .destroy = true});
    CHECK(notifier.reason() == "timeout");
  }
  SUBCASE("a NOTIFY that is taken back counts for nothing") {
    auto paced = running(State::active, {.retry_pause = 30s, .max_failures = 3, .min_interval = 5s});
    const auto change = paced.on_change(t0 + 60s);
    REQUIRE(change.notify.has_value());
    CHECK_FALSE(change.notify->says_state);
    paced.take_back(*change.notify);
    CHECK_FALSE(paced.in_flight());
    CHECK(paced.on_change(t0 + 61s) == send("active", 539, Body::partial));
  }
  SUBCASE("the watcher has a state once the NOTIFY that carries it is answered with 2xx") {
    CHECK(notifier.has_told_state());
    const auto pending = notifier.suspend(t0 + 1s);
    CHECK(pending.notify->says_state);
    CHECK_FALSE(notifier.has_told_state());
    notifier.on_notify_end(408, {}, t0 + 33s);
    CHECK_FALSE(notifier.has_told_state());
    CHECK(notifier.on_timer(t0 + 63s).notify->says_state);
    notifier.on_notify_end(200, {}, t0 + 64s);
    CHECK(notifier.has_told_state());
  }
}

TEST_CASE(
    "the watcher's own pace holds for urgent changes too, not for what the RFC excepts (RFC 6446 5.2)") {
  auto notifier = running();
  notifier.set_spacing(20s);
  CHECK(notifier.on_urgent_change(t0 + 1s) == Actions{});
  CHECK(notifier.deadline() == t0 + 20s);
  SUBCASE("its time comes") { CHECK(notifier.on_timer(t0 + 20s) == send("active", 580, Body::partial)); }
  SUBCASE("a SUBSCRIBE") {
    CHECK(notifier.on_subscribe(t0 + 600s, t0 + 2s) == send("active", 598, Body::full));
  }
  SUBCASE("the end") { CHECK(notifier.terminate("rejected", {}, t0 + 2s) == end("rejected", Body::none)); }
  SUBCASE("active -> pending waits") {
    CHECK(notifier.suspend(t0 + 2s) == Actions{});
    SUBCASE("pending -> active does not") {
      CHECK(notifier.approve(t0 + 3s) == send("active", 597, Body::full));
    }
  }
  SUBCASE("another pace holds for what waits already") {
    CHECK(notifier.on_change(t0 + 2s) == Actions{});
    notifier.set_spacing(5s);
    CHECK(notifier.deadline() == t0 + 5s);
  }
}

TEST_CASE("silence is broken with the state, unless a NOTIFY is under way or due (RFC 6446 6.2)") {
  auto notifier = running();
  CHECK(notifier.on_silence(t0 + 50s) == send("active", 550, Body::partial));
  CHECK(notifier.on_silence(t0 + 51s) == Actions{});
  notifier.on_notify_end(408, {}, t0 + 82s);
  CHECK(notifier.on_silence(t0 + 83s) == Actions{});  // the pause after a lost one
}
