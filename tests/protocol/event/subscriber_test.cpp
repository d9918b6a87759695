#include "protocol/event/subscriber.hpp"

#include <doctest/doctest.h>

using namespace beckon;
using namespace beckon::event;
using State = Subscriber::State;
using Actions = Subscriber::Actions;
using Subscribe = Subscriber::Subscribe;

namespace {

constexpr Time t0{};
constexpr Subscriber::Config config{
    .expires = 3600s, .timer_n = 32s, .first_retry = 5s, .max_retry = 60s, .proven = 60s};

sip::SubscriptionState state(std::string_view name, std::optional<std::uint32_t> expires = {}) {
  return {.state = std::string(name), .reason = {}, .expires = expires, .retry_after = {}};
}
sip::SubscriptionState terminated(std::string_view reason, std::optional<std::uint32_t> retry_after = {}) {
  return {.state = "terminated", .reason = std::string(reason), .expires = {}, .retry_after = retry_after};
}
Subscriber::Response ok(std::optional<std::uint32_t> expires = 3600) {
  return {.status = 200, .expires = expires};
}

const Actions nothing{};
const Actions changed{.state_changed = true};
const Actions lost{.drop_dialog = true, .state_changed = true};
Actions asks(std::uint32_t expires, bool new_dialog, bool state_changed = false) {
  return {.state_changed = state_changed, .subscribe = Subscribe{expires, new_dialog}};
}

/// Active since t0, for an hour.
Subscriber active() {
  Subscriber subscriber(config);
  subscriber.start(t0);
  subscriber.on_response(ok(), t0);
  subscriber.on_notify(state("active", 3600), t0);
  return subscriber;
}

}  // namespace

TEST_CASE("subscribing: SUBSCRIBE, 2xx, NOTIFY (RFC 6665 4.1.2.1)") {
  Subscriber subscriber(config);
  CHECK_FALSE(subscriber.is_open());
  CHECK(subscriber.start(t0) == asks(3600, true, true));
  CHECK(subscriber.state() == State::notify_wait);
  CHECK(subscriber.is_open());
  CHECK(subscriber.start(t0) == nothing);

  SUBCASE("the NOTIFY after the 2xx") {
    CHECK(subscriber.on_response(ok(), t0) == nothing);
    CHECK(subscriber.on_notify(state("active", 3600), t0 + 1s) == changed);
    CHECK(subscriber.state() == State::active);
    CHECK(subscriber.expires() == t0 + 3601s);
  }
  SUBCASE("the NOTIFY before the 2xx") {
    CHECK(subscriber.on_notify(state("pending", 3600), t0) == changed);
    CHECK(subscriber.state() == State::pending);
    CHECK(subscriber.on_response(ok(), t0 + 1s) == nothing);
    CHECK(subscriber.state() == State::pending);
    CHECK(subscriber.expires() == t0 + 3601s);
  }
  SUBCASE("the NOTIFY without any response: it proves the subscription (RFC 6665 4.1.2.4)") {
    subscriber.on_notify(state("active", 600), t0);
    CHECK(subscriber.on_response({.status = 408}, t0 + 32s) == nothing);
    CHECK(subscriber.state() == State::active);
    CHECK(subscriber.deadline());
  }
  SUBCASE("no NOTIFY within timer N: it failed, and is tried again later (RFC 6665 4.1.2.4)") {
    subscriber.on_response(ok(), t0 + 1s);
    CHECK(subscriber.deadline() == t0 + 33s);
    CHECK(subscriber.on_timer(t0 + 32s) == nothing);
    CHECK(subscriber.on_timer(t0 + 33s) == lost);
    CHECK(subscriber.state() == State::waiting);
    CHECK(subscriber.reason() == "no notify");
    CHECK(subscriber.deadline() == t0 + 38s);
    CHECK(subscriber.on_timer(t0 + 38s) == asks(3600, true, true));
  }
}

TEST_CASE("the server's states are followed (RFC 6665 4.1.3)") {
  auto subscriber = active();
  CHECK(subscriber.on_notify(state("pending"), t0) == changed);
  CHECK(subscriber.on_notify(state("pending"), t0) == nothing);
  CHECK(subscriber.on_notify(state("active"), t0) == changed);
  SUBCASE("a state we do not know counts as active") {
    CHECK(subscriber.on_notify(state("sleeping"), t0) == nothing);
    CHECK(subscriber.state() == State::active);
  }
  SUBCASE("expires in a NOTIFY is authoritative") {
    subscriber.on_notify(state("active", 60), t0 + 10s);
    CHECK(subscriber.expires() == t0 + 70s);
    CHECK(subscriber.deadline() == t0 + 40s);
  }
}

