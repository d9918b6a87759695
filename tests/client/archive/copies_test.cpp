#include "client/archive/copies.hpp"

#include <doctest/doctest.h>

#include <vector>

using namespace beckon;
using namespace beckon::client;
using documents::ArchivedMessage;
using documents::MessageArchive;
using documents::MessageDirection;
using documents::MessageState;

namespace {

const std::string bob = "sip:bob@example.org";

ArchivedMessage message(std::uint64_t number, const std::string& id) {
  return {.number = number,
          .change = number,
          .with = bob,
          .id = id,
          .direction = MessageDirection::sent,
          .state = MessageState::delivered,
          .content_type = "text/plain",
          .text = "text of " + id};
}

ArchivedMessage change(std::uint64_t number, std::uint64_t at, MessageState state) {
  auto changed = message(number, "m" + std::to_string(number));
  changed.change = at;
  changed.state = state;
  changed.has_text = false;
  changed.text.clear();
  return changed;
}

struct Fixture {
  std::vector<std::string> shown;  ///< "message-copy 5 delivered"
  std::vector<std::uint64_t> asked;
  boost::json::object last;
  client::archive::Copies copies{[this](boost::json::object event) { show(event); },
                                 [this](std::uint64_t after, Now) { asked.push_back(after); }};

  void show(const boost::json::object& event) {
    const auto text = [&](const char* name) {
      return event.contains(name) ? ' ' + std::string(event.at(name).as_string()) : std::string();
    };
    shown.push_back(text("event").substr(1) + text("message") + text("state"));
    last = event;
  }
  void notify(const MessageArchive& changes) { copies.on_notified(changes, Now{}); }
  void begin() { notify({.from = 10, .to = 10}); }
  std::vector<std::string> take() { return std::exchange(shown, {}); }
};

using Shown = std::vector<std::string>;

}  // namespace

TEST_CASE_FIXTURE(Fixture, "the first document shows nothing: what was before is history") {
  notify({.from = 0, .to = 10, .messages = {message(9, "a"), message(10, "b")}});
  CHECK(shown.empty());
  notify({.from = 10, .to = 12, .messages = {message(11, "c"), message(12, "d")}});
  CHECK(take() == Shown{"message-copy 11 delivered", "message-copy 12 delivered"});
  CHECK(last.at("text").as_string() == "text of d");
  CHECK(last.at("with").as_string() == bob);
  CHECK(last.at("direction").as_string() == "sent");
  CHECK(asked.empty());
}

TEST_CASE_FIXTURE(Fixture, "what this device sent or received is no copy, but its state is told") {
  begin();
  copies.note_own("", "mine");
  notify({.from = 10, .to = 12, .messages = {message(11, "mine"), message(12, "other")}});
  CHECK(take() == Shown{"message-state 11 delivered", "message-copy 12 delivered"});
  notify({.from = 12, .to = 13, .messages = {change(11, 13, MessageState::displayed)}});
  CHECK(take() == Shown{"message-state 11 displayed"});
  CHECK_FALSE(last.contains("text"));
}

TEST_CASE_FIXTURE(Fixture, "a message of another sender that has the id of an own one is a copy") {
  begin();
  copies.note_own("", "mine");
  copies.note_own("sip:carol@example.org", "hers");
  auto from_bob = message(11, "mine"), also = message(12, "hers");
  from_bob.direction = also.direction = documents::MessageDirection::received;
  notify({.from = 10, .to = 12, .messages = {from_bob, also}});
  CHECK(take() == Shown{"message-copy 11 delivered", "message-copy 12 delivered"});
}

TEST_CASE_FIXTURE(Fixture, "so many own messages are remembered") {
  begin();
  for (int i = 0; i <= 1024; ++i) copies.note_own("", "m" + std::to_string(i));
  copies.note_own("", "m5");
  notify({.from = 10, .to = 13, .messages = {message(11, "m0"), message(12, "m1"), message(13, "m1024")}});
  CHECK(take() ==
        Shown{"message-copy 11 delivered", "message-state 12 delivered", "message-state 13 delivered"});
}

TEST_CASE_FIXTURE(Fixture, "erasures are shown: of one message, of one user, of all") {
  begin();
  notify({.from = 10, .to = 13, .erased = {{11, bob, 0}, {12, "", 9}, {13, "", 0}}});
  CHECK(take() == Shown{"messages-erased", "messages-erased 9", "messages-erased"});
}

TEST_CASE_FIXTURE(Fixture, "changes that were missed are read, and nothing is shown twice") {
  begin();
  notify({.from = 14, .to = 15, .messages = {message(15, "e")}});
  CHECK(asked == std::vector<std::uint64_t>{10});
  CHECK(shown.empty());
  notify({.from = 15, .to = 16, .messages = {message(16, "f")}});  // while it is asked
  MessageArchive answer{.from = 10, .to = 15, .messages = {message(12, "c"), message(15, "e")}};
  SUBCASE("the answer has not the newest, which is asked for again") {
    copies.on_answer(&answer, Now{});
    CHECK(take() == Shown{"message-copy 12 delivered", "message-copy 15 delivered"});
    CHECK(asked == std::vector<std::uint64_t>{10, 15});
    const MessageArchive rest{.from = 15, .to = 16, .messages = {message(16, "f")}};
    copies.on_answer(&rest, Now{});
    CHECK(take() == Shown{"message-copy 16 delivered"});
    CHECK(asked.size() == 2);
  }
  SUBCASE("the answer comes in parts") {
    answer.is_complete = false;
    copies.on_answer(&answer, Now{});
    CHECK(asked.size() == 2);
  }
  SUBCASE("an answer that says nothing new is not asked for again and again") {
    const MessageArchive nothing{.from = 10, .to = 10};
    copies.on_answer(&nothing, Now{});
    CHECK(asked.size() == 1);
  }
  SUBCASE("it fails: the next document asks again") {
    copies.on_answer(nullptr, Now{});
    notify({.from = 16, .to = 17});
    CHECK(asked == std::vector<std::uint64_t>{10, 10});
  }
}

TEST_CASE_FIXTURE(Fixture, "an archive that began anew is followed from where it is") {
  begin();
  notify({.from = 3, .to = 3});
  notify({.from = 3, .to = 4, .messages = {message(4, "a")}});
  CHECK(take() == Shown{"message-copy 4 delivered"});
  CHECK(asked.empty());
}

TEST_CASE_FIXTURE(Fixture, "after the end of the subscription the next one begins anew") {
  begin();
  copies.reset();
  notify({.from = 20, .to = 20});
  CHECK(asked.empty());
  copies.reset();
  const MessageArchive late{.from = 10, .to = 15, .messages = {message(12, "c")}};
  copies.on_answer(&late, Now{});
  CHECK(shown.empty());
}
