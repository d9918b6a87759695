#include "protocol/trace/recorder.hpp"

#include <doctest/doctest.h>

#include "protocol/trace/tap.hpp"
#include "tests/protocol/trace/stage.hpp"
#include "tests/support/wire.hpp"

using namespace beckon;
using namespace beckon::trace;
using testing::Stage;

TEST_CASE("a recorder keeps the newest messages, in order") {
  Stage stage;
  Recorder recorder(stage, {.messages = 3, .octets = 1000, .malformed_octets = 10});
  for (const char* text : {"a", "b", "c", "d", "e"}) stage.send(recorder, text);
  CHECK(recorder.size() == 3);
  CHECK(recorder.octets() == 3);
  CHECK(testing::texts(recorder.read(0, stage.time, 10)) == "c d e");
}

TEST_CASE("a recorder holds the buffer that was sent, not a copy") {
  Stage stage;
  Recorder recorder(stage, {.messages = 1, .octets = 1000});
  const auto text = share("first");
  recorder.sent({}, text);
  CHECK(recorder.read(0, stage.time, 1).entries.at(0).owner == text);
}

TEST_CASE("a recorder holds no more octets than it may") {
  Stage stage;
  Recorder recorder(stage, {.messages = 100, .octets = 10});
  stage.send(recorder, "1234");
  stage.send(recorder, "567890");
  CHECK(recorder.size() == 2);
  stage.send(recorder, "1");
  CHECK(testing::texts(recorder.read(0, stage.time, 10)) == "567890 1");
  stage.send(recorder, "more than all of it");
  CHECK(recorder.size() == 0);
  CHECK(recorder.octets() == 0);
  stage.send(recorder, "next");
  CHECK(testing::texts(recorder.read(0, stage.time, 10)) == "next");
}

TEST_CASE("a reader that comes too late learns how many messages it lost") {
  Stage stage;
  Recorder recorder(stage, {.messages = 3});
  for (const char* text : {"a", "b", "c"}) stage.send(recorder, text);
  auto page = recorder.read(0, stage.time, 2);
  CHECK(testing::texts(page) == "a b");
  CHECK(page.lost == 0);
  CHECK(page.more);
  for (const char* text : {"d", "e", "f", "g"}) stage.send(recorder, text);
  page = recorder.read(page.next, stage.time, 10);
  CHECK(testing::texts(page) == "e f g");
  CHECK(page.lost == 2);  // c, d
  CHECK_FALSE(page.more);
  page = recorder.read(page.next, stage.time, 10);
  CHECK(page.entries.empty());
  CHECK(page.lost == 0);
}

TEST_CASE("messages younger than asked for wait for the next reading") {
  Stage stage;
  Recorder recorder(stage, {.messages = 3});
  stage.send(recorder, "a");
  const Time then = stage.time;
  stage.time += 1ms;
  stage.send(recorder, "b");
  const auto page = recorder.read(0, then, 10);
  CHECK(testing::texts(page) == "a");
  CHECK_FALSE(page.more);
  CHECK(testing::texts(recorder.read(page.next, stage.time, 10)) == "b");
}

TEST_CASE("a recorder with room for no messages records none") {
  Stage stage;
  Recorder recorder(stage, {.messages = 0});
  stage.send(recorder, "a");
  recorder.malformed({}, sip::Errc::bad_start_line, "b");
  CHECK(recorder.size() == 0);
  CHECK(recorder.read(0, stage.time, 10).entries.empty());
}

TEST_CASE("secrets of direct sessions are masked when they are recorded (DIRECT_SESSIONS 3.3)") {
  Stage stage;
  Recorder recorder(stage, {});
  stage.send(recorder, "<p xmlns:d=\"urn:beckon:params:xml:ns:direct:1\"><d:secret>AAEC</d:secret></p>");
  const auto page = recorder.read(0, stage.time, 1);
  CHECK(page.entries.at(0).owner->find("AAEC") == std::string::npos);
  CHECK(page.entries.at(0).size == 76);
}

TEST_CASE("of an unreadable message only the beginning is kept, masked") {
  Stage stage;
  Recorder recorder(stage, {.malformed_octets = 20});
  recorder.malformed({}, sip::Errc::bad_start_line, "response=1234567890, and so on");
  const auto entry = recorder.read(0, stage.time, 1).entries.at(0);
  CHECK(entry.text == "response=***,");
  CHECK(entry.size == 30);
  CHECK(entry.problem == sip::Errc::bad_start_line);
}

TEST_CASE("a message in two parts is recorded as one text, and its size counts both") {
  Stage stage;
  Recorder recorder(stage, {});
  recorder.sent({}, {share("head "), share("body")});
  const auto page = recorder.read(0, stage.time, 1);
  CHECK(page.entries.at(0).text == "head body");
  CHECK(page.entries.at(0).size == 9);
  CHECK(recorder.octets() == 9);
}

TEST_CASE("secrets in a body that is sent as a part of its own are masked") {
  Stage stage;
  Recorder recorder(stage, {});
  const std::string body = "<p xmlns:d=\"urn:beckon:params:xml:ns:direct:1\"><d:secret>AAEC</d:secret></p>";
  recorder.sent({}, {share("NOTIFY sip:a SIP/2.0\r\n\r\n"), share(body)});
  Recorder whole(stage, {});
  whole.sent({}, share("NOTIFY sip:a SIP/2.0\r\n\r\n" + body));
  const auto text = recorder.read(0, stage.time, 1).entries.at(0).text;
  CHECK(text.find("AAEC") == std::string::npos);
  CHECK(text == whole.read(0, stage.time, 1).entries.at(0).text);
}

TEST_CASE("a tap records what is sent and passes it on") {
  beckon::test::Wire wire;
  Stage stage;
  Recorder recorder(stage, {});
  Tap tap(wire, recorder);
  bool failed = false;
  tap.send({}, share("OPTIONS sip:a SIP/2.0\r\n\r\n"), [&](ErrorCode) { failed = true; });
  REQUIRE(wire.sent.size() == 1);
  CHECK(wire.sent.front().message.text() == "OPTIONS sip:a SIP/2.0\r\n\r\n");
  wire.sent.front().failed(sip::Errc::bad_start_line);
  CHECK(failed);
  CHECK(tap.sent_by({}) == wire.sent_by({}));
  CHECK(testing::texts(recorder.read(0, stage.time, 1)) == wire.sent.front().message.text());
}
