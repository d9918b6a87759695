#include "protocol/event/compositor.hpp"

#include <doctest/doctest.h>

#include <string>
#include <string_view>

using namespace beckon;
using namespace beckon::event;

namespace {

constexpr Time t0{};
constexpr std::uint64_t phone = 7, desk = 8, tablet = 9;

struct Text final : EventState {
  explicit Text(std::string_view t) : text(t) {}
  bool supersedes(const EventState& restored) const override {
    return text == static_cast<const Text&>(restored).text;
  }
  std::string text;
};

using Verdict = Compositor::Plan::Verdict;

struct Fixture {
  Compositor compositor;
  Compositor::Limits limits{.publications = 3, .size = 10};
  std::uint64_t minted = 0;  ///< The last entity-tag.

  /// Plans, and applies what was taken.
  Compositor::Plan publish(std::string_view text, std::optional<std::uint64_t> if_match = {}, Time now = t0,
                           std::uint64_t device = 0, std::chrono::seconds expires = 600s,
                           std::uint32_t size = 1, std::uint8_t package = 0) {
    auto state = text.empty() ? nullptr : std::make_unique<Text>(text);
    const Compositor::Request request{.package = package,
                                      .if_match = if_match,
                                      .state = state.get(),
                                      .size = size,
                                      .expires = expires,
                                      .device = device};
    auto plan = compositor.plan(request, limits, now);
    if (plan.verdict == Verdict::taken) compositor.apply(plan, request, ++minted, std::move(state));
    return plan;
  }
  std::string documents() const {
    std::string all;
    for (const auto& p : compositor.publications())
      all.append(static_cast<const Text&>(*p.state).text).append(" ");
    return all;
  }
};

using Numbers = std::vector<std::uint16_t>;

}  // namespace

TEST_CASE_FIXTURE(Fixture, "an initial PUBLISH makes a publication with a new entity-tag (RFC 3903 6, 4.2)") {
  const auto plan = publish("open");
  CHECK(plan.verdict == Verdict::taken);
  CHECK(plan.changes);
  CHECK_FALSE(plan.removes);
  const auto* made = compositor.find(plan.number);
  REQUIRE(made != nullptr);
  CHECK(made->etag == 1);
  CHECK(made->expires == t0 + 600s);
  CHECK(documents() == "open ");

  SUBCASE("a second device makes a second one") {
    publish("busy");
    CHECK(documents() == "open busy ");
  }
  SUBCASE("without a body it is no publication (RFC 3903 4.2)") {
    CHECK(publish("").verdict == Verdict::no_body);
    CHECK(documents() == "open ");
  }
  SUBCASE("with Expires 0 nothing stays") {
    const auto gone = publish("busy", {}, t0, 0, 0s);
    CHECK(gone.verdict == Verdict::taken);
    CHECK(gone.removes);
    CHECK_FALSE(gone.changes);
    CHECK(documents() == "open ");
  }
}

TEST_CASE_FIXTURE(Fixture, "a plan alone changes nothing") {
  publish("open");
  const Text busy("busy");
  const auto plan = compositor.plan({.if_match = 1, .state = &busy, .size = 1, .expires = 600s}, limits, t0);
  CHECK(plan.changes);
  CHECK(documents() == "open ");
  CHECK(compositor.find(plan.number)->etag == 1);
}

