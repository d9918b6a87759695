#include "server/proxy/fork.hpp"

#include <doctest/doctest.h>

#include <vector>

using beckon::server::proxy::Fork;

TEST_CASE("provisional responses go back at once, 100 does not (RFC 3261 16.7 step 5)") {
  Fork fork(true);
  const auto branch = fork.add();
  CHECK(fork.on_response(branch, 100) == Fork::Actions{});
  CHECK(fork.on_response(branch, 180) == Fork::Actions{.forward_now = true});
}

TEST_CASE("a 2xx goes back at once and cancels the other branches (RFC 3261 16.7 step 10)") {
  Fork fork(true);
  const auto first = fork.add();
  const auto second = fork.add();
  CHECK(fork.on_response(first, 200) == Fork::Actions{.forward_now = true, .cancel_others = true});
  SUBCASE("the 487 that comes of it stays here") { CHECK(fork.on_response(second, 487) == Fork::Actions{}); }
  SUBCASE("a second 2xx to INVITE is a dialog of its own") {
    CHECK(fork.on_response(second, 200) == Fork::Actions{.forward_now = true});
  }
}

TEST_CASE("only the first 2xx of another method goes back (RFC 3261 16.7 step 5)") {
  Fork fork(false);
  const auto first = fork.add();
  const auto second = fork.add();
  CHECK(fork.on_response(first, 200).forward_now);
  CHECK_FALSE(fork.on_response(second, 202).forward_now);
}

TEST_CASE("a 6xx waits for the others to end, and cancels them") {
  Fork fork(true);
  const auto first = fork.add();
  const auto second = fork.add();
  CHECK(fork.on_response(first, 603) == Fork::Actions{.cancel_others = true});
  CHECK(fork.on_response(second, 487) == Fork::Actions{.send_best = true});
  CHECK(fork.best() == first);
  CHECK(fork.best_status() == 603);
}

TEST_CASE("the best of the refusals goes back when all have come (RFC 3261 16.7 step 6)") {
  struct Row {
    std::vector<int> statuses;
    int best;
  };
  const Row rows[] = {{{486}, 486},      {{500, 404}, 404}, {{404, 302}, 302},     {{480, 603, 302}, 603},
                      {{480, 407}, 407}, {{415, 486}, 415}, {{408, 480, 486}, 408}};
  for (const Row& row : rows) {
    CAPTURE(row.best);
    Fork fork(false);
    for (std::size_t i = 0; i < row.statuses.size(); ++i) fork.add();
    Fork::Actions last;
    for (std::size_t i = 0; i < row.statuses.size(); ++i) {
      CHECK_FALSE(last.send_best);
      last = fork.on_response(i, row.statuses[i]);
    }
    CHECK(last.send_best);
    CHECK(fork.best_status() == row.best);
    CHECK(row.statuses[fork.best()] == row.best);
  }
}
