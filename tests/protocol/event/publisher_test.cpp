#include "protocol/event/publisher.hpp"

#include <doctest/doctest.h>

using namespace beckon;
using namespace beckon::event;
using State = Publisher::State;
using Actions = Publisher::Actions;
using Request = Publisher::Request;

namespace {

constexpr Time t0{};
constexpr Publisher::Config config{.expires = 3600s, .first_retry = 5s, .max_retry = 60s};
const SharedText open = share("open");
const SharedText busy = share("busy");
const SharedText away = share("away");

Publisher::Response ok(std::string_view etag, std::uint32_t expires = 3600) {
  return {.status = 200, .etag = std::string(etag), .expires = expires};
}

/// "open" is published under e1 since t0 for an hour.
Publisher published() {
  Publisher publisher(config);
  publisher.publish(open, t0);
  publisher.on_response(ok("e1"), t0);
  return publisher;
}

}  // namespace

TEST_CASE("the initial PUBLISH has a body and no SIP-If-Match (RFC 3903 4.2)") {
  Publisher publisher(config);
  CHECK(publisher.publish(open, t0) == Actions{.state_changed = true, .request = Request{{}, 3600, open}});
  CHECK(publisher.state() == State::sending);
  CHECK(publisher.on_response(ok("e1"), t0) == Actions{.state_changed = true});
  CHECK(publisher.state() == State::published);
  CHECK(publisher.etag() == "e1");
}

TEST_CASE("a publication is refreshed without body before the granted end (RFC 3903 4.3)") {
  auto publisher = published();
  CHECK(publisher.deadline() == t0 + 3240s);
  CHECK(publisher.on_timer(t0 + 3239s) == Actions{});
  CHECK(publisher.on_timer(t0 + 3240s) ==
        Actions{.state_changed = true, .request = Request{"e1", 3600, nullptr}});
  publisher.on_response(ok("e2", 600), t0 + 3240s);
  CHECK(publisher.etag() == "e2");
  CHECK(publisher.deadline() == t0 + 3780s);  // the server granted less

  SUBCASE("COMPAT: a 2xx without Expires grants what was asked for") {
    publisher.on_timer(t0 + 3780s);
    publisher.on_response({.status = 200, .etag = "e3"}, t0 + 3780s);
    CHECK(publisher.deadline() == t0 + 3780s + 3240s);
  }
}

TEST_CASE(
    "a new document modifies it; one PUBLISH at a time, the newest document afterwards (RFC 3903 4.4, 4)") {
  auto publisher = published();
  CHECK(publisher.publish(busy, t0 + 1s) ==
        Actions{.state_changed = true, .request = Request{"e1", 3600, busy}});
  CHECK(publisher.publish(open, t0 + 2s) == Actions{});
  CHECK(publisher.publish(away, t0 + 3s) == Actions{});
  CHECK(publisher.on_response(ok("e2"), t0 + 4s) == Actions{.request = Request{"e2", 3600, away}});
  CHECK(publisher.on_response(ok("e3"), t0 + 5s) == Actions{.state_changed = true});
}

TEST_CASE("removing has no body and Expires 0 (RFC 3903 4.5)") {
  SUBCASE("of what is published") {
    auto publisher = published();
    CHECK(publisher.remove(t0 + 1s) == Actions{.state_changed = true, .request = Request{"e1", 0, nullptr}});
    CHECK(publisher.on_response(ok("e2", 0), t0 + 2s) == Actions{.state_changed = true});
    CHECK(publisher.state() == State::idle);
    CHECK_FALSE(publisher.deadline());
    CHECK(publisher.publish(open, t0 + 3s).request == Request{{}, 3600, open});
  }
  SUBCASE("of what is just being published") {
    Publisher publisher(config);
    publisher.publish(open, t0);
    CHECK(publisher.remove(t0) == Actions{});
    CHECK(publisher.on_response(ok("e1"), t0) == Actions{.request = Request{"e1", 0, nullptr}});
  }
  SUBCASE("of nothing") {
    Publisher publisher(config);
    CHECK(publisher.remove(t0) == Actions{});
    CHECK(publisher.state() == State::idle);
  }
  SUBCASE("published again while the removal is in flight") {
    auto publisher = published();
    publisher.remove(t0);
    publisher.publish(busy, t0);
    CHECK(publisher.on_response(ok("e2", 0), t0) == Actions{.request = Request{{}, 3600, busy}});
  }
  SUBCASE("refused for good: it goes when its lifetime ends") {
    auto publisher = published();
    publisher.remove(t0);
    CHECK(publisher.on_response({.status = 403}, t0) == Actions{.state_changed = true});
    CHECK(publisher.state() == State::idle);
  }
  SUBCASE("of a publication that the server has lost (412)") {
    auto publisher = published();
    publisher.remove(t0);
    CHECK(publisher.on_response({.status = 412}, t0) == Actions{.state_changed = true});
    CHECK(publisher.state() == State::idle);
  }
}

