#include "client/terminal/prompt.hpp"

#include <doctest/doctest.h>

#include "client/terminal/characters.hpp"

using namespace beckon::client::terminal;

namespace {

/// What a terminal of endless height shows: its rows, and the cursor as '|' in the last one. It understands
/// what the prompt writes, for characters of one column; anything else fails the test.
class Screen {
 public:
  void write(std::string_view octets) {
    while (!octets.empty()) {
      if (octets.starts_with("\x1b[")) {
        const auto end = octets.find_first_of("KCmhlHJ", 2);
        REQUIRE(end != std::string_view::npos);
        move(octets[end], std::string(octets.substr(2, end - 2)));
        octets.remove_prefix(end + 1);
        continue;
      }
      const beckon::Character character = beckon::first_character(octets);
      octets.remove_prefix(character.octets.size());
      if (character.code == '\a') {
        ++bells_;
      } else if (character.code == '\r') {
        column_ = 0;
      } else if (character.code == '\n') {
        rows_.emplace_back();
        column_ = 0;
      } else {
        REQUIRE_MESSAGE(!is_dangerous(character.code), "a raw control character");
        auto& row = rows_.back();
        if (row.size() <= column_) row.resize(column_ + 1, " ");
        row[column_++] = character.octets;
      }
    }
  }
  std::string text() const {
    std::string out;
    for (const auto& row : rows_) out += (&row == &rows_.front() ? "" : "\n") + joined(row);
    return out;
  }
  std::string last() const {
    auto row = rows_.back();
    if (row.size() < column_) row.resize(column_, " ");
    row.insert(row.begin() + static_cast<std::ptrdiff_t>(column_), "|");
    return joined(row);
  }
  bool brackets() const { return brackets_; }
  int bells() const { return bells_; }

 private:
  using Row = std::vector<std::string>;

  static std::string joined(const Row& row) {
    std::string out;
    for (const auto& each : row) out += each;
    return out;
  }

  void move(char final, const std::string& parameters) {
    if (final == 'K') rows_.back().resize(column_);
    if (final == 'C') column_ += std::stoul(parameters);
    if (final == 'J') rows_ = {Row()};
    if (final == 'h' || final == 'l') brackets_ = final == 'h';
  }

  std::vector<Row> rows_{Row()};
  std::size_t column_ = 0;
  bool brackets_ = false;
  int bells_ = 0;
};

struct Bench {
  explicit Bench(std::size_t columns = 40, History history = {})
      : prompt({.name = "alice", .colour = false, .columns = columns, .line_max = 65536},
               {.write = [this](std::string_view octets) { written += octets.size(), screen.write(octets); },
                .on_line = [this](std::string line) { lines.push_back(std::move(line)); },
                .on_interrupt = [this] { ++interrupts; },
                .on_end = [this] { ++ends; },
                .complete = [this](std::string_view) { return completion; }},
               std::move(history)) {
    prompt.start();
  }
  Screen screen;
  std::size_t written = 0;
  std::vector<std::string> lines;
  int interrupts = 0, ends = 0;
  Completion completion;
  Prompt prompt;
};

}  // namespace

TEST_CASE("what arrives while a line is typed appears above it, and the line stays as it was") {
  Bench bench;
  CHECK(bench.screen.last() == "alice> |");
  bench.prompt.take("message bob h\x1b[D");
  bench.prompt.show("bob is open\n    at home\n");
  CHECK(bench.screen.text() == "bob is open\n    at home\nalice> message bob h");
  CHECK(bench.screen.last() == "alice> message bob |h");
  bench.prompt.take("x\r");
  CHECK(bench.lines == std::vector<std::string>{"message bob xh"});
  CHECK(bench.screen.last() == "alice> |");
  CHECK(bench.screen.text() == "bob is open\n    at home\nalice> message bob xh\nalice> ");
}

TEST_CASE("arrow keys move in the line and through the history, and never get into it") {
  Bench bench;
  bench.prompt.take("one\rtwo\r");
  bench.prompt.take("\x1b[A\x1b[A!\r");
  bench.prompt.take("draft\x1b[A\x1b[B\r");
  CHECK(bench.lines == std::vector<std::string>{"one", "two", "one!", "draft"});
  bench.prompt.take("\x1b[5~\x1b[12~\x1bx\r");
  CHECK(bench.lines.back() == "");
}