TEST_CASE_FIXTURE(Fixture, "each success takes a new entity-tag; the old one is unknown then (RFC 3903 6)") {
  const auto number = publish("open").number;

  SUBCASE("refresh: the document stays, the lifetime begins anew (RFC 3903 4.3)") {
    const auto plan = publish("", 1, t0 + 100s);
    CHECK(plan.verdict == Verdict::taken);
    CHECK(plan.number == number);
    CHECK_FALSE(plan.changes);
    CHECK(compositor.find(number)->expires == t0 + 700s);
    CHECK(publish("", 1, t0 + 100s).verdict == Verdict::unknown_etag);
    CHECK(publish("", 2, t0 + 100s).verdict == Verdict::taken);
    CHECK(documents() == "open ");
  }
  SUBCASE("modify: the document is replaced (RFC 3903 4.4)") {
    CHECK(publish("busy", 1, t0 + 100s).changes);
    CHECK(documents() == "busy ");
    CHECK(compositor.find(number)->etag == 2);
  }
  SUBCASE("remove (RFC 3903 4.5)") {
    const auto plan = publish("", 1, t0 + 100s, 0, 0s);
    CHECK(plan.verdict == Verdict::taken);
    CHECK(plan.number == number);
    CHECK(plan.changes);
    CHECK(plan.removes);
    CHECK(compositor.empty());
    CHECK(publish("", 2, t0 + 100s).verdict == Verdict::unknown_etag);
  }
  SUBCASE("an unknown entity-tag gets 412, whatever the request (RFC 3903 6 step 4)") {
    CHECK(publish("", 99).verdict == Verdict::unknown_etag);
    CHECK(publish("busy", 99).verdict == Verdict::unknown_etag);
    CHECK(publish("", 99, t0, 0, 0s).verdict == Verdict::unknown_etag);
    CHECK(documents() == "open ");
  }
}

TEST_CASE_FIXTURE(Fixture, "publications expire, each at its time (RFC 3903 6)") {
  const auto one = publish("one", {}, t0, 0, 100s).number;
  const auto two = publish("two", {}, t0, 0, 50s).number;
  CHECK(compositor.deadline() == t0 + 50s);
  CHECK(compositor.expired(t0 + 49s).empty());
  CHECK(compositor.expired(t0 + 50s) == Numbers{two});
  compositor.erase(two);
  CHECK(documents() == "one ");
  CHECK(compositor.deadline() == t0 + 100s);

  SUBCASE("an expired publication is not refreshed, even before it is swept") {
    CHECK(publish("", 1, t0 + 100s).verdict == Verdict::unknown_etag);
  }
  SUBCASE("nothing left, nothing due") {
    compositor.erase(one);
    CHECK_FALSE(compositor.deadline());
  }
}

TEST_CASE_FIXTURE(
    Fixture,
    "at the limit the same device's oldest publication is evicted, then the oldest of all (DESIGN 7)") {
  const auto a = publish("a", {}, t0, phone).number;
  const auto b = publish("b", {}, t0 + 1s, desk).number;
  CHECK(publish("c", {}, t0 + 2s, phone).displaced.empty());

  SUBCASE("the same device's oldest") {
    CHECK(publish("d", {}, t0 + 3s, phone).displaced == Numbers{a});
    CHECK(documents() == "b c d ");
  }
  SUBCASE("for a new device the publication refreshed least recently") {
    publish("", 1, t0 + 3s);
    CHECK(publish("d", {}, t0 + 4s, tablet).displaced == Numbers{b});
    CHECK(documents() == "a c d ");
  }
  SUBCASE("devices without a name are not one device") {
    CHECK(publish("d", {}, t0 + 3s).displaced == Numbers{a});
  }
  SUBCASE("each package has a limit of its own") {
    CHECK(publish("x", {}, t0 + 3s, phone, 600s, 1, 1).displaced.empty());
    compositor.erase(b);
  }
  CHECK(compositor.publications().size() == 3);
}