TEST_CASE(
    "412: the server lost the publication, so it is published anew with the newest document (RFC 3903 4.3)") {
  auto publisher = published();
  publisher.on_timer(t0 + 3240s);

  SUBCASE("the same document") {
    CHECK(publisher.on_response({.status = 412}, t0) == Actions{.request = Request{{}, 3600, open}});
  }
  SUBCASE("a newer one given meanwhile") {
    publisher.publish(busy, t0);
    CHECK(publisher.on_response({.status = 412}, t0) == Actions{.request = Request{{}, 3600, busy}});
  }
  SUBCASE("412 to an initial PUBLISH makes no loop") {
    publisher.on_response({.status = 412}, t0);
    CHECK(publisher.on_response({.status = 412}, t0) == Actions{.state_changed = true});
    CHECK(publisher.state() == State::failed);
  }
}

TEST_CASE("423: Expires is raised to Min-Expires, once (RFC 3903 4.2, RFC 3261 21.4.17)") {
  Publisher publisher({.expires = 60s});
  publisher.publish(open, t0);
  CHECK(publisher.on_response({.status = 423, .min_expires = 300}, t0) ==
        Actions{.request = Request{{}, 300, open}});

  SUBCASE("it stays raised") {
    publisher.on_response(ok("e1", 300), t0);
    CHECK(publisher.publish(busy, t0).request == Request{"e1", 300, busy});
  }
  SUBCASE("no loop with a server that keeps answering 423") {
    CHECK(publisher.on_response({.status = 423, .min_expires = 300}, t0) == Actions{.state_changed = true});
    CHECK(publisher.state() == State::failed);
  }
  SUBCASE("nor with one that raises its minimum each time") {
    CHECK(publisher.on_response({.status = 423, .min_expires = 600}, t0) == Actions{.state_changed = true});
    CHECK(publisher.publish(busy, t0).request == Request{{}, 300, busy});
    CHECK(publisher.on_response({.status = 423, .min_expires = 600}, t0).request == Request{{}, 600, busy});
  }
  SUBCASE("nor with a server that gives no Min-Expires") {
    CHECK(publisher.on_response({.status = 423}, t0) == Actions{.state_changed = true});
    CHECK(publisher.status() == 423);
  }
}

TEST_CASE("a temporary refusal is retried with growing pauses and the newest document") {
  auto publisher = published();
  publisher.publish(busy, t0);
  CHECK(publisher.on_response({.status = 503}, t0) == Actions{.state_changed = true});
  CHECK(publisher.state() == State::waiting);
  CHECK(publisher.deadline() == t0 + 5s);
  CHECK(publisher.publish(away, t0 + 1s) == Actions{});
  CHECK(publisher.on_timer(t0 + 5s) == Actions{.state_changed = true, .request = Request{"e1", 3600, away}});
  publisher.on_response({.status = 408}, t0 + 5s);
  CHECK(publisher.deadline() == t0 + 15s);

  SUBCASE("Retry-After is respected") {
    publisher.on_timer(t0 + 15s);
    publisher.on_response({.status = 503, .retry_after = 120}, t0 + 15s);
    CHECK(publisher.deadline() == t0 + 135s);
  }
  SUBCASE("republish does not wait: the network came back") {
    CHECK(publisher.republish(t0 + 6s).request == Request{"e1", 3600, away});
  }
  SUBCASE("a removal waits for its turn") {
    CHECK(publisher.remove(t0 + 6s) == Actions{});
    CHECK(publisher.on_timer(t0 + 15s).request == Request{"e1", 0, nullptr});
  }
  SUBCASE("a success resets the pauses") {
    publisher.on_timer(t0 + 15s);
    publisher.on_response(ok("e2"), t0 + 15s);
    publisher.publish(busy, t0 + 16s);
    publisher.on_response({.status = 503}, t0 + 16s);
    CHECK(publisher.deadline() == t0 + 21s);
  }
}

TEST_CASE("a removal before anything was published needs no request") {
  Publisher publisher(config);
  publisher.publish(open, t0);
  publisher.on_response({.status = 503}, t0);
  CHECK(publisher.remove(t0 + 1s) == Actions{.state_changed = true});
  CHECK(publisher.state() == State::idle);
}

TEST_CASE("after a permanent refusal nothing is sent until the user asks again") {
  Publisher publisher(config);
  publisher.publish(open, t0);
  CHECK(publisher.on_response({.status = 403}, t0) == Actions{.state_changed = true});
  CHECK(publisher.state() == State::failed);
  CHECK(publisher.status() == 403);
  CHECK_FALSE(publisher.deadline());
  CHECK(publisher.publish(busy, t0 + 9s).request == Request{{}, 3600, busy});
}

TEST_CASE("republish sends the whole document under its entity-tag") {
  auto publisher = published();
  CHECK(publisher.republish(t0 + 1s).request == Request{"e1", 3600, open});
  CHECK(publisher.republish(t0 + 1s) == Actions{});
  CHECK(publisher.on_response(ok("e2"), t0 + 2s).request == Request{"e2", 3600, open});
  CHECK(Publisher(config).republish(t0) == Actions{});
}

TEST_CASE("responses to no request in flight are ignored") {
  auto publisher = published();
  CHECK(publisher.on_response({.status = 412}, t0) == Actions{});
  CHECK(publisher.etag() == "e1");
}
