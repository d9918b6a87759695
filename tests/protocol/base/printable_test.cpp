#include "protocol/base/printable.hpp"

#include <doctest/doctest.h>

#include "protocol/base/log.hpp"
#include "protocol/base/text.hpp"
#include "tests/support/log_lines.hpp"

using namespace beckon;

TEST_CASE("what a peer wrote moves no cursor and forges no line") {
  struct Row {
    std::string_view text;
    std::string_view marked;
    std::string_view escaped;
  };
  for (const Row& row : {
           Row{"plain text, \xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80",
               "plain text, \xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80",
               "plain text, \xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"},
           Row{"\x1b[2J\r\n\x7f", "?[2J???", "\\x1b[2J\\x0d\\x0a\\x7f"},
           Row{"\xc2\x9b[2J\xc2\x80\xc2\xa0", "?[2J?\xc2\xa0", "\\xc2\\x9b[2J\\xc2\\x80\xc2\xa0"},
           Row{"\x9b[2J", "?[2J", "\\x9b[2J"},
           Row{"cut \xe2\x82", "cut ??", "cut \\xe2\\x82"},
           Row{"\xc2 \xff", "? ?", "\\xc2 \\xff"},
           Row{"a\u202eb\u2066c\u200fd\u061ce\u2028", "a?b?c?d?e?",
               "a\\xe2\\x80\\xaeb\\xe2\\x81\\xa6c\\xe2\\x80\\x8fd\\xd8\\x9ce\\xe2\\x80\\xa8"},
           Row{"\u2013\u2030 \u060c", "\u2013\u2030 \u060c", "\u2013\u2030 \u060c"},
           Row{"", "", ""},
       }) {
    CAPTURE(row.escaped);
    CHECK(printable(row.text) == row.marked);
    CHECK(printable(row.text, Unprintable::escaped) == row.escaped);
    CHECK(is_utf8(printable(row.text)));
  }
}

TEST_CASE("a log line escapes what a peer wrote, C1 control characters included") {
  const auto lines =
      test::lines_of([] { log::write(log::Level::warn, "sip", "\x1b[2J\n\xc2\x9b\xff \xc3\xa4"); });
  CHECK(lines.ends_with("sip: \\x1b[2J\\x0a\\xc2\\x9b\\xff \xc3\xa4\n"));
}
