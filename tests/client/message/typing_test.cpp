#include "client/message/typing.hpp"

#include "tests/client/bench.hpp"

using namespace beckon;
using namespace beckon::client;

namespace {

const std::string bob = "sip:bob@example.org";

struct TypingFixture : Bench {
  std::vector<std::pair<std::string, bool>> told;
  message::Typing typing{context,
                         [this](const std::string& to, bool active, Now) { told.emplace_back(to, active); }};

  std::vector<std::string> states() const {
    std::vector<std::string> out;
    for (const auto& event : events) out.emplace_back(event.at("state").as_string());
    return out;
  }
};
using States = std::vector<std::string>;

}  // namespace

TEST_CASE_FIXTURE(
    TypingFixture,
    "the recipient hears at once that the user composes, later by timer that it goes on or ended") {
  CHECK(typing.compose(bob, now()));
  for (int i = 0; i < 6; ++i) {
    pass(10s);
    CHECK_FALSE(typing.compose(bob, now()));
  }
  CHECK(told == std::vector<std::pair<std::string, bool>>{{bob, true}});
  pass(15s);
  CHECK(told == std::vector<std::pair<std::string, bool>>{{bob, true}, {bob, false}});
  pass(10min);
  CHECK(told.size() == 2);
}

TEST_CASE_FIXTURE(TypingFixture, "who sends the message or stops is heard of no more by timer") {
  CHECK(typing.compose(bob, now()));
  typing.on_sent(bob, now());
  CHECK_FALSE(typing.stop(bob, now()));
  CHECK(typing.compose(bob, now()));
  CHECK(typing.stop(bob, now()));
  pass(10min);
  CHECK(told.empty());
}

TEST_CASE_FIXTURE(TypingFixture,
                  "a peer that types is shown until its message comes or its interval is over") {
  typing.on_status(bob, true, std::nullopt, now());
  typing.on_status(bob, true, std::nullopt, now());
  CHECK(states() == States{"active"});
  SUBCASE("its message comes") {
    typing.on_message(bob, now());
    CHECK(states() == States{"active", "idle"});
    typing.on_message(bob, now());
    CHECK(states() == States{"active", "idle"});
  }
  SUBCASE("120 s without news") {
    pass(119s);
    CHECK(states() == States{"active"});
    pass(1s);
    CHECK(states() == States{"active", "idle"});
    CHECK(events.back().at("from").as_string() == bob);
  }
}

TEST_CASE_FIXTURE(TypingFixture, "a peer that is idle already is no news") {
  typing.on_status(bob, false, std::nullopt, now());
  CHECK(events.empty());
}

TEST_CASE_FIXTURE(TypingFixture, "no more peers are followed than the bound says") {
  for (std::size_t i = 0; i < message::Typing::peers_max + 10; ++i) {
    const std::string peer = "sip:" + std::to_string(i) + "@example.org";
    CHECK(typing.compose(peer, now()) == (i < message::Typing::peers_max));
    typing.on_status(peer, true, std::nullopt, now());
  }
  CHECK(events.size() == message::Typing::peers_max);
  pass(10min);
  CHECK(typing.compose("sip:later@example.org", now()));
}
