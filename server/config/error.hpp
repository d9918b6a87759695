#pragma once

#include "protocol/base/result.hpp"

namespace beckon::server {

/// What is wrong with a configuration.
enum class Errc {
  bad_listener = 1,  ///< Not KIND:ADDRESS:PORT with a kind we know.
  bad_address,       ///< The address is no IPv4 or IPv6 literal with a port.
};
const char* to_string(Errc value);

}  // namespace beckon::server

BECKON_ERROR_ENUM(beckon::server, Errc, "beckon.config")
