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
    user_invite,
    user_import,
    user_list,
    user_passwd,
    user_disable,
    user_enable,
    user_remove,
    room_add,
    room_list,
    room_remove,
    tables,
    explain,
    trace,
    check_config,
  };
  Verb verb = Verb::run;
  Config config;          ///< File and options together; `data` is never empty.
  std::string argument;   ///< The user, the room, the import file, the table, the file to check, or the
                          ///< subject of a trace; empty for none.
  std::string watcher{};  ///< Of `explain`; may be empty.
  std::string owner{}, topic{};  ///< Of a room.
  std::string server{};          ///< Of an invitation: where the invited find the server; empty: as it knows.
  bool json = false;             ///< Tables, lists and traces as JSON.
  bool follow = false;           ///< A trace continues with new messages.
  bool full = false;             ///< A trace shows whole messages, but for what people write to each other,
  bool writing = false;          ///< and that, too.
};

/// Exit codes of the program (DESIGN 5).
enum class Exit : int { done = 0, usage = 2, cannot_listen = 3, store = 4, failed = 5 };

/// Reads the command line and the configuration file it names. An exit code when no work is left:
/// help or the version was printed, or an error was printed on standard error.
std::variant<CommandLine, Exit> parse_command_line(int argc, const char* const* argv);

}  // namespace beckon::server