TEST_CASE("Ctrl-C takes a line away, and asks to end where there is none; so does Ctrl-D") {
  Bench bench;
  bench.prompt.take("unfinished\x03");
  CHECK(bench.interrupts == 0);
  CHECK(bench.screen.last() == "alice> |");
  bench.prompt.take("\x03");
  CHECK(bench.interrupts == 1);
  bench.prompt.take("ab\x1b[D\x04");
  CHECK(bench.screen.last() == "alice> a|");
  bench.prompt.take("\x15\x0b\x04");
  CHECK(bench.ends == 1);
}

TEST_CASE("Tab completes the only word, goes on to where several differ, lists them, or gives the hint") {
  Bench bench;
  bench.completion = {.from = 0, .words = {"message"}, .hint = {}};
  bench.prompt.take("me\t");
  CHECK(bench.screen.last() == "alice> message |");
  bench.completion = {.from = 8, .words = {"bernd", "bernhard"}, .hint = {}};
  bench.prompt.take("b\t");
  CHECK(bench.screen.last() == "alice> message bern|");
  bench.prompt.take("\t");
  CHECK(bench.screen.text() == "bernd     bernhard\nalice> message bern");
  bench.completion = {.from = 0, .words = {}, .hint = "to: the recipient"};
  bench.prompt.take("\t");
  CHECK(bench.screen.text() == "bernd     bernhard\n  to: the recipient\nalice> message bern");
}

TEST_CASE("a paste of many lines stays in the line until Enter, and is shown in one row") {
  Bench bench(60);
  CHECK(bench.screen.brackets());
  bench.prompt.take("message bob \x1b[200~one\r\ntwo\x1b[201~");
  CHECK(bench.lines.empty());
  CHECK(bench.screen.last() == "alice> message bob one\u23cetwo|");
  bench.prompt.take("\r");
  CHECK(bench.lines == std::vector<std::string>{"message bob one\ntwo"});
  bench.prompt.stop();
  CHECK_FALSE(bench.screen.brackets());
}

TEST_CASE("a line of 64 KiB comes in small pieces: what is drawn does not grow with it") {
  Bench bench(80);
  for (int i = 0; i < 4096; ++i) bench.prompt.take("0123456789abcdef");
  CHECK(bench.written < 4096 * 400);
  CHECK(bench.screen.bells() == 0);
  bench.prompt.take("x");
  CHECK_MESSAGE(bench.screen.bells() == 1, "the line is full");
  bench.prompt.take("\r");
  CHECK(bench.lines.at(0).size() == 65536);
  bench.prompt.take("\x1b[200~" + std::string(70000, 'x') + "\x1b[201~");
  CHECK(bench.screen.text().find("what was pasted has more than 65536 octets") != std::string::npos);
  CHECK(bench.screen.last() == "alice> |");
}

TEST_CASE("Ctrl-R finds lines of the history again") {
  Bench bench(40, History::parse("call bob\ncall carol\nquit\n"));
  bench.prompt.take(
      "\x12"
      "call");
  CHECK(bench.screen.last() == "(search: call) call carol|");
  bench.prompt.take("\x12");
  CHECK(bench.screen.last() == "(search: call) call bob|");
  bench.prompt.take("\x05!\r");
  CHECK(bench.lines == std::vector<std::string>{"call bob!"});
  bench.prompt.take(
      "\x12"
      "nowhere\x03");
  CHECK(bench.screen.last() == "alice> |");
}

TEST_CASE("another width of the terminal, or another program in it: the row is drawn anew") {
  Bench bench;
  bench.prompt.take("0123456789012345678901234567890123456789");
  bench.prompt.resize(24);
  CHECK(beckon::columns(bench.screen.last()) <= 24 + 1);
  bench.prompt.resize(80);
  CHECK(bench.screen.last() == "alice> 0123456789012345678901234567890123456789|");
}

TEST_CASE("after its end the prompt writes only what it is given") {
  Bench bench;
  bench.prompt.take("quit\rmore");
  bench.prompt.stop();
  bench.prompt.show("done\n");
  bench.prompt.take("x\r");
  CHECK(bench.lines.size() == 1);
  CHECK(bench.screen.text() == "alice> quit\ndone\n");
}