TEST_CASE_FIXTURE(Fixture, "past the sum of elements a PUBLISH is refused and the state stays (DESIGN 7)") {
  publish("a", {}, t0, 0, 600s, 6);
  CHECK(publish("b", {}, t0, 0, 600s, 4).verdict == Verdict::taken);
  CHECK(publish("c", {}, t0, 0, 600s, 1).verdict == Verdict::over_quota);
  CHECK(publish("a", 1, t0, 0, 600s, 7).verdict == Verdict::over_quota);
  CHECK(documents() == "a b ");
  SUBCASE("a smaller document makes room") {
    CHECK(publish("A", 1, t0, 0, 600s, 5).verdict == Verdict::taken);
    CHECK(publish("c", {}, t0, 0, 600s, 1).verdict == Verdict::taken);
  }
  SUBCASE("so does an evicted publication") {
    publish("c", {}, t0 + 1s, 0, 600s, 0);
    CHECK(publish("d", {}, t0 + 2s, 0, 600s, 6).verdict == Verdict::taken);
    CHECK(documents() == "b c d ");
  }
  SUBCASE("each package counts for itself") {
    CHECK(publish("x", {}, t0, 0, 600s, 10, 1).verdict == Verdict::taken);
  }
  SUBCASE("a refresh and a removal are not refused") {
    CHECK(publish("", 1).verdict == Verdict::taken);
    CHECK(publish("", 3, t0, 0, 0s).verdict == Verdict::taken);
  }
}

TEST_CASE_FIXTURE(Fixture, "an entity-tag of one package is unknown to another") {
  publish("a", {}, t0, 0, 600s, 1, 0);
  CHECK(publish("b", 1, t0, 0, 600s, 1, 1).verdict == Verdict::unknown_etag);
}

TEST_CASE_FIXTURE(Fixture, "a publication restored incomplete is requested again (DESIGN 1.4)") {
  const auto stored = [](std::string_view text) {
    Publication publication;
    publication.state = std::make_unique<Text>(text);
    publication.etag = 90;
    publication.device = phone;
    publication.expires = t0 + 600s;
    publication.size = 1;
    publication.number = 5;
    publication.incomplete = true;
    return publication;
  };
  REQUIRE(compositor.restore(stored("bare"), limits));
  SUBCASE("a refresh is answered 412, and the whole document takes its place") {
    CHECK(publish("", 90, t0, phone).verdict == Verdict::unknown_etag);
    CHECK(publish("whole", {}, t0, phone).displaced == Numbers{5});
    CHECK(documents() == "whole ");
  }
  SUBCASE("also when only the document identifies the device") {
    CHECK(publish("bare", {}, t0).displaced == Numbers{5});
    CHECK(documents() == "bare ");
  }
  SUBCASE("a modification completes it, under its old number") {
    CHECK(publish("whole", 90, t0, phone).number == 5);
    CHECK(publish("", 1, t0, phone).verdict == Verdict::taken);
  }
  SUBCASE("another device leaves it alone") {
    CHECK(publish("other", {}, t0, desk).displaced.empty());
    CHECK(documents() == "bare other ");
  }
  SUBCASE("it may be removed") { CHECK(publish("", 90, t0, phone, 0s).removes); }
  SUBCASE("a number is restored once") {
    CHECK_FALSE(compositor.restore(stored("again"), limits));
    CHECK(documents() == "bare ");
  }
  SUBCASE("what is past the quota is not restored") {
    auto large = stored("large");
    large.number = 6;
    large.size = 10;
    CHECK_FALSE(compositor.restore(std::move(large), limits));
    CHECK(documents() == "bare ");
  }
}

TEST_CASE_FIXTURE(Fixture, "a PUBLISH may tell whose a publication is: that changes the presentity's state") {
  publish("open");
  const auto plan = publish("", 1, t0, desk);
  CHECK(plan.changes);
  CHECK(compositor.publications()[0].device == desk);
  CHECK_FALSE(publish("", 2, t0, desk).changes);
  CHECK_FALSE(publish("", 3).changes);
  CHECK(compositor.publications()[0].device == desk);
}

TEST_CASE_FIXTURE(Fixture,
                  "of publications from one place the new one takes the place of those that it supersedes") {
  publish("a");
  publish("b");
  publish("a");
  const Text text("a");
  const std::vector<std::uint16_t> siblings{1, 2};
  const Compositor::Request request{
      .state = &text, .size = 1, .expires = 600s, .device = desk, .siblings = siblings};
  CHECK(compositor.plan(request, limits, t0).displaced == Numbers{1});
}
