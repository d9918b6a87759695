#include <map>

#include "client/call/book.hpp"
#include "tests/client/bench.hpp"

using namespace beckon;
using namespace beckon::client;
using call::State;

namespace {

/// Legs that do what they are asked to, and report nothing by themselves.
struct Legs final : call::Carrier {
  bool answer(Key key, Now) override { return note("answer", key); }
  bool reject(Key key, Now) override { return note("reject", key); }
  void hang_up(Key key, Now) override { note("hang up", key); }
  void withdraw(Key key, Now) override { note("withdraw", key); }
  void on_alone(Key key, Now) override { note("alone", key); }
  bool is_reached(Key) const override { return reached; }
  std::optional<stream::CallStatistics> statistics(Key) const override { return {}; }

  bool note(const std::string& what, Key key) {
    done.push_back(what + " " + std::to_string(key));
    return true;
  }
  std::vector<std::string> take() { return std::exchange(done, {}); }

  bool reached = true;
  std::vector<std::string> done;
};

using Words = std::vector<std::string>;

/// A direct attempt, and the INVITE that follows it, of one call.
struct Fixture : Bench {
  void race(bool outgoing = true, State state = State::dialing) {
    first = book.open({.peer = "sip:bob@example.org", .outgoing = outgoing, .verified = true, .state = state},
                      direct, 70, now());
    second = book.open({.kind = call::Kind::invite,
                        .peer = "sip:bob@example.org",
                        .outgoing = outgoing,
                        .state = state,
                        .why_not_direct = "slow",
                        .leg_of = first},
                       invite, 7, now());
  }
  std::string state() const { return std::string(last("call").at("state").as_string()); }
  std::string kind() const { return std::string(last("call").at("kind").as_string()); }

  call::Book book{context};
  Legs direct, invite;
  call::Number first = 0, second = 0;
  const call::Cause path_lost{"path lost", 11, control::Cause::unreachable, true};
  const call::Cause not_there{"Temporarily Unavailable", 480, control::Cause::unavailable, true};
};

}  // namespace

TEST_CASE_FIXTURE(
    Fixture,
    "an INVITE that follows a direct attempt is of the same call, which says why (DIRECT_SESSIONS 11)") {
  race();
  CHECK(call::Book::call_of(second) == first);
  CHECK(last("call").at("call") == "1");
  CHECK(kind() == "invite");
  CHECK(state() == "dialing");
  CHECK(last("call").at("why_not_direct") == "slow");
  CHECK(book.has_rival(first));
  CHECK(book.json().size() == 1);

  SUBCASE("it rings once, whichever rings") {
    book.enter(second, State::ringing, now());
    CHECK(state() == "ringing");
    const auto reported = count("call");
    book.enter(first, State::ringing, now());
    CHECK(count("call") == reported);
  }
  SUBCASE("a third leg is a call of its own") {
    CHECK(book.open({.peer = "sip:bob@example.org", .leg_of = first}, direct, 71, now()) == 2);
  }
  SUBCASE("the next call has the next number") {
    CHECK(book.open({.peer = "sip:carol@example.org"}, direct, 71, now()) == 2);
  }
}

TEST_CASE_FIXTURE(
    Fixture, "the leg that is taken first is the call; the other one is withdrawn, and not heard of again") {
  race();
  SUBCASE("the direct session, when both ends have confirmed it") {
    book.enter(first, State::answered, now());
    CHECK(invite.done.empty());
    book.enter(first, State::active, now());
    CHECK(invite.take() == Words{"withdraw 7"});
    CHECK(kind() == "direct");
    CHECK_FALSE(last("call").contains("why_not_direct"));
    const auto reported = events.size();
    book.end(second, {}, now());
    book.finish(second, {}, now());
    book.enter(second, State::active, now());
    book.on_first_media(second, stream::User::Direction::received, 1ms, now());
    book.describe(second, {.held_there = true, .secured = {}}, now());
    CHECK(events.size() == reported);
    REQUIRE(book.hang_up("1", now()));
    CHECK(direct.take() == Words{"hang up 70"});
  }
  SUBCASE("the INVITE, when it is answered") {
    book.enter(second, State::answered, now());
    CHECK(direct.take() == Words{"withdraw 70"});
    CHECK(kind() == "invite");
    CHECK(state() == "answered");
    const auto reported = events.size();
    book.end(first, {"answered elsewhere", 7, control::Cause::done, true}, now());
    book.finish(first, {}, now());
    CHECK(events.size() == reported);
    REQUIRE(book.hang_up("1", now()));
    CHECK(invite.take() == Words{"hang up 7"});
  }
  CHECK_FALSE(book.has_rival(first));
}

