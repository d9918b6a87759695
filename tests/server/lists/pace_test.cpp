#include "tests/server/lists/street.hpp"

using namespace beckon;
using namespace beckon::server;
using namespace beckon::server::test;
using namespace std::chrono_literals;
using sip::HeaderId;

// Conditions and rates of watchers (RFC 5839, RFC 6446), for lists.

namespace {

struct Watched {
  explicit Watched(const std::string& event = "presence") {
    street.publish(bob, "one");
    street.put(alice, "rls-services/index", services(service(friends, {bob, carol})));
    CHECK(street.subscribe(friends, Street::supported(), {}, event).status() == 200);
    street.listed.clear();
  }
  /// NOTIFYs within the time.
  std::size_t within(Duration time) {
    const std::size_t before = street.listed.size();
    street.pass(time);
    return street.listed.size() - before;
  }
  std::vector<std::string> with(const std::string& line) {
    auto lines = Street::supported();
    lines.push_back(line);
    return lines;
  }
  Street street{2};
};

}  // namespace

TEST_CASE("max-rate: changes of several members go out together, in one partial document (RFC 6446 5.4)") {
  Watched watched("presence;max-rate=0.05");
  Street& street = watched.street;
  street.publish(bob, "two");
  street.publish(carol, "three");
  street.publish(bob, "four");
  CHECK(street.listed.empty());
  CHECK(watched.within(20s) == 1);
  CHECK(street.copy.full == 1);
  CHECK(street.copy.partial == 1);
  CHECK(street.copy.note(bob) == "four");
  CHECK(street.copy.note(carol) == "three");
  CHECK(street.listed.back().header(HeaderId::subscription_state).find(";max-rate=0.05") !=
        std::string::npos);

  SUBCASE("what follows a SUBSCRIBE does not wait") {
    street.publish(bob, "five");
    CHECK(street.listed.size() == 1);
    CHECK(street.refresh(600, Street::supported(), {}, "presence;max-rate=0.05").status() == 200);
    CHECK(street.listed.size() == 2);
    CHECK(street.copy.note(bob) == "five");
  }
  SUBCASE("whoever blocks the watcher is gone from the next one, and is in none before it") {
    street.put(bob, "pres-rules/index", rules(alice, "block"));
    CHECK(street.listed.size() == 1);
    CHECK(watched.within(20s) == 1);
    CHECK(street.copy.state(bob) == "terminated;rejected");
  }
}

TEST_CASE("min-rate: without changes all of the list goes out, with a version that rises (RFC 6446 6)") {
  Watched watched("presence;min-rate=0.05");
  const auto version = watched.street.copy.version;
  CHECK(watched.within(99s) == 4);
  CHECK(watched.street.copy.version == *version + 4);
  CHECK(watched.street.copy.rows.size() == 2);
  CHECK(watched.street.copy.note(bob) == "one");
}

TEST_CASE("a list has no entity-tag, and a condition on one is false (RFC 5839 4)") {
  Watched watched;
  Street& street = watched.street;
  CHECK(street.refresh(600, watched.with("Suppress-If-Match: 12345678")).status() == 200);
  REQUIRE(street.listed.size() == 1);
  CHECK_FALSE(street.listed.back().has(HeaderId::sip_etag));
  CHECK(street.copy.full == 2);
}

TEST_CASE("\"Suppress-If-Match: *\" silences a list, until a SUBSCRIBE without it (RFC 5839 6.4)") {
  Watched watched;
  Street& street = watched.street;
  CHECK(street.refresh(600, watched.with("Suppress-If-Match: *")).status() == 204);
  street.publish(bob, "two");
  street.put(alice, "rls-services/index", services(service(friends, {bob, dave})));
  CHECK(watched.within(60s) == 0);
  CHECK(street.refresh(600).status() == 200);
  CHECK(street.copy.full == 2);
  CHECK(street.copy.note(bob) == "two");
  CHECK(street.copy.state(carol) == "absent");
  CHECK(street.copy.state(dave) == "active");
}
