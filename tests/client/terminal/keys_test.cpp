#include "client/terminal/keys.hpp"

#include <doctest/doctest.h>

using namespace beckon::client::terminal;
using Kind = Key::Kind;
using Sequence = std::vector<Key>;

namespace {

Sequence read(std::string_view octets) { return Keys(100).take(octets); }

Key text(std::string_view what) { return {Kind::text, std::string(what)}; }

}  // namespace

TEST_CASE("keys: characters, control characters and escape sequences of terminals") {
  struct Row {
    std::string_view octets;
    Sequence keys;
  };
  const Row rows[] = {
      {"hi", {text("hi")}},
      {"h\u00e9\u65e5\U0001f600", {text("h\u00e9\u65e5\U0001f600")}},
      {"\r", {{Kind::enter}}},
      {"\x1b[A\x1b[B\x1b[C\x1b[D", {{Kind::previous}, {Kind::next}, {Kind::right}, {Kind::left}}},
      {"\x1bOA\x1bOH\x1bOF", {{Kind::previous}, {Kind::start}, {Kind::end}}},
      {"\x1b[1;5C\x1b[1;5D\x1b"
       "b\x1b"
       "f",
       {{Kind::word_right}, {Kind::word_left}, {Kind::word_left}, {Kind::word_right}}},
      {"\x1b[3~\x1b[1~\x1b[4~\x1b[7~\x1b[8~",
       {{Kind::erase_at}, {Kind::start}, {Kind::end}, {Kind::start}, {Kind::end}}},
      {"\x7f\x08\x01\x05\x17\x15\x0b\x19\x14",
       {{Kind::erase_before},
        {Kind::erase_before},
        {Kind::start},
        {Kind::end},
        {Kind::erase_word},
        {Kind::erase_to_start},
        {Kind::erase_to_end},
        {Kind::insert_erased},
        {Kind::swap}}},
      {"\x1b\r", {{Kind::line_end}}},
      {"a\x1b[99;99;99zb", {text("ab")}},
      {"\x1b[38;5;1mred", {text("red")}},
      {"\x1b\x1b[A", {{Kind::previous}}},
      {"\x1b[\x1b[A", {{Kind::previous}}},
      {"\x1b[1\x03", {{Kind::interrupt}}},
      {"a\xff\x80z", {text("a\ufffd\ufffdz")}},
      {"\xe6\x97x", {text("\ufffdx")}},
      {"\xe6\r", {text("\ufffd"), {Kind::enter}}},
      {"\xc2\x9b", {}},
      {"\x01\x02\x00", {{Kind::start}, {Kind::left}}},
  };
  for (const Row& row : rows) {
    CAPTURE(row.octets);
    CHECK(read(row.octets) == row.keys);
  }
}

TEST_CASE("keys are the same in whatever pieces their octets come") {
  const std::string all = "a\u65e5\x1b[1;5C\x1b[200~two\r\nlines\x1b[201~\x1bOA\r";
  Keys whole(100);
  const Sequence wanted = whole.take(all);
  for (std::size_t cut = 0; cut <= all.size(); ++cut) {
    Keys keys(100);
    Sequence got = keys.take(all.substr(0, cut));
    for (const Key& key : keys.take(all.substr(cut))) {
      if (key.kind == Kind::text && !got.empty() && got.back().kind == Kind::text)
        got.back().text += key.text;
      else
        got.push_back(key);
    }
    CAPTURE(cut);
    CHECK(got == wanted);
  }
}

TEST_CASE("a paste is one key: its line ends do not send it, and its escape sequences do nothing") {
  CHECK(read("\x1b[200~quit\r\nnow\rthen\n\x1b[201~") == Sequence{{Kind::paste, "quit\nnow\nthen\n"}});
  CHECK(read("\x1b[200~a\x1b[Ab\x03\x1b[201~c") == Sequence{{Kind::paste, "a[Ab"}, text("c")});
  CHECK(read("\x1b[200~\x1b[201\x1b[201~") == Sequence{{Kind::paste, "[201"}});
  CHECK(read("\x1b[200~\xff\t\x1b[201~") == Sequence{{Kind::paste, "\ufffd\t"}});
}

TEST_CASE("a paste over the limit is left out, however long it goes on") {
  Keys keys(100);
  CHECK(keys.take("\x1b[200~" + std::string(101, 'x')).empty());
  CHECK(keys.take(std::string(5000, 'x') + "\x1b[201~ok") == Sequence{{Kind::paste_too_big}, text("ok")});
  CHECK(keys.take("\x1b[200~" + std::string(100, 'x') + "\x1b[201~") ==
        Sequence{{Kind::paste, std::string(100, 'x')}});
}
