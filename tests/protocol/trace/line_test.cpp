#include "protocol/trace/line.hpp"

#include <doctest/doctest.h>

#include <boost/json/serialize.hpp>

#include "tests/protocol/trace/stage.hpp"

using namespace beckon;
using namespace beckon::trace;

namespace {

Entry entry_of(std::string text, Direction direction = Direction::received) {
  const auto owner = share(std::move(text));
  return {.time = {Time{}, WallTime{std::chrono::milliseconds(1700000000007)}},
          .hop = testing::hop(transaction::Protocol::tls, "192.0.2.1:5061"),
          .direction = direction,
          .problem = {},
          .size = owner->size(),
          .owner = owner,
          .text = *owner};
}

const std::string notify = testing::request(
    "NOTIFY", "sip:bob:pw@192.0.2.1", "sip:alice@example.org", "sip:Bob@EXAMPLE.org", "c1@host", 7,
    "Event: presence\nSubscription-State: active;expires=600\nContent-Length: 500\n");

}  // namespace

TEST_CASE("a line describes a message, with secrets masked") {
  const Line line = make_line(entry_of(notify), Detail::writing);
  CHECK(line.protocol == "tls");
  CHECK(line.peer == "192.0.2.1:5061");
  CHECK(line.method == "NOTIFY");
  CHECK(line.request_uri == "sip:bob:***@192.0.2.1");
  CHECK(line.status == 0);
  CHECK(line.from == "sip:alice@example.org");
  CHECK(line.to == "sip:Bob@example.org");
  CHECK(line.call_id == "c1@host");
  CHECK(line.cseq == "7 NOTIFY");
  CHECK(line.event == "presence, active");
  CHECK(line.size == notify.size());
  CHECK(line.text.find("bob:***@") != std::string::npos);
  CHECK(summary(line) == "NOTIFY sip:bob:***@192.0.2.1 (presence, active)");
  CHECK(make_line(entry_of(notify), Detail::line).text.empty());

  const Line answer =
      make_line(entry_of(testing::response("200 OK", "NOTIFY", "sip:a@h", "sip:b@h", "c", 7)), Detail::line);
  CHECK(answer.status == 200);
  CHECK(answer.reason == "OK");
  CHECK(answer.method == "NOTIFY");
  CHECK(summary(answer) == "200 OK (NOTIFY)");
}

TEST_CASE("what people write to each other is shown only where that is asked for") {
  struct Row {
    const char* what;
    std::string text;
    bool is_hidden;
  };
  const std::string from = "sip:alice@example.org", to = "sip:bob@example.org";
  const auto request = [&](const std::string& method, const std::string& lines) {
    return testing::request(method, to, from, to, "c", 7, lines + "Content-Length: 6\n") + "Shall we?";
  };
  const std::string answer = testing::response("415 Unsupported Media Type", "MESSAGE", from, to, "c", 7);
  const Row rows[] = {
      {"a message", request("MESSAGE", "Content-Type: text/plain\nSubject: Shall we\n"), true},
      {"its Subject in short form, folded", request("MESSAGE", "s:\n Shall we\n\tplay\n"), true},
      {"the answer to one", answer + "Shall we?", true},
      {"a message in another method", request("INFO", "Content-Type: Message/CPIM;charset=utf-8\n"), true},
      {"the archive of messages",
       request("NOTIFY", "Event: message-archive\nc: application/vnd.beckon.messages+json\n"), true},
      {"a description", request("INVITE", "Allow: MESSAGE\nContent-Type: application/sdp\n"), false},
      {"presence", request("PUBLISH", "Content-Type: application/pidf+xml\n"), false}};
  for (const Row& row : rows) {
    CAPTURE(row.what);
    Entry entry = entry_of(row.text);
    CHECK((make_line(entry, Detail::full).text.find("Shall we") == std::string::npos) == row.is_hidden);
    CHECK(make_line(entry, Detail::writing).text.find("Shall we") != std::string::npos);
    CHECK(make_line(entry, Detail::line).text.empty());
    CHECK(make_line(entry, Detail::full).text.find("sip:alice@example.org") != std::string::npos);
    entry.problem = sip::Errc::bad_start_line;
    CHECK(make_line(entry, Detail::full).text.find("Shall we?") == std::string::npos);
  }
}

TEST_CASE("octets that are not a message have a line, too") {
  Entry entry = entry_of("GET / HTTP/1.1\r\n\r\n");
  entry.problem = sip::Errc::bad_start_line;
  const Line line = make_line(entry, Detail::line);
  CHECK(line.method.empty());
  CHECK(summary(line) == "unreadable");
  CHECK_FALSE(line.problem.empty());
}

TEST_CASE("a line is about its Call-ID and the users it names") {
  const Line line = make_line(entry_of(notify), Detail::line);
  for (const char* who : {"", "c1@host", "alice@example.org", "sip:alice@EXAMPLE.ORG", "Bob@example.org",
                          "sips:alice@example.org", "bob@192.0.2.1"}) {
    CAPTURE(who);
    CHECK(is_about(line, who));
  }
  for (const char* who : {"c1", "carol@example.org", "alice", "alice@example.com", "sip:", "@"}) {
    CAPTURE(who);
    CHECK_FALSE(is_about(line, who));
  }
}

TEST_CASE("lines are written as events and read back") {
  Line line = make_line(entry_of(notify, Direction::sent), Detail::writing);
  line.repeated = true;
  line.problem = "odd";
  const auto event = to_json(line);
  CHECK(event.at("time").as_string() == "2023-11-14T22:13:20.007Z");
  CHECK(event.at("summary").as_string() == "NOTIFY sip:bob:***@192.0.2.1 (presence, active)");
  const Line again = from_json(event);
  CHECK(to_json(again) == event);
  CHECK(again.time == line.time);

  line.reason = "\xff";
  line.status = 200;
  CHECK(boost::json::serialize(to_json(line)).find("\"reason\":\"?\"") != std::string::npos);
}

TEST_CASE("a retransmitted message is recognised") {
  Repeats repeats;
  const Entry received = entry_of(notify), sent = entry_of(notify, Direction::sent);
  CHECK_FALSE(repeats.seen(received));
  CHECK_FALSE(repeats.seen(sent));
  CHECK(repeats.seen(received));
  for (int i = 0; i < 20000; ++i) (void)repeats.seen(entry_of(std::to_string(i)));
  CHECK_FALSE(repeats.seen(received));  // long ago
}
