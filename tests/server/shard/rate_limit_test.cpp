#include "server/shard/rate_limit.hpp"

#include <doctest/doctest.h>

using namespace beckon;
using namespace beckon::server;
using Verdict = RateLimit::Verdict;

namespace {

struct Fixture {
  Fixture() { limit.set(10, 5); }
  SeededRandom random{1};
  RateLimit limit{random, 8};
  Time now = Time{} + 1000s;
  IpAddress source = *parse_ip("192.0.2.1");

  /// How many of `count` pass.
  int take(int count, const IpAddress& from) {
    int passed = 0;
    for (int i = 0; i < count; ++i) passed += limit.take(from, now) == Verdict::pass ? 1 : 0;
    return passed;
  }
};

IpAddress numbered(int i) { return *parse_ip("198.51.100." + std::to_string(i)); }

}  // namespace

TEST_CASE_FIXTURE(Fixture,
                  "a burst passes, one more does not; the first request over the limit is reported as such") {
  CHECK(take(5, source) == 5);
  CHECK(limit.take(source, now) == Verdict::first_over);
  CHECK(limit.take(source, now) == Verdict::over);
  CHECK(take(1, numbered(2)) == 1);
}

TEST_CASE_FIXTURE(Fixture, "tokens flow in one by one, and no more than a burst of them") {
  CHECK(take(6, source) == 5);
  now += 100ms - 1us;
  CHECK(take(1, source) == 0);
  now += 1us;
  CHECK(take(2, source) == 1);
  now += 1h;
  CHECK(take(9, source) == 5);
  CHECK(limit.take(source, now) == Verdict::over);
}

TEST_CASE_FIXTURE(Fixture, "a source is reported again only after it was calm") {
  CHECK(take(5, source) == 5);
  CHECK(limit.take(source, now) == Verdict::first_over);
  now += 400ms;
  CHECK(take(4, source) == 4);
  CHECK(limit.take(source, now) == Verdict::over);
  now += 500ms;
  CHECK(take(5, source) == 5);
  CHECK(limit.take(source, now) == Verdict::first_over);
}

TEST_CASE_FIXTURE(Fixture, "an IPv6 source is its /64") {
  CHECK(take(9, *parse_ip("2001:db8:0:1::1")) == 5);
  CHECK(take(1, *parse_ip("2001:db8:0:1:ffff::2")) == 0);
  CHECK(take(1, *parse_ip("2001:db8:0:2::1")) == 1);
}

TEST_CASE_FIXTURE(Fixture, "charges go into debt, as deep as a burst") {
  for (int i = 0; i < 9; ++i) limit.charge(source, now);
  CHECK_FALSE(limit.is_deep_over(source, now));
  limit.charge(source, now);
  CHECK(limit.is_deep_over(source, now));
  limit.charge(source, now);
  now += 100ms;
  CHECK_FALSE(limit.is_deep_over(source, now));
  CHECK(take(1, source) == 0);
  now += 500ms;
  CHECK(take(1, source) == 1);
  CHECK_FALSE(limit.is_deep_over(numbered(9), now));
}

TEST_CASE_FIXTURE(Fixture, "in a full table the calmest source gives way, the loud ones stay") {
  for (int i = 1; i <= 8; ++i) CHECK(take(i == 8 ? 1 : 6, numbered(i)) == (i == 8 ? 1 : 5));
  CHECK(take(6, numbered(9)) == 5);  // takes the place of 8
  for (int i = 1; i <= 7; ++i) CHECK(take(1, numbered(i)) == 0);
  CHECK(take(1, numbered(9)) == 0);
}
