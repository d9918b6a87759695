#pragma once

#include "protocol/base/result.hpp"

namespace beckon::server::admin {

/// Why the running server could not be asked.
enum class Errc {
  not_running = 1,  ///< Nobody listens on the socket of that data folder.
  cannot_listen,    ///< The socket's path is too long, or its folder not writable.
  bad_answer,       ///< What came back is not what this version understands.
};
const char* to_string(Errc value);

}  // namespace beckon::server::admin

BECKON_ERROR_ENUM(beckon::server::admin, Errc, "beckon.admin")
