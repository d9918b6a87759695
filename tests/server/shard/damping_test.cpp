#include "server/shard/damping.hpp"

#include <doctest/doctest.h>

using namespace beckon;
using namespace beckon::server;
using Of = Damping::Burst::Of;

namespace {

const std::string alice = "sip:alice@example.org";

struct Fixture {
  GuessLimits limits{.free = 3, .pause = 1s, .pause_max = 8s, .memory = 100s, .entries = 4};
  Damping damping{limits};
  Time now = Time{} + 1000s;

  static Damping::Guess from(const char* ip, std::string_view account = alice, bool trusted = false) {
    return {account, *parse_ip(ip), trusted};
  }
  void fail(const Damping::Guess& guess, int times) {
    for (int i = 0; i < times; ++i) (void)damping.wrong(guess, now);
  }
  bool may_try(const Damping::Guess& guess) const { return damping.may_try(guess, now); }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "a pause follows the last free wrong answer, none the one before") {
  const auto guess = from("192.0.2.1");
  fail(guess, 2);
  CHECK(may_try(guess));
  const auto burst = damping.wrong(guess, now);
  REQUIRE(burst.has_value());
  CHECK(burst->of == Of::account);
  CHECK(burst->pause == 1s);
  CHECK_FALSE(may_try(guess));
}

TEST_CASE_FIXTURE(
    Fixture, "each further wrong answer doubles the pause, up to the longest; a burst is reported once") {
  const auto guess = from("192.0.2.1");
  fail(guess, 3);
  for (const auto pause : {Duration(1s), Duration(2s), Duration(4s), Duration(8s), Duration(8s)}) {
    now += pause - 1us;
    CHECK_FALSE(may_try(guess));
    now += 1us;
    CHECK(may_try(guess));
    CHECK_FALSE(damping.wrong(guess, now).has_value());
  }
}

TEST_CASE_FIXTURE(Fixture, "after a quiet time all is forgotten") {
  const auto guess = from("192.0.2.1");
  fail(guess, 2);
  SUBCASE("not yet") {
    now += 100s;
    CHECK(damping.wrong(guess, now).has_value());
  }
  SUBCASE("one past it") {
    now += 100s + 1us;
    CHECK_FALSE(damping.wrong(guess, now).has_value());
  }
}

TEST_CASE_FIXTURE(Fixture, "guesses at one account from many sources are held; other accounts are not") {
  for (const char* ip : {"192.0.2.1", "192.0.2.2", "192.0.2.3"}) fail(from(ip), 1);
  CHECK_FALSE(may_try(from("192.0.2.4")));
  CHECK(may_try(from("192.0.2.4", "sip:bob@example.org")));
}

TEST_CASE_FIXTURE(Fixture, "guesses at many accounts from one source are held; other sources are not") {
  for (const char* name : {"sip:a@x", "sip:b@x", "sip:c@x"}) fail(from("192.0.2.1", name), 1);
  CHECK_FALSE(may_try(from("192.0.2.1")));
  CHECK(may_try(from("192.0.2.2")));
  SUBCASE("but not from a trusted source, which has many users") {
    for (const char* name : {"sip:a@x", "sip:b@x", "sip:c@x"}) fail(from("192.0.2.9", name, true), 1);
    CHECK(may_try(from("192.0.2.9", alice, true)));
  }
}

TEST_CASE_FIXTURE(Fixture, "an IPv6 source is its /64") {
  for (const char* name : {"sip:a@x", "sip:b@x", "sip:c@x"}) fail(from("2001:db8:0:1::1", name), 1);
  CHECK_FALSE(may_try(from("2001:db8:0:1:ffff::2")));
  CHECK(may_try(from("2001:db8:0:2::1")));
}

TEST_CASE_FIXTURE(Fixture, "a device that succeeded lately is not locked out by the guesses of others") {
  const auto device = from("192.0.2.1");
  damping.right(device, now);
  for (const char* ip : {"192.0.2.7", "192.0.2.8", "192.0.2.9"}) fail(from(ip), 1);
  for (const char* name : {"sip:a@x", "sip:b@x", "sip:c@x"}) fail(from("192.0.2.1", name), 1);
  CHECK_FALSE(may_try(from("192.0.2.2")));
  CHECK(may_try(device));

  SUBCASE("it waits for its own mistakes: another device at its address cannot guess at will") {
    fail(device, 3);
    CHECK_FALSE(may_try(device));
    now += 1s;
    CHECK(may_try(device));
  }
  SUBCASE("lately ends") {
    now += Damping::good_for;
    fail(from("192.0.2.2"), 3);
    CHECK(may_try(device));
    now += 1us;
    CHECK_FALSE(may_try(device));
  }
}

TEST_CASE_FIXTURE(Fixture,
                  "a right answer does not reset the count of wrong ones: success with one account allows no "
                  "guesses at others") {
  const auto mallory = from("192.0.2.1", "sip:mallory@example.org");
  fail(from("192.0.2.1"), 2);
  damping.right(mallory, now);
  CHECK(damping.wrong(from("192.0.2.1", "sip:bob@example.org"), now)->of == Of::source);
}

TEST_CASE_FIXTURE(Fixture,
                  "tables are bounded: past the bound the entry that failed longest ago is evicted") {
  Failures failures(limits);
  for (const char* key : {"a", "a", "a", "b", "c", "d"}) (void)failures.count(key, now);
  CHECK(failures.size() == 4);
  CHECK(failures.must_wait("a", now));
  (void)failures.count("e", now);
  CHECK(failures.size() == 4);
  CHECK_FALSE(failures.must_wait("a", now));
}

TEST_CASE_FIXTURE(Fixture, "the table of devices that succeeded is bounded, too: the oldest is evicted") {
  for (const char* ip : {"192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4"}) damping.right(from(ip), now);
  damping.right(from("192.0.2.1"), now);
  damping.right(from("192.0.2.5"), now);
  fail(from("192.0.2.9"), 3);
  CHECK(may_try(from("192.0.2.1")));
  CHECK_FALSE(may_try(from("192.0.2.2")));
  CHECK(may_try(from("192.0.2.5")));
}
