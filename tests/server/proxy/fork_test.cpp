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
  const Row rows[] = {{{486}, 486},           {{500, 404}, 404}, {{404, 302}, 302},
                      {{480, 603, 302}, 603}, {{480, 407}, 407}, {{415, 486}, 415},
                      {{408, 480, 486}, 486}, {{487, 404}, 404}, {{301, 302}, 302}};
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

using Turn = Fork::Turn;

TEST_CASE("branches of one group begin at once and share the breadth evenly (RFC 5393 5.3.3)") {
  Fork fork(true, 5);
  for (int i = 0; i < 2; ++i) fork.add();
  CHECK(fork.next_turn() == Turn{0, 3});
  CHECK(fork.next_turn() == Turn{1, 2});
  CHECK_FALSE(fork.next_turn());
}

TEST_CASE("past the breadth a branch waits until another has ended (RFC 5393 5.5)") {
  Fork fork(true, 2);
  for (int i = 0; i < 3; ++i) fork.add();
  CHECK(fork.next_turn() == Turn{0, 1});
  CHECK(fork.next_turn() == Turn{1, 1});
  CHECK_FALSE(fork.next_turn());
  fork.on_response(1, 486);
  CHECK(fork.next_turn() == Turn{2, 1});
}

TEST_CASE("a group begins when all branches of the one before have ended (RFC 3261 16.6)") {
  Fork fork(true, 60);
  fork.add(0);
  fork.add(500);
  fork.add(0);
  fork.add(900);
  CHECK(fork.next_turn() == Turn{0, 15});
  CHECK(fork.next_turn() == Turn{2, 15});
  CHECK_FALSE(fork.next_turn());
  CHECK(fork.has_waiting_group());
  fork.on_response(0, 486);
  CHECK_FALSE(fork.next_turn());
  SUBCASE("they have refused") {
    fork.on_response(2, 480);
    CHECK(fork.next_turn() == Turn{1, 30});
    CHECK(fork.group() == 500);
    CHECK_FALSE(fork.is_past(2));
  }
  SUBCASE("it is opened before: what rings is past, and keeps its breadth until it ends") {
    fork.open_next_group();
    CHECK(fork.is_past(2));
    CHECK_FALSE(fork.is_past(1));
    CHECK(fork.next_turn() == Turn{1, 23});
    CHECK_FALSE(fork.next_turn());
    fork.on_response(1, 486);
    CHECK(fork.next_turn() == Turn{3, 45});
    CHECK_FALSE(fork.has_waiting_group());
    fork.on_response(3, 404);
    CHECK_FALSE(fork.is_finished());
    CHECK(fork.on_response(2, 200) == Fork::Actions{.forward_now = true});
  }
}

TEST_CASE("the answer of a branch that is left out does not count (RFC 3261 16.7 step 4)") {
  Fork fork(true, 60);
  fork.add();
  CHECK(fork.next_turn() == Turn{0, 60});
  fork.add();
  fork.leave_out(0);
  CHECK(fork.next_turn() == Turn{1, 60});
  CHECK(fork.on_response(1, 486) == Fork::Actions{.send_best = true});
  CHECK(fork.best_status() == 486);
}
