#include "protocol/locate/cache.hpp"

#include <doctest/doctest.h>

#include "tests/protocol/locate/zone.hpp"

using namespace beckon;
using namespace beckon::locate;
using namespace beckon::locate::test;

namespace {

const Time t0{1000s};
const Question question{"example.org", Type::a};

Answer nothing(Duration ttl) { return {.kind = Answer::Kind::no_name, .ttl = ttl}; }

}  // namespace

TEST_CASE("an answer is kept for its TTL and not longer") {
  Cache cache;
  cache.put(question, addresses({"192.0.2.1"}, 60s), t0);
  CHECK(cache.find(question, t0 + 59s) == addresses({"192.0.2.1"}, 60s));
  CHECK_FALSE(cache.find(question, t0 + 60s).has_value());
  CHECK_FALSE(cache.find({"example.org", Type::aaaa}, t0).has_value());
}

TEST_CASE("an answer with TTL zero is not kept, and removes what was kept before") {
  Cache cache;
  cache.put(question, addresses({"192.0.2.1"}, 60s), t0);
  cache.put(question, addresses({"192.0.2.2"}, 0s), t0 + 1s);
  CHECK_FALSE(cache.find(question, t0 + 1s).has_value());
  CHECK(cache.size() == 0);
}

TEST_CASE(
    "a long TTL is capped, that of a negative answer lower (RFC 2181 8, RFC 2308 5); a failure is kept "
    "briefly") {
  Cache cache({.entries = 10, .longest = 100s, .longest_nothing = 50s, .failed = 5s});
  cache.put(question, addresses({"192.0.2.1"}, 1000000s), t0);
  CHECK(cache.find(question, t0 + 99s).has_value());
  CHECK_FALSE(cache.find(question, t0 + 100s).has_value());
  cache.put(question, nothing(1000000s), t0);
  CHECK(cache.find(question, t0 + 49s)->kind == Answer::Kind::no_name);
  CHECK_FALSE(cache.find(question, t0 + 50s).has_value());
  cache.put(question, Answer{}, t0);
  CHECK(cache.find(question, t0 + 4s)->kind == Answer::Kind::failed);
  CHECK_FALSE(cache.find(question, t0 + 5s).has_value());
}

TEST_CASE("the cache is bounded: at the limit all are kept, past it the one that ends first goes") {
  Cache cache({.entries = 3});
  const auto name = [](int i) { return Question{"h" + std::to_string(i), Type::a}; };
  cache.put(name(1), addresses({"192.0.2.1"}, 30s), t0);
  cache.put(name(2), addresses({"192.0.2.1"}, 10s), t0);
  cache.put(name(3), addresses({"192.0.2.1"}, 20s), t0);
  CHECK(cache.size() == 3);
  cache.put(name(4), addresses({"192.0.2.1"}, 40s), t0);
  CHECK(cache.size() == 3);
  CHECK_FALSE(cache.find(name(2), t0).has_value());
  CHECK(cache.find(name(1), t0).has_value());
  cache.put(name(5), addresses({"192.0.2.1"}, 40s), t0 + 35s);  // 1 and 3 are over by then
  CHECK(cache.size() == 2);
}
