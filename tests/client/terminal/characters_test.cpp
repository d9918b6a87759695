#include "client/terminal/characters.hpp"

#include <doctest/doctest.h>

#include "protocol/base/text.hpp"

using namespace beckon;
using namespace beckon::client::terminal;

TEST_CASE("wide characters take two columns, those that join the one before take none") {
  struct Row {
    std::string_view text;
    std::size_t columns;
  };
  for (const Row& row :
       {Row{"", 0}, Row{"alice", 5}, Row{"\u00e9", 1}, Row{"e\u0301", 1}, Row{"\u65e5\u672c", 4},
        Row{"\uff21", 2}, Row{"\uac00", 2}, Row{"\u1100\u1161", 2}, Row{"\U0001f600", 2}, Row{"\u200d", 0},
        Row{"\u0e01\u0e33", 2}, Row{"\U0002a700", 2}, Row{"\ufe0f", 0}}) {
    CAPTURE(row.text);
    CHECK(columns(row.text) == row.columns);
  }
}

TEST_CASE("texts are aligned and shortened by columns, and a character is never cut") {
  CHECK(pad("\u65e5\u672c", 6) == "\u65e5\u672c  ");
  CHECK(pad("toolong", 3) == "toolong");
  CHECK(shorten("\u65e5\u672c\u8a9e", 6) == "\u65e5\u672c\u8a9e");
  CHECK(shorten("\u65e5\u672c\u8a9e", 5) == "\u65e5\u672c\u2026");
  CHECK(shorten("\u65e5\u672c\u8a9e", 4) == "\u65e5\u2026");
  CHECK(shorten("e\u0301e\u0301e\u0301", 2) == "e\u0301\u2026");
}

TEST_CASE("what could move the cursor, colour the terminal or turn its direction is shown by its number") {
  CHECK(shown("a\x1b[2Jb") == "a<U+001B>[2Jb");
  CHECK(shown("evil\u202egpj") == "evil<U+202E>gpj");
  CHECK(shown("\u009b31m\u200f\u2066\u2029") == "<U+009B>31m<U+200F><U+2066><U+2029>");
  CHECK(shown("one\ntwo\tthree") == "one\u23cetwo three");
  CHECK(shown("\xff\xc3(") == "\ufffd\ufffd(");
  CHECK(shown("na\u00efve \u65e5") == "na\u00efve \u65e5");
  std::string all;
  for (int octet = 0; octet < 256; ++octet) all.push_back(static_cast<char>(octet));
  CHECK(is_utf8(shown(all)));
}

TEST_CASE("a character and those that join it are one step, forward and backward") {
  const std::string_view text = "ae\u0301\U0001f469\u200d\xff";
  CHECK(end_of_cluster(text, 0) == 1);
  CHECK(end_of_cluster(text, 1) == 4);
  CHECK(end_of_cluster(text, 4) == 11);
  CHECK(end_of_cluster(text, 11) == 12);
  CHECK(start_of_cluster(text, 12) == 11);
  CHECK(start_of_cluster(text, 11) == 4);
  CHECK(start_of_cluster(text, 4) == 1);
  CHECK(start_of_cluster(text, 1) == 0);
  CHECK_MESSAGE(start_of_cluster("a\u202e", 4) == 1, "what is shown by its number joins nothing");
}