TEST_CASE_FIXTURE(
    Fixture, "a leg that fails leaves the other one; the call ends with the last, for what the INVITE met") {
  race();
  SUBCASE("the direct attempt first") {
    book.end(first, path_lost, now());
    CHECK(invite.take() == Words{"alone 7"});
    CHECK(state() == "dialing");
    book.end(second, not_there, now());
  }
  SUBCASE("the INVITE first") {
    book.end(second, not_there, now());
    CHECK(direct.take() == Words{"alone 70"});
    CHECK(kind() == "direct");
    book.end(first, path_lost, now());
  }
  CHECK(state() == "ended");
  CHECK(last("call").at("cause") == "unavailable");
  CHECK(last("call").at("reason_code") == 480);
  CHECK(direct.done.empty());
  CHECK(invite.done.empty());
}

TEST_CASE_FIXTURE(Fixture, "a callee who declines does so for both legs") {
  race();
  SUBCASE("the direct one") { book.end(first, {"declined", 2, control::Cause::refused}, now()); }
  SUBCASE("the INVITE") { book.end(second, {"Decline", 603, control::Cause::refused}, now()); }
  CHECK(state() == "ended");
  CHECK(last("call").at("cause") == "refused");
  CHECK(direct.done.size() + invite.done.size() == 1);
}

TEST_CASE_FIXTURE(Fixture,
                  "a call that was answered directly and is lost before both ends know goes on by INVITE") {
  race();
  book.enter(first, State::answered, now());
  CHECK(state() == "answered");
  book.end(first, path_lost, now());
  CHECK(state() == "dialing");
  CHECK(kind() == "invite");
  book.enter(second, State::answered, now());
  book.enter(second, State::active, now());
  CHECK(state() == "active");
}

TEST_CASE_FIXTURE(Fixture, "the callee answers the leg whose caller has heard of it; the user answers once") {
  race(/*outgoing=*/false, State::ringing);
  CHECK(count("call") == 1);
  SUBCASE("the direct one") {
    REQUIRE(book.answer("1", now()));
    CHECK(direct.take() == Words{"answer 70"});
    CHECK_FALSE(book.answer("1", now()));
    SUBCASE("and it comes to be") {
      book.enter(first, State::active, now());
      CHECK(invite.take() == Words{"withdraw 7"});
    }
    SUBCASE("and it is lost: then the INVITE, without asking again") {
      book.enter(first, State::answered, now());
      book.end(first, path_lost, now());
      CHECK(invite.take() == Words{"alone 7", "answer 7"});
      CHECK(state() == "answered");
    }
  }
  SUBCASE("the INVITE, where no answer to the HELLO has reached the caller") {
    direct.reached = false;
    REQUIRE(book.answer("1", now()));
    CHECK(invite.take() == Words{"answer 7"});
    book.enter(second, State::answered, now());
    CHECK(direct.take() == Words{"withdraw 70"});
  }
  SUBCASE("or declines both") {
    REQUIRE(book.reject("1", now()));
    CHECK(direct.take() == Words{"reject 70"});
    CHECK(invite.take() == Words{"reject 7"});
  }
  SUBCASE("or the caller cancels one leg: it goes on ringing") {
    book.end(second, {"the caller gave up", 487, control::Cause::done, true}, now());
    CHECK(state() == "ringing");
    REQUIRE(book.answer("1", now()));
    CHECK(direct.take() == Words{"alone 70", "answer 70"});
  }
}
