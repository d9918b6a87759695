#include <sys/stat.h>

#include <exception>
#include <iostream>

#include "server/admin/rooms.hpp"
#include "server/admin/show.hpp"
#include "server/admin/terminal.hpp"
#include "server/admin/trace.hpp"
#include "server/admin/users.hpp"
#include "server/config/command_line.hpp"
#include "server/daemon/daemon.hpp"

namespace {

using namespace beckon;
using namespace beckon::server;
using Verb = CommandLine::Verb;

Exit fail(Exit code, const std::string& what) {
  std::cerr << "beckond: " << what << '\n';
  return code;
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
    case Verb::explain:
      return admin::run_show(line, std::cout, std::cerr);
    case Verb::trace:
      return admin::run_trace(line, std::cout, std::cerr);
    case Verb::check_config:
      return check_config(line);
    case Verb::room_add:
    case Verb::room_list:
    case Verb::room_remove:
      return admin::run_room_command(line, std::cout, std::cerr);
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
    ::umask(077);  // its files are readable by their owner only
    const auto line = parse_command_line(argc, argv);
    if (const auto* exit = std::get_if<Exit>(&line)) return static_cast<int>(*exit);
    return static_cast<int>(run(std::get<CommandLine>(line)));
  } catch (const std::exception& error) {
    return static_cast<int>(fail(Exit::failed, error.what()));
  }
}
