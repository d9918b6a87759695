#include <sys/stat.h>

#include <algorithm>
#include <exception>
#include <iostream>

#include "server/admin/socket.hpp"
#include "server/admin/tables.hpp"
#include "server/admin/terminal.hpp"
#include "server/admin/trace.hpp"
#include "server/admin/users.hpp"
#include "server/config/command_line.hpp"
#include "server/daemon.hpp"
#include "server/users/user.hpp"

namespace {

using namespace beckon;
using namespace beckon::server;
using Verb = CommandLine::Verb;

Exit fail(Exit code, const std::string& what) {
  std::cerr << "beckond: " << what << '\n';
  return code;
}

Exit show(const CommandLine& line, const std::string& question) {
  const auto text = admin::ask(admin::socket_path(line.config.data), question);
  if (!text) return fail(Exit::failed, text.error().message() + " (" + line.config.data.string() + ')');
  auto tables = admin::parse_json(*text);
  if (!tables) return fail(Exit::failed, tables.error().message());
  if (line.verb == Verb::tables && !line.argument.empty()) {
    std::erase_if(*tables, [&](const Table& table) { return table.name != line.argument; });
    if (tables->empty()) return fail(Exit::usage, "there is no table \"" + line.argument + '"');
  }
  std::cout << (line.json ? admin::print_json(*tables) + '\n' : admin::print_text(*tables));
  return Exit::done;
}

Exit explain(const CommandLine& line) {
  const auto aor = users::canonical_aor(line.argument);
  if (!aor) return fail(Exit::usage, line.argument + ": " + aor.error().message());
  return show(line, "about " + *aor);
}

Exit check_config(const CommandLine& line) {
  Config config;
  auto problem = read_file(line.argument, config);
  if (!problem) problem = check(config);
  if (problem) return fail(Exit::usage, *problem);
  std::cout << line.argument << " is right\n";
  return Exit::done;
}

Exit run(const CommandLine& line) {
  switch (line.verb) {
    case Verb::run:
      return serve(line.config);
    case Verb::tables:
      return show(line, "tables");
    case Verb::explain:
      return explain(line);
    case Verb::trace:
      return admin::run_trace(line, std::cout, std::cerr);
    case Verb::check_config:
      return check_config(line);
    case Verb::user_add:
    case Verb::user_passwd: {
      const admin::PasswordPrompt prompt(line.argument);
      return admin::run_user_command(line, std::cin, std::cout, std::cerr);
    }
    default:
      return admin::run_user_command(line, std::cin, std::cout, std::cerr);
  }
}

}  // namespace

int main(int argc, char** argv) {
  try {
    ::umask(077);  // all it writes is the owner's
    const auto line = parse_command_line(argc, argv);
    if (const auto* exit = std::get_if<Exit>(&line)) return static_cast<int>(*exit);
    return static_cast<int>(run(std::get<CommandLine>(line)));
  } catch (const std::exception& error) {
    return static_cast<int>(fail(Exit::failed, error.what()));
  }
}
