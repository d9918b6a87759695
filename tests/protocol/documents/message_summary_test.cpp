#include "protocol/documents/message_summary.hpp"

#include <doctest/doctest.h>

using namespace beckon;
using namespace beckon::documents;

namespace {

MessageSummary read(std::string_view body) {
  const auto summary = parse_message_summary(body);
  REQUIRE(summary.has_value());
  return *summary;
}

}  // namespace

TEST_CASE("the RFC's example is read and prints the same (RFC 3842 4.1, A3)") {
  const std::string body =
      "Messages-Waiting: yes\r\n"
      "Message-Account: sip:alice@vmail.example.com\r\n"
      "Voice-Message: 2/8 (0/2)\r\n";
  const auto summary = read(body);
  CHECK(summary.waiting);
  CHECK(summary.account == "sip:alice@vmail.example.com");
  REQUIRE(summary.classes.size() == 1);
  CHECK(summary.classes[0] == MessageClass{"voice-message", {2, 8}, MessageCount{0, 2}});
  CHECK(print(summary) == body);
}

TEST_CASE("headers of new messages are kept message by message (RFC 3842 4.1, A5)") {
  const std::string body =
      "Messages-Waiting: yes\r\n"
      "Message-Account: sip:alice@vmail.example.com\r\n"
      "Voice-Message: 4/8 (1/2)\r\n\r\n"
      "To: <alice@atlanta.example.com>\r\n"
      "Subject: carpool tomorrow?\r\n\r\n"
      "To: <alice@example.com>\r\n"
      "Subject: HELP! at home ill, present for me please\r\n"
      "Priority: urgent\r\n";
  const auto summary = read(body);
  REQUIRE(summary.messages.size() == 2);
  CHECK(summary.messages[0].size() == 2);
  CHECK(summary.messages[1].at(1) ==
        std::pair<std::string, std::string>{"Subject", "HELP! at home ill, present for me please"});
  CHECK(print(summary) == body);
}

TEST_CASE("a summary is read whatever its case, blanks, folds and line ends (RFC 3842 5.2)") {
  const auto summary = read(
      "messages-waiting :\r\n YES\nFAX-MESSAGE:2/4\nnone: 0 / 1 ( 0 / 0 )\n"
      "Voice-Message: 99999999999/1\n");
  CHECK(summary.waiting);
  REQUIRE(summary.classes.size() == 3);
  CHECK(summary.classes[0] == MessageClass{"fax-message", {2, 4}, std::nullopt});
  CHECK(summary.classes[1].urgent == MessageCount{0, 0});
  CHECK(summary.classes[2].all.fresh == 4294967295U);  // RFC 3842 3.5: what is larger is 2^32-1
  CHECK_FALSE(read("Messages-Waiting: no").waiting);
}

TEST_CASE("a line that is no summary is left out, and a body without status is refused") {
  CHECK(read("Messages-Waiting: no\r\nVoice-Message: many\r\nFax-Message: 1/2 (3\r\nrubbish\r\n")
            .classes.empty());
  CHECK(parse_message_summary("").error() == Errc::bad_structure);
  CHECK(parse_message_summary("Voice-Message: 1/2\r\n").error() == Errc::bad_structure);
  CHECK(parse_message_summary("Messages-Waiting: maybe\r\n").error() == Errc::bad_value);
}

TEST_CASE("control characters in a value become blanks, and none are left at its end (found by fuzzing)") {
  const auto summary = read("Messages-Waiting: yes\r\n\r\nSubject: a\x01z\x0f\r\n");
  CHECK(summary.messages.at(0).at(0).second == "a z");
  CHECK(read(print(summary)) == summary);
}

TEST_CASE("a body has a limited number of lines") {
  std::string body = "Messages-Waiting: yes\r\n";
  for (std::size_t i = 1; i < message_summary_lines; ++i) body += "Voice-Message: 1/2\r\n";
  CHECK(read(body).classes.size() == message_summary_lines - 1);
  CHECK(parse_message_summary(body + "Voice-Message: 1/2\r\n").error() == Errc::bad_structure);
}