TEST_CASE("a subscription is refreshed inside its dialog before it ends (RFC 6665 4.1.2.2)") {
  auto subscriber = active();
  CHECK(subscriber.deadline() == t0 + 3240s);
  CHECK(subscriber.on_timer(t0 + 3240s) == asks(3600, false));

  SUBCASE("2xx: until then") {
    CHECK(subscriber.on_response(ok(600), t0 + 3240s) == nothing);
    CHECK(subscriber.on_notify(state("active", 600), t0 + 3240s) == nothing);
    CHECK(subscriber.deadline() == t0 + 3780s);
  }
  SUBCASE("COMPAT: a 2xx without Expires grants what was asked for") {
    subscriber.on_response(ok(std::nullopt), t0 + 3240s);
    CHECK(subscriber.expires() == t0 + 6840s);
  }
  SUBCASE("2xx, but no NOTIFY within timer N: it is over (RFC 6665 4.1.2.2)") {
    subscriber.on_response(ok(), t0 + 3241s);
    CHECK(subscriber.deadline() == t0 + 3273s);
    CHECK(subscriber.on_timer(t0 + 3273s) == lost);
    CHECK(subscriber.reason() == "no notify");
  }
  SUBCASE("the NOTIFY before the 2xx will do") {
    subscriber.on_notify(state("active", 3600), t0 + 3240s);
    subscriber.on_response(ok(), t0 + 3240s);
    CHECK(subscriber.deadline() == t0 + 6480s);
  }
  SUBCASE("204 promises no NOTIFY (RFC 5839 7.1)") {
    subscriber.on_response({.status = 204, .expires = 3600}, t0 + 3240s);
    CHECK(subscriber.deadline() == t0 + 6480s);
  }
  SUBCASE("481: the server forgot it; a new one at once") {
    CHECK(subscriber.on_response({.status = 481}, t0 + 3240s) == lost);
    CHECK(subscriber.deadline() == t0 + 3240s);
    CHECK(subscriber.on_timer(t0 + 3240s) == asks(3600, true, true));
  }
  SUBCASE("423: with Min-Expires, inside the dialog") {
    CHECK(subscriber.on_response({.status = 423, .min_expires = 7200}, t0 + 3240s) == asks(7200, false));
    CHECK(subscriber.on_response({.status = 423, .min_expires = 9000}, t0 + 3240s) == nothing);
    CHECK(subscriber.state() == State::active);
  }
  SUBCASE("a failure of the transaction only: it lives on, and is asked again before the end") {
    CHECK(subscriber.on_response({.status = 408}, t0 + 3272s) == nothing);
    CHECK(subscriber.state() == State::active);
    CHECK(subscriber.deadline() == t0 + 3436s);
    CHECK(subscriber.on_timer(t0 + 3436s) == asks(3600, false));
    SUBCASE("until it has expired") {
      subscriber.on_response({.status = 503}, t0 + 3599s);
      CHECK(subscriber.deadline() == t0 + 3600s);
      CHECK(subscriber.on_timer(t0 + 3600s) == lost);
      CHECK(subscriber.reason() == "expired");
    }
    SUBCASE("Retry-After is respected") {
      subscriber.on_response({.status = 503, .retry_after = 100}, t0 + 3436s);
      CHECK(subscriber.deadline() == t0 + 3536s);
    }
  }
  SUBCASE("an answer that ends it permanently (RFC 6665 4.1.2.2)") {
    CHECK(subscriber.on_response({.status = 489}, t0 + 3240s) == lost);
    CHECK(subscriber.state() == State::ended);
    CHECK(subscriber.reason() == "status 489");
  }
  SUBCASE("an answer that ends it for now") {
    CHECK(subscriber.on_response({.status = 480}, t0 + 3240s) == lost);
    CHECK(subscriber.state() == State::waiting);
    CHECK(subscriber.deadline() == t0 + 3245s);
  }
}

TEST_CASE("a refused SUBSCRIBE (RFC 6665 4.1.2.1)") {
  Subscriber subscriber(config);
  subscriber.start(t0);

  SUBCASE("permanently: ended") {
    for (const int status : {302, 403, 404, 405, 489, 501, 603}) {
      CAPTURE(status);
      Subscriber one(config);
      one.start(t0);
      CHECK(one.on_response({.status = status}, t0) == lost);
      CHECK(one.state() == State::ended);
      CHECK(one.reason() == "status " + std::to_string(status));
      CHECK_FALSE(one.deadline());
      CHECK(one.start(t0) == asks(3600, true, true));
    }
  }
  SUBCASE("temporarily: retried with growing pauses") {
    Time now = t0;
    for (const auto pause : {5s, 10s, 20s, 40s, 60s, 60s}) {
      CHECK(subscriber.on_response({.status = 503}, now) == lost);
      CHECK(subscriber.deadline() == now + pause);
      now += pause;
      CHECK(subscriber.on_timer(now) == asks(3600, true, true));
    }
  }
  SUBCASE("Retry-After is respected, whatever the status (RFC 3261 20.33)") {
    subscriber.on_response({.status = 404, .retry_after = 300}, t0);
    CHECK(subscriber.deadline() == t0 + 300s);
  }
  SUBCASE("423 is asked anew with Min-Expires, once (RFC 3261 21.4.17)") {
    CHECK(subscriber.on_response({.status = 423, .min_expires = 7200}, t0) == asks(7200, true));
    SUBCASE("of a server that asks for no more") {
      CHECK(subscriber.on_response({.status = 423, .min_expires = 7200}, t0) == lost);
    }
    SUBCASE("of one that raises its minimum each time") {
      CHECK(subscriber.on_response({.status = 423, .min_expires = 9000}, t0) == lost);
    }
    CHECK(subscriber.state() == State::ended);
  }
}

