#include "server/calls/call.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace beckon;
using namespace beckon::server;
using calls::Call;
using Event = Call::Event;
using State = Call::State;

namespace {

Call::Answerer at(std::size_t branch) { return {.branch = branch, .device = branch + 1}; }

/// "a:early b:confirmed", and "terminated(rejected 486)"
std::string print(const Call& call) {
  std::string text;
  for (const Call::Dialog& dialog : call.dialogs()) {
    if (!text.empty()) text += ' ';
    text += dialog.tag + ':' + to_string(dialog.state);
    if (!dialog.event) continue;
    text += std::string("(") + to_string(*dialog.event);
    if (dialog.code) text += ' ' + std::to_string(*dialog.code);
    text += ')';
  }
  return text;
}

using Changes = Call::Changes;

}  // namespace

TEST_CASE("a dialog goes through its states in one direction (RFC 4235 3.7.1)") {
  Call call(8);
  CHECK(print(call) == ":trying");
  CHECK(call.on_response(181, "", at(0)) == Changes{0});
  CHECK(print(call) == ":proceeding");
  CHECK(call.on_response(180, "a", at(0)) == Changes{0});
  CHECK(print(call) == "a:early");
  CHECK(call.on_response(183, "a", at(0)).empty());
  CHECK(call.on_response(182, "", at(0)).empty());
  CHECK(call.on_response(200, "a", at(0)) == Changes{0});
  CHECK(print(call) == "a:confirmed");
  CHECK(call.on_response(180, "a", at(0)).empty());
  CHECK(call.on_bye("a", true) == Changes{0});
  CHECK(print(call) == "a:terminated(local-bye)");
  CHECK(call.on_response(200, "a", at(0)).empty());
  CHECK(call.on_bye("a", false).empty());
  CHECK(call.is_over());
}

TEST_CASE("each early dialog of a fork is a dialog, and ends with its branch (RFC 4235 6.1)") {
  Call call(8);
  call.on_response(180, "a", at(0));
  CHECK(call.on_response(180, "b", at(1)) == Changes{1});
  CHECK(call.on_response(183, "c", at(1)) == Changes{2});  // a proxy behind this one has forked
  CHECK(print(call) == "a:early b:early c:early");
  SUBCASE("one answers") {
    CHECK(call.on_response(200, "b", at(1)) == Changes{1});
    CHECK(call.on_branch_end(1, 200).empty());
    CHECK(call.on_branch_end(0, 487) == Changes{0});
    CHECK(call.on_end(200).empty());
    CHECK(print(call) == "a:terminated(cancelled 487) b:confirmed c:early");
    SUBCASE("and so does another behind that proxy (RFC 3261 13.2.2.4)") {
      CHECK(call.on_response(200, "c", at(1)) == Changes{2});
      CHECK(call.on_over().empty());
      CHECK(call.on_bye("b", false) == Changes{1});
      CHECK(print(call) == "a:terminated(cancelled 487) b:terminated(remote-bye) c:confirmed");
    }
    SUBCASE("the other one is over when no 2xx can come any more") {
      CHECK(call.on_over() == Changes{2});
      CHECK(print(call) == "a:terminated(cancelled 487) b:confirmed c:terminated(timeout)");
    }
  }
  SUBCASE("all refuse") {
    CHECK(call.on_branch_end(0, 486) == Changes{0});
    CHECK(call.on_branch_end(1, 408) == Changes{1, 2});
    CHECK(print(call) == "a:terminated(rejected 486) b:terminated(timeout 408) c:terminated(timeout 408)");
    CHECK(call.is_over());
  }
  SUBCASE("an early dialog ends, and its branch goes on (RFC 6228)") {
    CHECK(call.on_response(199, "c", at(1)) == Changes{2});
    CHECK(call.on_response(199, "nobody's", at(1)).empty());
    CHECK(print(call) == "a:early b:early c:terminated(rejected)");
  }
}

TEST_CASE("a call that nobody answers with a tag ends with its INVITE") {
  Call call(8);
  CHECK(call.on_branch_end(0, 486).empty());
  CHECK(call.on_end(486) == Changes{0});
  CHECK(print(call) == ":terminated(rejected 486)");
}

TEST_CASE("a callee of RFC 2543 has no tag") {
  Call call(8);
  CHECK(call.on_response(200, "", at(0)) == Changes{0});
  CHECK(print(call) == ":confirmed");
}

TEST_CASE("a callee that invents tags makes a bounded number of dialogs") {
  Call call(3);
  for (int i = 0; i < 100; ++i) call.on_response(180, "tag" + std::to_string(i), at(0));
  CHECK(call.dialogs().size() == 3);
  CHECK(call.on_response(200, "tag2", at(0)) == Changes{2});
}

TEST_CASE("what ends an answered dialog leaves one that rings") {
  Call call(8);
  call.on_response(200, "a", at(0));
  call.on_response(180, "b", at(1));
  CHECK(call.is_answered());
  CHECK(call.end_answered(Event::timeout) == Changes{0});
  CHECK_FALSE(call.is_answered());
  CHECK(print(call) == "a:terminated(timeout) b:early");
}

TEST_CASE("a redirection ends what is tried for one user, and tries a dialog for another") {
  Call call(8);
  CHECK(call.on_redirected(0, 1, 302) == Changes{0, 1});
  CHECK(print(call) == ":terminated(rejected 302) :trying");
  Call::Answerer second = at(1);
  second.callee = 1;
  CHECK(call.on_response(180, "c", second) == Changes{1});
  CHECK(call.dialogs()[1].callee == 1);
  SUBCASE("it goes on as any other") {
    CHECK(call.on_response(200, "c", second) == Changes{1});
    CHECK(print(call) == ":terminated(rejected 302) c:confirmed");
  }
  SUBCASE("another device of the first user rings all the same") {
    CHECK(call.on_response(180, "b", at(2)) == Changes{2});
    CHECK(call.dialogs()[2].callee == 0);
  }
  SUBCASE("all ends with the call") {
    call.on_end(486);
    CHECK(print(call) == ":terminated(rejected 302) c:terminated(rejected 486)");
  }
  SUBCASE("there are no more dialogs than may be") {
    Call small(1);
    CHECK(small.on_redirected(0, 1, 302) == Changes{0});
    CHECK(small.is_over());
  }
}
