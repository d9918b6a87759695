#include "protocol/trace/reader.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "protocol/base/text.hpp"
#include "tests/protocol/trace/stage.hpp"

using namespace beckon;
using namespace beckon::trace;
using testing::Stage;

namespace {

std::string message(int number) {
  return testing::request("OPTIONS", "sip:example.org", "sip:alice@example.org", "sip:example.org",
                          "c" + std::to_string(number), number);
}

/// Reads all that is there: the Call-IDs in the order they came, "-N" for N lost.
std::string read_all(Reader& reader, const std::vector<Recorder*>& recorders, Time until) {
  std::string told;
  do {
    std::vector<Recorder::Page> pages;
    for (std::size_t i = 0; i < recorders.size(); ++i) {
      const auto from = reader.next(i);
      pages.push_back(from ? recorders[i]->read(*from, until, Reader::page) : Recorder::Page());
    }
    const std::string lines = reader.take(std::move(pages));
    for (const auto text : split(lines, '\n')) {
      if (text.empty()) continue;
      const auto event = boost::json::parse(text).as_object();
      told += event.at("event") == "lost" ? "-" + boost::json::serialize(event.at("count"))
                                          : std::string(event.at("call_id").as_string());
      if (event.contains("repeated")) told += '*';
      told += ' ';
    }
  } while (!reader.is_done());
  return told;
}

}  // namespace

TEST_CASE("messages of several recorders are read in order of time, however many there are") {
  Stage stage;
  Recorder first(stage, {}), second(stage, {});
  std::string expected;
  for (int i = 0; i < 500; ++i) {
    stage.time += 1us;
    stage.send(i % 7 == 0 ? second : first, message(i));
    expected += "c" + std::to_string(i) + " ";
  }
  Reader reader({}, 2);
  CHECK(read_all(reader, {&first, &second}, stage.time) == expected);
  CHECK(read_all(reader, {&first, &second}, stage.time).empty());
  stage.time += 1us;
  stage.send(second, message(1000));
  CHECK(read_all(reader, {&first, &second}, stage.time) == "c1000 ");
}

TEST_CASE("of recorders that differ in age at most one page each is held") {
  Stage stage;
  Recorder old(stage, {}), young(stage, {});
  for (int i = 0; i < 500; ++i) stage.send(old, message(i));
  stage.time += 1us;
  for (int i = 500; i < 1000; ++i) stage.send(young, message(i));
  Reader reader({}, 2);
  const auto read = [&](std::size_t number) {
    const Recorder& recorder = number == 0 ? old : young;
    const auto from = reader.next(number);
    return from ? recorder.read(*from, stage.time, Reader::page) : Recorder::Page();
  };
  std::size_t told = 0, held = 0, most_held = 0;
  for (int turn = 0; turn < 100 && !reader.is_done(); ++turn) {
    std::vector<Recorder::Page> pages{read(0), read(1)};
    held += pages[0].entries.size() + pages[1].entries.size();
    const std::string lines = reader.take(std::move(pages));
    const auto now_told = static_cast<std::size_t>(std::ranges::count(lines, '\n'));
    told += now_told;
    held -= now_told;
    most_held = std::max(most_held, held);
  }
  CHECK(reader.is_done());
  CHECK(told == 1000);
  CHECK(most_held <= 2 * Reader::page);
}

TEST_CASE("a reader slower than the messages learns how many it lost") {
  Stage stage;
  Recorder recorder(stage, {.messages = 3});
  Reader reader({}, 1);
  for (int i = 0; i < 5; ++i) stage.send(recorder, message(i));
  CHECK(read_all(reader, {&recorder}, stage.time) == "c2 c3 c4 ");  // nothing was read before
  for (int i = 5; i < 15; ++i) stage.send(recorder, message(i));
  CHECK(read_all(reader, {&recorder}, stage.time) == "-7 c12 c13 c14 ");
}

TEST_CASE("only messages that match the question are read, and retransmissions are marked") {
  Stage stage;
  Recorder recorder(stage, {});
  for (const int i : {1, 2, 1}) stage.send(recorder, message(i));
  Reader one({.about = "c1"}, 1), all({.about = "alice@example.org"}, 1),
      none({.about = "bob@example.org"}, 1);
  CHECK(read_all(one, {&recorder}, stage.time) == "c1 c1* ");
  CHECK(read_all(all, {&recorder}, stage.time) == "c1 c2 c1* ");
  CHECK(read_all(none, {&recorder}, stage.time).empty());
}

TEST_CASE("a question is written and read back; other text is refused") {
  for (const Detail detail : {Detail::line, Detail::full, Detail::writing}) {
    const Question question{.about = "alice@example.org", .detail = detail, .follow = true};
    const auto read = parse_question(boost::json::serialize(to_json(question)));
    REQUIRE(read);
    CHECK(read->about == question.about);
    CHECK((read->detail == detail));
    CHECK(read->follow);
  }
  for (const char* text : {"", "{}", "[]", R"({"about":1,"full":true,"follow":true})"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_question(text));
  }
}