TEST_CASE("a terminated subscription comes back as its reason says (RFC 6665 4.1.3)") {
  struct Row {
    std::string_view reason;
    std::optional<std::uint32_t> retry_after;
    State then;
    std::chrono::seconds pause;
  };
  const Row rows[] = {
      {"deactivated", {}, State::waiting, 0s},
      {"deactivated", 300, State::waiting, 0s},
      {"timeout", {}, State::waiting, 0s},
      {"probation", {}, State::waiting, 5s},
      {"probation", 300, State::waiting, 300s},
      {"giveup", {}, State::waiting, 5s},
      {"giveup", 300, State::waiting, 300s},
      {"rejected", 300, State::ended, 0s},
      {"noresource", {}, State::ended, 0s},
      {"invariant", 300, State::ended, 0s},
      {"", {}, State::waiting, 0s},
      {"unheard-of", 300, State::waiting, 300s},
  };
  const Time later = t0 + 100s;
  for (const auto& row : rows) {
    CAPTURE(row.reason);
    auto subscriber = active();
    CHECK(subscriber.on_notify(terminated(row.reason, row.retry_after), later) == lost);
    CHECK(subscriber.state() == row.then);
    CHECK(subscriber.reason() == (row.reason.empty() ? "terminated" : row.reason));
    CHECK_FALSE(subscriber.is_open());
    if (row.then == State::waiting) CHECK(subscriber.deadline() == later + row.pause);
    if (row.then == State::ended) CHECK_FALSE(subscriber.deadline());
  }
}

TEST_CASE("a server that ends each subscription at once does not make us ask in a loop") {
  auto subscriber = active();
  Time now = t0 + 100s;
  for (const auto pause : {0s, 10s, 20s, 40s, 60s}) {
    CAPTURE(pause.count());
    CHECK(subscriber.on_notify(terminated("deactivated"), now) == lost);
    CHECK(subscriber.deadline() == now + pause);
    now += pause;
    subscriber.on_timer(now);
    subscriber.on_response(ok(), now);
    subscriber.on_notify(state("active"), now);
  }
  SUBCASE("after a subscription that lasted the pauses start over") {
    now += 60s;
    subscriber.on_notify(terminated("deactivated"), now);
    CHECK(subscriber.deadline() == now);
  }
}

