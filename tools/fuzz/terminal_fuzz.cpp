#include <cstdlib>

#include "client/control/command.hpp"
#include "client/terminal/characters.hpp"
#include "client/terminal/prompt.hpp"
#include "protocol/base/bytes.hpp"
#include "protocol/base/text.hpp"

using namespace beckon;
using namespace beckon::client::terminal;

namespace {

/// What a prompt shows is UTF-8, and every escape sequence in it is one of its own.
void check(std::string_view written) {
  if (!is_utf8(written)) std::abort();
  while (!written.empty()) {
    if (written.starts_with("\x1b[")) {
      const auto end = written.find_first_of("KCmhlHJ");
      if (end == std::string_view::npos || end > 12) std::abort();
      written.remove_prefix(end + 1);
      continue;
    }
    const Character character = first_character(written);
    const bool moves = character.code == '\r' || character.code == '\n' || character.code == '\a';
    if (is_dangerous(character.code) && !moves) std::abort();
    written.remove_prefix(character.octets.size());
  }
}

}  // namespace

/// Octet 0: the columns of the terminal, and the size of the pieces; then what is typed. A notice comes after
/// each piece.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::size_t piece = data[0] % 16 + 1;
  std::string_view typed = as_text({data + 1, size - 1});
  Names names("example.org");
  names.learn(boost::json::object{{"event", "presence"}, {"of", "sip:bob@example.org"}});
  Prompt prompt({.name = "alice", .colour = true, .columns = data[0], .line_max = 2000},
                {.write = check,
                 .on_line =
                     [&](const std::string& line) {
                       if (!is_utf8(line)) std::abort();
                       if (const auto command = client::control::parse_line(line, "example.org"))
                         names.learn(*command);
                     },
                 .on_interrupt = [] {},
                 .on_end = [] {},
                 .complete = [&](std::string_view before) { return complete(before, names, {"help"}); }},
                History::parse("message bob hi\nquit\n"));
  prompt.start();
  while (!typed.empty()) {
    prompt.take(typed.substr(0, piece));
    prompt.show("a notice\n");
    typed.remove_prefix(std::min(piece, typed.size()));
  }
  if (History::parse(prompt.history().print()).lines() != prompt.history().lines()) std::abort();
  prompt.stop();
  return 0;
}
