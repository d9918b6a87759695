#include "client/terminal/line.hpp"

#include <doctest/doctest.h>

#include <chrono>

#include "client/terminal/characters.hpp"

using namespace beckon::client::terminal;
using Kind = Key::Kind;

namespace {

/// The line after these keys, with the cursor as '|'.
std::string after(std::string text, std::vector<Kind> kinds) {
  Line line(100);
  line.set(std::move(text));
  for (const Kind kind : kinds) line.edit({kind, {}});
  std::string out = line.text();
  return out.insert(line.cursor(), "|");
}

}  // namespace

TEST_CASE("a line is edited by characters, words and halves") {
  CHECK(after("one two", {Kind::left, Kind::erase_before}) == "one t|o");
  CHECK(after("one two", {Kind::word_left, Kind::erase_to_end}) == "one |");
  CHECK(after("one two", {Kind::word_left, Kind::erase_to_start}) == "|two");
  CHECK(after("one two ", {Kind::erase_word}) == "one |");
  CHECK(after("one two", {Kind::start, Kind::erase_word_after}) == "| two");
  CHECK(after("one two", {Kind::erase_word, Kind::start, Kind::insert_erased}) == "two|one ");
  CHECK(after("abc", {Kind::swap}) == "acb|");
  CHECK(after("abc", {Kind::left, Kind::swap}) == "acb|");
  CHECK(after("abc", {Kind::start, Kind::swap}) == "|abc");
  CHECK(after("abc", {Kind::start, Kind::erase_at}) == "|bc");
  CHECK(after("a", {Kind::line_end}) == "a\n|");
}

TEST_CASE("a character with accents is erased and passed as one") {
  CHECK(after("ae\u0301", {Kind::erase_before}) == "a|");
  CHECK(after("ae\u0301b", {Kind::left, Kind::left}) == "a|e\u0301b");
  CHECK(after("\u65e5\u672c", {Kind::swap}) == "\u672c\u65e5|");
}

TEST_CASE("a line does not grow over its limit") {
  Line line(4);
  CHECK(line.insert("abcd"));
  CHECK_FALSE(line.insert("e"));
  CHECK_FALSE(line.replace(3, "ef"));
  CHECK(line.replace(3, "e"));
  CHECK(line.text() == "abce");
}

TEST_CASE("of a long line the part around the cursor is shown, by columns, with marks at what is hidden") {
  std::size_t first = 0;
  Line line(1000);
  line.set("short");
  CHECK(window_of(line, 20, first).shown == "short");
  CHECK(window_of(line, 20, first).cursor == 5);
  line.set("0123456789abcdefghijklmnopqrstuvwxyz");
  Window window = window_of(line, 20, first);
  CHECK(window.shown.starts_with("<"));
  CHECK(window.shown.ends_with("z"));
  line.edit({Kind::start, {}});
  window = window_of(line, 20, first);
  CHECK(window.shown == "0123456789abcdefghi>");
  CHECK(window.cursor == 0);
  for (int steps = 0; steps < 36; ++steps) {
    line.edit({Kind::right, {}});
    window = window_of(line, 20, first);
    CHECK(beckon::columns(window.shown) <= 20);
    CHECK(window.cursor < 20);
    const bool at_end = line.cursor() == line.text().size();
    if (!at_end) CHECK(window.shown[window.cursor] == line.text()[line.cursor()]);
  }
  line.set("\u65e5\u672c\u8a9e\u65e5\u672c\u8a9e\u65e5\u672c\u8a9e\u65e5\u672c\u8a9e");
  window = window_of(line, 20, first);
  CHECK(beckon::columns(window.shown) == window.cursor);
  CHECK(window.cursor <= 20);
}

TEST_CASE("a control character in a line is shown by its number, and the cursor stands behind all of that") {
  std::size_t first = 0;
  Line line(1000);
  line.set("a\u202eb\nc");
  const Window window = window_of(line, 40, first);
  CHECK(window.shown == "a<U+202E>b\u23cec");
  CHECK(window.cursor == 12);
}

TEST_CASE("the window of a line of 64 KiB costs no more than that of a short one") {
  std::size_t first = 0;
  Line line(1 << 17);
  line.insert(std::string(1 << 16, 'x'));
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < 10'000; ++i) window_of(line, 80, first);
  // 10 000 passes over the whole line would be 655 million characters, minutes of an unoptimised build.
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(60));
}
