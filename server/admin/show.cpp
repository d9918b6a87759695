#include "server/admin/show.hpp"

#include <ostream>
#include <string>

#include "server/admin/socket.hpp"
#include "server/admin/tables.hpp"
#include "server/users/user.hpp"

namespace beckon::server::admin {

Exit run_show(const CommandLine& line, std::ostream& out, std::ostream& errors) {
  const auto fail = [&errors](Exit code, const std::string& what) {
    errors << "beckond: " << what << '\n';
    return code;
  };
  std::string question = "tables";
  if (line.verb == CommandLine::Verb::explain) {
    const auto aor = users::canonical_aor(line.argument);
    if (!aor) return fail(Exit::usage, line.argument + ": " + aor.error().message());
    question = "about " + *aor;
  }
  const auto text = ask(socket_path(line.config.data), question);
  if (!text) return fail(Exit::failed, text.error().message() + " (" + line.config.data.string() + ')');
  auto tables = parse_json(*text);
  if (!tables) {
    const auto why = reason_of_refusal(*text);
    return fail(Exit::failed, why ? "refused: " + *why : tables.error().message());
  }
  if (line.verb == CommandLine::Verb::tables && !line.argument.empty()) {
    std::erase_if(*tables, [&](const Table& table) { return table.name != line.argument; });
    if (tables->empty()) return fail(Exit::usage, "there is no table \"" + line.argument + '"');
  }
  out << (line.json ? print_json(*tables) + '\n' : print_text(*tables));
  return Exit::done;
}

}  // namespace beckon::server::admin
