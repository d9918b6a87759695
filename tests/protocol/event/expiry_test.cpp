#include "protocol/event/expiry.hpp"

#include <doctest/doctest.h>

using namespace beckon;
using namespace beckon::event;

TEST_CASE("a lifetime is granted, cut, or refused as too brief (RFC 6665 4.2.1.1, RFC 3903 6)") {
  const Expiry expiry{.min = 60s, .standard = 3600s, .max = 7200s};
  CHECK(expiry.grant(std::nullopt) == 3600s);
  CHECK(expiry.grant(600) == 600s);
  CHECK(expiry.grant(7200) == 7200s);
  CHECK(expiry.grant(7201) == 7200s);
  CHECK(expiry.grant(4294967295) == 7200s);
  CHECK(expiry.grant(60) == 60s);
  CHECK(expiry.grant(59) == std::nullopt);
  CHECK(expiry.grant(1) == std::nullopt);
  CHECK(expiry.grant(0) == 0s);

  SUBCASE("an hour or more is never too brief") {
    const Expiry slow{.min = 7200s, .standard = 7200s, .max = 86400s};
    CHECK(slow.grant(3599) == std::nullopt);
    CHECK(slow.grant(3600) == 3600s);
  }
}

TEST_CASE("clients refresh a tenth and at least a timeout before the end, not before the half") {
  const Time t0{};
  CHECK(refresh_time(t0, 3600s) == t0 + 3240s);
  CHECK(refresh_time(t0, 320s) == t0 + 288s);
  CHECK(refresh_time(t0, 100s) == t0 + 68s);
  CHECK(refresh_time(t0, 60s) == t0 + 30s);
  CHECK(refresh_time(t0, 0s) == t0);
}

TEST_CASE("pauses double up to a bound, and start over after a success") {
  Backoff backoff(5s, 60s);
  for (const auto pause : {5s, 10s, 20s, 40s, 60s, 60s}) CHECK(backoff.next() == pause);
  for (int i = 0; i < 1000; ++i) backoff.next();
  CHECK(backoff.next() == 60s);
  backoff.reset();
  CHECK(backoff.next() == 5s);
}

TEST_CASE("some refusals are temporary, others permanent") {
  for (const int status : {408, 480, 481, 491, 500, 503, 504, 580}) {
    CAPTURE(status);
    CHECK(may_retry(status));
  }
  for (const int status : {302, 400, 401, 403, 404, 405, 410, 415, 420, 489, 501, 505, 513, 603, 604}) {
    CAPTURE(status);
    CHECK_FALSE(may_retry(status));
  }
}
