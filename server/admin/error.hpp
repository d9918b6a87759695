#pragma once

#include "protocol/base/result.hpp"

namespace beckon::server::admin {

/// Why the running server gave no answer.
enum class Errc {
  not_running = 1,  ///< No server listens on the socket of that data folder.
  cannot_listen,    ///< The socket's path is too long, or its folder not writable.
  bad_answer,       ///< The answer is not one that this version understands.
};
const char* to_string(Errc value);

}  // namespace beckon::server::admin

BECKON_ERROR_ENUM(beckon::server::admin, Errc, "beckon.admin")
