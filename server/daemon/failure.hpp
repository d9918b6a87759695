#pragma once

#include <string>

#include "server/config/command_line.hpp"

namespace beckon::server {

/// Why the server cannot start: the exit code, and one line for the administrator.
struct Failure {
  Exit exit;
  std::string what;
};

inline Failure cannot_listen(const Listener& listener, const ErrorCode& error) {
  return {Exit::cannot_listen, "cannot listen on " + print(listener) + ": " + error.message()};
}

}  // namespace beckon::server
