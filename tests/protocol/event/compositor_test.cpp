#include "protocol/event/compositor.hpp"

#include <doctest/doctest.h>

using namespace beckon;
using namespace beckon::event;

namespace {

constexpr Time t0{};

struct Fixture {
  int minted = 0;
  Compositor compositor{{.max_publications = 3}, [this] { return "e" + std::to_string(++minted); }};

  Compositor::Answer publish(std::string_view text, std::string_view if_match = {}, Time now = t0,
                             std::string_view instance = {}, std::chrono::seconds expires = 600s) {
    return compositor.on_publish({.if_match = std::string(if_match),
                                  .content_type = "application/pidf+xml",
                                  .document = text.empty() ? nullptr : share(std::string(text)),
                                  .expires = expires,
                                  .instance = std::string(instance),
                                  .data = "owner"},
                                 now);
  }
  std::string documents() const {
    std::string all;
    for (const auto& publication : compositor.publications()) all.append(*publication.document).append(" ");
    return all;
  }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "an initial PUBLISH makes a publication with a new entity-tag (RFC 3903 6, 4.2)") {
  const auto answer = publish("open");
  CHECK(answer.status == 200);
  CHECK(answer.etag == "e1");
  CHECK(answer.id == "e1");
  CHECK(answer.changed);
  CHECK_FALSE(answer.removed);
  const auto* made = compositor.find("e1");
  REQUIRE(made != nullptr);
  CHECK(*made->document == "open");
  CHECK(made->content_type == "application/pidf+xml");
  CHECK(made->data == "owner");
  CHECK(made->expires == t0 + 600s);

  SUBCASE("a second device makes a second one") {
    publish("busy");
    CHECK(documents() == "open busy ");
  }
  SUBCASE("without a body it is no publication (RFC 3903 4.2)") {
    CHECK(publish("").status == 400);
    CHECK(documents() == "open ");
  }
  SUBCASE("with Expires 0 nothing stays") {
    const auto gone = publish("busy", {}, t0, {}, 0s);
    CHECK(gone.status == 200);
    CHECK(gone.removed);
    CHECK_FALSE(gone.changed);
    CHECK(documents() == "open ");
  }
}

TEST_CASE_FIXTURE(Fixture,
                  "each success mints a new entity-tag; the old one is worth nothing then (RFC 3903 6)") {
  publish("open");

  SUBCASE("refresh: the document stays, the lifetime begins anew (RFC 3903 4.3)") {
    const auto answer = publish("", "e1", t0 + 100s);
    CHECK(answer.status == 200);
    CHECK(answer.etag == "e2");
    CHECK(answer.id == "e1");
    CHECK_FALSE(answer.changed);
    CHECK(compositor.find("e1")->expires == t0 + 700s);
    CHECK(publish("", "e1", t0 + 100s).status == 412);
    CHECK(publish("", "e2", t0 + 100s).etag == "e3");
  }
  SUBCASE("modify: the document is replaced (RFC 3903 4.4)") {
    const auto answer = publish("busy", "e1", t0 + 100s);
    CHECK(answer.status == 200);
    CHECK(answer.changed);
    CHECK(documents() == "busy ");
    CHECK(compositor.find("e1")->etag == "e2");
  }
  SUBCASE("remove (RFC 3903 4.5)") {
    const auto answer = publish("", "e1", t0 + 100s, {}, 0s);
    CHECK(answer.status == 200);
    CHECK(answer.etag == "e2");
    CHECK(answer.id == "e1");
    CHECK(answer.changed);
    CHECK(answer.removed);
    CHECK(compositor.empty());
    CHECK(publish("", "e2", t0 + 100s).status == 412);
  }
  SUBCASE("an unknown one is 412, whatever is asked (RFC 3903 6 step 4)") {
    CHECK(publish("", "nobody").status == 412);
    CHECK(publish("busy", "nobody").status == 412);
    CHECK(publish("", "nobody", t0, {}, 0s).status == 412);
    CHECK(documents() == "open ");
  }
}

TEST_CASE_FIXTURE(Fixture, "publications expire, each at its time (RFC 3903 6)") {
  publish("one", {}, t0, {}, 100s);
  publish("two", {}, t0, {}, 50s);
  CHECK(compositor.deadline() == t0 + 50s);
  CHECK(compositor.expire(t0 + 49s).empty());
  CHECK(compositor.expire(t0 + 50s) == std::vector<std::string>{"e2"});
  CHECK(documents() == "one ");
  CHECK(compositor.deadline() == t0 + 100s);

  SUBCASE("an expired one is not refreshed, though nobody swept yet") {
    CHECK(publish("", "e1", t0 + 100s).status == 412);
  }
  SUBCASE("nothing left, nothing due") {
    compositor.expire(t0 + 100s);
    CHECK_FALSE(compositor.deadline());
  }
}

TEST_CASE_FIXTURE(Fixture, "at the limit the same device's oldest gives way, then the oldest (DESIGN 7)") {
  publish("a", {}, t0, "phone");
  publish("b", {}, t0 + 1s, "desk");
  CHECK(publish("c", {}, t0 + 2s, "phone").displaced.empty());

  SUBCASE("the same instance's oldest") {
    CHECK(publish("d", {}, t0 + 3s, "phone").displaced == std::vector<std::string>{"e1"});
    CHECK(documents() == "b c d ");
  }
  SUBCASE("for a new instance the one silent longest") {
    publish("", "e1", t0 + 3s);
    CHECK(publish("d", {}, t0 + 4s, "tablet").displaced == std::vector<std::string>{"e2"});
    CHECK(documents() == "a c d ");
  }
  SUBCASE("devices without a name are not one device") {
    CHECK(publish("d", {}, t0 + 3s).displaced == std::vector<std::string>{"e1"});
  }
  CHECK(compositor.publications().size() == 3);
}

TEST_CASE_FIXTURE(Fixture, "what came back from the store incomplete is asked for again (DESIGN 1.4)") {
  compositor.restore({.id = "s1",
                      .etag = "s9",
                      .content_type = "application/pidf+xml",
                      .document = share("bare"),
                      .instance = "phone",
                      .data = {},
                      .expires = t0 + 600s,
                      .renewed = t0,
                      .incomplete = true});
  SUBCASE("a refresh is answered 412, and the whole document takes its place") {
    CHECK(publish("", "s9", t0, "phone").status == 412);
    const auto answer = publish("whole", {}, t0, "phone");
    CHECK(answer.displaced == std::vector<std::string>{"s1"});
    CHECK(documents() == "whole ");
  }
  SUBCASE("a modification completes it, under its old id") {
    const auto answer = publish("whole", "s9", t0, "phone");
    CHECK(answer.id == "s1");
    CHECK(publish("", answer.etag, t0, "phone").status == 200);
  }
  SUBCASE("another device leaves it alone") {
    CHECK(publish("other", {}, t0, "desk").displaced.empty());
    CHECK(documents() == "bare other ");
  }
  SUBCASE("it may be removed") { CHECK(publish("", "s9", t0, "phone", 0s).removed); }
  SUBCASE("restoring an id twice keeps one") {
    compositor.restore({.id = "s1",
                        .etag = "s9",
                        .content_type = {},
                        .document = share("again"),
                        .instance = {},
                        .data = {},
                        .expires = t0 + 600s,
                        .renewed = t0});
    CHECK(documents() == "again ");
  }
}

TEST_CASE_FIXTURE(Fixture, "a copy can be changed first and made valid later, when the store has it") {
  publish("open");
  Compositor next = compositor;
  next.on_publish({.if_match = "e1", .content_type = "t", .document = share("busy"), .expires = 600s}, t0);
  CHECK(documents() == "open ");
  compositor = next;
  CHECK(documents() == "busy ");
  CHECK(compositor.erase("e1"));
  CHECK_FALSE(compositor.erase("e1"));
}