TEST_CASE("unsubscribing waits for the last NOTIFY (RFC 6665 4.1.2.3)") {
  auto subscriber = active();

  SUBCASE("SUBSCRIBE with Expires 0 inside the dialog") {
    CHECK(subscriber.stop(t0 + 1s) == asks(0, false, true));
    SUBCASE("204: no NOTIFY follows (RFC 5839 5.7)") {
      CHECK(subscriber.on_response({.status = 204}, t0 + 1s) == lost);
      CHECK(subscriber.state() == State::ended);
      CHECK(subscriber.reason() == "stopped");
      return;
    }
    CHECK(subscriber.state() == State::stopping);
    CHECK(subscriber.stop(t0 + 1s) == nothing);
    SUBCASE("2xx, then the NOTIFY") {
      CHECK(subscriber.on_response(ok(0), t0 + 2s) == nothing);
      CHECK(subscriber.on_notify(state("active"), t0 + 2s) == nothing);
      CHECK(subscriber.on_notify(terminated("timeout"), t0 + 3s) == lost);
      CHECK(subscriber.reason() == "stopped");
      CHECK(subscriber.state() == State::ended);
    }
    SUBCASE("the NOTIFY first") {
      CHECK(subscriber.on_notify(terminated("timeout"), t0 + 3s) == lost);
      CHECK(subscriber.on_response(ok(0), t0 + 4s) == nothing);
    }
    SUBCASE("no NOTIFY within timer N") {
      subscriber.on_response(ok(0), t0 + 2s);
      CHECK(subscriber.deadline() == t0 + 34s);
      CHECK(subscriber.on_timer(t0 + 34s) == lost);
      CHECK(subscriber.state() == State::ended);
    }
    SUBCASE("refused: over all the same") {
      CHECK(subscriber.on_response({.status = 481}, t0 + 2s) == lost);
      CHECK(subscriber.state() == State::ended);
    }
  }
  SUBCASE("while a refresh is in flight it waits for that") {
    subscriber.on_timer(t0 + 3240s);
    CHECK(subscriber.stop(t0 + 3240s) == changed);
    CHECK(subscriber.on_response(ok(), t0 + 3241s) == asks(0, false));
    CHECK(subscriber.on_notify(terminated("timeout"), t0 + 3242s) == lost);
  }
  SUBCASE("and goes out even when that was refused, since the dialog lives") {
    subscriber.on_timer(t0 + 3240s);
    subscriber.stop(t0 + 3240s);
    CHECK(subscriber.on_response({.status = 503}, t0 + 3241s) == asks(0, false));
  }
  SUBCASE("before the first answer") {
    Subscriber fresh(config);
    fresh.start(t0);
    CHECK(fresh.stop(t0) == changed);
    SUBCASE("2xx: there is something to end") { CHECK(fresh.on_response(ok(), t0) == asks(0, false)); }
    SUBCASE("a refusal: there is nothing") {
      CHECK(fresh.on_response({.status = 503}, t0) == lost);
      CHECK(fresh.state() == State::ended);
    }
  }
  SUBCASE("between 2xx and the first NOTIFY") {
    Subscriber fresh(config);
    fresh.start(t0);
    fresh.on_response(ok(), t0);
    CHECK(fresh.stop(t0) == asks(0, false, true));
  }
  SUBCASE("while waiting, or before the start, nothing is sent") {
    subscriber.on_notify(terminated("probation"), t0);
    CHECK(subscriber.stop(t0) == changed);
    CHECK(subscriber.state() == State::ended);
    CHECK_FALSE(subscriber.deadline());
    Subscriber idle(config);
    CHECK(idle.stop(t0) == changed);
  }
}

TEST_CASE("the user may ask for full state at any time") {
  auto subscriber = active();
  CHECK(subscriber.refresh(t0 + 1s) == asks(3600, false));
  SUBCASE("once more when one is in flight") {
    CHECK(subscriber.refresh(t0 + 1s) == nothing);
    CHECK(subscriber.refresh(t0 + 1s) == nothing);
    CHECK(subscriber.on_response(ok(), t0 + 2s) == asks(3600, false));
    CHECK(subscriber.on_response(ok(), t0 + 3s) == nothing);
  }
  SUBCASE("while waiting it tries at once") {
    subscriber.on_response(ok(), t0 + 1s);
    subscriber.on_notify(terminated("probation"), t0 + 2s);
    CHECK(subscriber.refresh(t0 + 3s) == asks(3600, true, true));
  }
  SUBCASE("before the start and after the end it does nothing") {
    Subscriber idle(config);
    CHECK(idle.refresh(t0) == nothing);
  }
}

TEST_CASE("a fetch is one SUBSCRIBE with Expires 0 and one NOTIFY (RFC 6665 4.4.3)") {
  Subscriber subscriber({.expires = 0s});
  CHECK(subscriber.start(t0) == asks(0, true, true));
  CHECK(subscriber.on_response(ok(0), t0) == nothing);
  CHECK(subscriber.on_notify(terminated("timeout"), t0) == lost);
  CHECK(subscriber.state() == State::ended);
  CHECK(subscriber.reason() == "timeout");
}

TEST_CASE("messages of a subscription that has ended are ignored") {
  auto subscriber = active();
  subscriber.on_timer(t0 + 3240s);
  CHECK(subscriber.on_notify(terminated("deactivated"), t0 + 3240s) == lost);

  SUBCASE("the new SUBSCRIBE waits for the answer to the old one, which means nothing any more") {
    CHECK_FALSE(subscriber.deadline());
    CHECK(subscriber.on_timer(t0 + 3241s) == nothing);
    CHECK(subscriber.on_response({.status = 481}, t0 + 3242s) == nothing);
    CHECK(subscriber.deadline() == t0 + 3240s);
    CHECK(subscriber.on_timer(t0 + 3242s) == asks(3600, true, true));
  }
  SUBCASE("a NOTIFY gets no state through") {
    CHECK(subscriber.on_notify(state("active"), t0 + 3241s) == nothing);
    CHECK(subscriber.state() == State::waiting);
  }
  SUBCASE("started again before the old answer: sent after it") {
    subscriber.stop(t0 + 3241s);
    CHECK(subscriber.start(t0 + 3242s) == changed);
    CHECK_FALSE(subscriber.deadline());
    subscriber.on_response({.status = 481}, t0 + 3243s);
    CHECK(subscriber.on_timer(t0 + 3243s) == asks(3600, true, true));
  }
}
