#include "server/store/recent.hpp"

#include <doctest/doctest.h>

#include <string>

using beckon::store::Recent;

namespace {

std::string name(int number) { return "user-" + std::to_string(number); }

/// Asks for it as a store does: what is not known is looked up and put. True: it was known.
bool ask(Recent<int>& recent, int number) {
  if (const int* known = recent.find(name(number))) {
    CHECK(*known == number);
    return true;
  }
  recent.put(name(number), number);
  return false;
}

int count_known(Recent<int>& recent, int from, int to) {
  int known = 0;
  for (int each = from; each < to; ++each) known += ask(recent, each);
  return known;
}

}  // namespace

TEST_CASE("as many as half of its size, asked for in turn, all stay") {
  Recent<int> recent(100);
  CHECK(count_known(recent, 0, 50) == 0);
  for (int round = 0; round < 5; ++round) CHECK(count_known(recent, 0, 50) == 50);
}

TEST_CASE("what is asked for often stays while others come and go; the others are forgotten") {
  Recent<int> recent(100);
  ask(recent, 0);
  for (int other = 1; other < 1000; ++other) {
    ask(recent, other);
    CHECK(ask(recent, 0));
  }
  int known = 0;
  for (int other = 1; other < 1000; ++other) known += recent.find(name(other)) != nullptr;
  CHECK(known <= 100);
  CHECK(known >= 49);
}

TEST_CASE("cleared, it knows nothing") {
  Recent<int> recent(4);
  count_known(recent, 0, 4);
  recent.clear();
  CHECK(count_known(recent, 0, 2) == 0);
}
