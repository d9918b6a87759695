#pragma once

#include <string>
#include <variant>

#include "server/config/config.hpp"

namespace beckon::server {

/// What `beckond` was asked to do (DESIGN 5).
struct CommandLine {
  enum class Verb {
    run,
    user_add,
    user_import,
    user_list,
    user_passwd,
    user_disable,
    user_enable,
    user_remove,
    tables,
    explain,
    trace,
    check_config,
  };
  Verb verb = Verb::run;
  Config config;         ///< File and options together; `data` is never empty.
  std::string argument;  ///< The user, the import file, the table, the file to check, or whom a trace is
                         ///< about; empty for none.
  bool json = false;     ///< Tables, lists and traces as JSON.
  bool follow = false;   ///< A trace goes on with what comes.
  bool full = false;     ///< A trace shows whole messages.
};

/// Exit codes of the program (DESIGN 5).
enum class Exit : int { done = 0, usage = 2, cannot_listen = 3, store = 4, failed = 5 };

/// Reads the command line and the configuration file it names. An exit code when there is nothing left to do:
/// help or the version was printed, or what is wrong was told on standard error.
std::variant<CommandLine, Exit> parse_command_line(int argc, const char* const* argv);

}  // namespace beckon::server
