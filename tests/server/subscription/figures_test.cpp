#include "server/subscription/figures.hpp"

#include <doctest/doctest.h>

using namespace beckon;
using namespace beckon::server::subscription;

TEST_CASE("the age of the oldest is known, whatever the order in which things end") {
  const Time t0{1000s};
  Ages ages;
  CHECK(ages.oldest(t0) == 0s);
  const auto first = ages.begin(t0), twin = ages.begin(t0 + 900ms);
  const auto later = ages.begin(t0 + 5s);
  CHECK(first != 0);
  CHECK(ages.oldest(t0 + 7s) == 7s);
  ages.end(first);
  CHECK(ages.oldest(t0 + 7s) == 7s);  // its twin is there
  SUBCASE("the older one ends first") {
    ages.end(twin);
    CHECK(ages.oldest(t0 + 7s) == 2s);
    ages.end(later);
  }
  SUBCASE("the younger one ends first") {
    ages.end(later);
    CHECK(ages.oldest(t0 + 8s) == 8s);
    ages.end(twin);
  }
  CHECK(ages.oldest(t0 + 9s) == 0s);
  ages.begin(t0 + 3600s);
  CHECK(ages.oldest(t0 + 3603s) == 3s);
}

TEST_CASE("NOTIFYs are counted by what became of them") {
  NotifyCounters all{.sent = 2, .unanswered = 1};
  all.answers[200] = 1;
  NotifyCounters more{.sent = 3, .unsent = 1};
  more.answers[200] = 2;
  all += more;
  CHECK(all.sent == 5);
  CHECK(all.answers[200] == 3);
  CHECK(all.unanswered == 1);
  CHECK(all.unsent == 1);
}
