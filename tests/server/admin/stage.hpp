#pragma once

#include <doctest/doctest.h>

#include <atomic>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "server/admin/show.hpp"
#include "server/admin/socket.hpp"
#include "server/admin/tables.hpp"
#include "server/admin/trace.hpp"
#include "server/admin/users.hpp"
#include "tests/support/temporary_folder.hpp"

/// A data folder with the commands that work on it, and a running server's admin socket with those that ask
/// it.
namespace beckon::server::test {

using namespace beckon::server::admin;
using Verb = CommandLine::Verb;

/// A data folder of its own that goes with the test.
class Folder {
 public:
  const std::filesystem::path& path() const { return folder_.path(); }

  struct Said {
    Exit exit;
    std::string out;
    std::string err;
  };
  Said user(Verb verb, const std::string& argument, const std::string& input = "secret\n",
            bool json = false) const {
    return run(CommandLine{.verb = verb, .config = {}, .argument = argument, .json = json}, input);
  }
  Said invite(const std::string& argument, const std::string& server = {}) const {
    return run(CommandLine{.verb = Verb::user_invite, .config = {}, .argument = argument, .server = server},
               "");
  }

 private:
  Said run(CommandLine line, const std::string& input) const {
    line.config.data = path();
    std::istringstream in(input);
    std::ostringstream out;
    std::ostringstream err;
    const Exit exit = run_user_command(line, in, out, err);
    return {exit, out.str(), err.str()};
  }

  beckon::test::TemporaryFolder folder_;
};

/// A server that answers no question yet, and what the commands print.
struct Asking {
  explicit Asking(Socket::Handler handler) : socket(loop, std::move(handler)) {
    REQUIRE(socket.listen(socket_path(folder.path())).has_value());
  }
  Exit trace(const std::string& about, bool json = false) { return run(Verb::trace, about, json); }
  Exit run(Verb verb, const std::string& argument, bool json = false, const std::string& watcher = {}) {
    CommandLine line{.verb = verb, .config = {}, .argument = argument, .watcher = watcher, .json = json};
    line.config.data = folder.path();
    Exit exit = Exit::done;
    std::atomic<bool> done = false;
    std::jthread asker([&] {
      exit = verb == Verb::trace ? run_trace(line, out, errors) : run_show(line, out, errors);
      loop.post([&] { done = true; });
    });
    CHECK(loop.run_until([&] { return done.load(); }, 10s));
    return exit;
  }

  const Folder folder;
  net::Loop loop;
  Socket socket;
  std::ostringstream out, errors;
};

inline const std::vector<Table> example{{.name = "bindings",
                                         .rows = {{{"aor", "sip:alice@example.org"}, {"expires", "60"}},
                                                  {{"aor", "sip:bo@x"}, {"expires", "3600"}}}},
                                        {.name = "PIT", .rows = {}}};

}  // namespace beckon::server::test
