#include "protocol/documents/message_archive.hpp"

#include <doctest/doctest.h>

using namespace beckon;
using namespace beckon::documents;

namespace {

const WallTime noon = WallTime{} + std::chrono::hours(12);

ArchivedMessage message(std::uint64_t number) {
  return {.number = number,
          .change = number,
          .with = "sip:bob@example.org",
          .id = "call:1",
          .direction = MessageDirection::sent,
          .state = MessageState::delivered,
          .time = noon,
          .content_type = "text/plain",
          .text = "hi"};
}

/// A whole document around the members of a message.
MessageArchive read(const std::string& members) {
  const auto archive = parse_message_archive(R"({"to":9,"messages":[{)" + members + "}]}");
  REQUIRE(archive.has_value());
  return *archive;
}

}  // namespace

TEST_CASE("an archive is read as it was printed") {
  MessageArchive archive{.from = 7, .to = 1'764'499'999'123, .is_complete = false, .is_kept = false};
  archive.messages = {message(8), message(9), message(10)};
  archive.messages[1].direction = MessageDirection::received;
  archive.messages[1].state = MessageState::displayed;
  archive.messages[1].change = 1'764'499'999'123;
  archive.messages[1].text = std::string("a \"b\"\n\x01 \xc3\xa4");  // XML could not say it
  archive.messages[1].is_cut = true;
  archive.messages[2].has_text = false;
  archive.messages[2].text.clear();
  archive.messages[2].content_type.clear();
  archive.erased = {{11, "sip:bob@example.org", 0}, {12, "", 8}, {13, "", 0}};
  const auto again = parse_message_archive(print(archive));
  REQUIRE(again.has_value());
  CHECK(*again == archive);
  const auto empty = parse_message_archive(print(MessageArchive{}));
  REQUIRE(empty.has_value());
  CHECK(*empty == MessageArchive{});
}

TEST_CASE("every state has its word, and an unknown word is none") {
  for (const auto state : {MessageState::sent, MessageState::stored, MessageState::failed,
                           MessageState::delivered, MessageState::displayed})
    CHECK(parse_message_state(to_string(state)) == state);
  CHECK_FALSE(parse_message_state("seen"));
}

TEST_CASE("what lacks something is left out, and unknown members are not looked at") {
  const std::string whole =
      R"("number":8,"with":"sip:b@c","direction":"sent","state":"sent","time":"1970-01-01T12:00:00Z")";
  CHECK(read(whole).messages.size() == 1);
  CHECK(read(whole + R"(,"mood":{"a":[1]})").messages.size() == 1);
  CHECK(read(R"("number":8)").messages.empty());
  CHECK(read(whole + R"(,"state":"seen")").messages.empty());
  CHECK(read(whole + R"(,"direction":"up")").messages.empty());
  CHECK(read(whole + R"(,"number":-1)").messages.empty());
  CHECK(read(whole + R"(,"time":"noon")").messages.empty());
  CHECK(read(whole + R"(,"change":3)").messages.front().change == 8);  // no message changes before it comes
}

TEST_CASE("another document is no archive, nor one past the limits") {
  for (const char* text : {"", "[]", "{}", "{\"from\":1", "<xml/>", "\"to\""})
    CHECK(parse_message_archive(text).error() == documents::Errc::wrong_root);
  CHECK(parse_message_archive(R"({"from":2,"to":1})").error() == documents::Errc::bad_value);
  const std::string small = R"({"to":1})";
  CHECK(parse_message_archive(small, {.octets = small.size()}).has_value());
  CHECK(parse_message_archive(small, {.octets = small.size() - 1}).error() == documents::Errc::bad_value);
  MessageArchive two;
  two.to = 9;
  two.messages = {message(8), message(9)};
  CHECK(parse_message_archive(print(two), {.messages = 1})->messages.size() == 1);
}
