#include "client/terminal/history.hpp"

#include <doctest/doctest.h>

using namespace beckon::client::terminal;

TEST_CASE("history: up and down lead through the lines, and back to what was typed") {
  History history;
  history.add("one");
  history.add("two");
  CHECK(*history.previous("dra") == "two");
  CHECK(*history.previous("two") == "one");
  CHECK(history.previous("one") == nullptr);
  CHECK(*history.next() == "two");
  CHECK(*history.next() == "dra");
  CHECK(history.next() == nullptr);
}

TEST_CASE("history: what is empty, repeated, too long or begins with a blank is not kept") {
  History history;
  CHECK(history.add("one"));
  CHECK_FALSE(history.add("one"));
  CHECK_FALSE(history.add(""));
  CHECK_FALSE(history.add("  \t"));
  CHECK_FALSE(history.add(" secret"));
  CHECK_FALSE(history.add(std::string(History::line_max + 1, 'x')));
  CHECK(history.lines().size() == 1);
  for (std::size_t i = 0; i < 2 * History::lines_max; ++i) history.add(std::to_string(i));
  CHECK(history.lines().size() == History::lines_max);
  CHECK(history.lines().back() == "1999");
}

TEST_CASE("history: what is printed is read again, line ends and backslashes too") {
  History history;
  history.add("message bob one\ntwo \\n three\\");
  history.add("\u65e5\u672c");
  const History again = History::parse(history.print());
  CHECK(again.lines() == history.lines());
  CHECK(History::parse("ok\n\xff\xfe\n\nfine").lines().size() == 2);
}

TEST_CASE("history: lines are found by what is in them, the newest first") {
  History history;
  history.add("call bob");
  history.add("call carol");
  history.add("quit");
  CHECK(history.find("call", history.lines().size()) == 1);
  CHECK(history.find("call", 1) == 0);
  CHECK(history.find("call", 0) == history.lines().size());
  CHECK(history.find("nobody", 3) == history.lines().size());
}
