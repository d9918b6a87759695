#pragma once

#include "protocol/base/result.hpp"

namespace beckon::auth {

/// Why a challenge or credentials could not be read. Values are stable: they appear in logs.
enum class Errc {
  not_digest = 1,     ///< Another scheme than Digest.
  bad_syntax,         ///< Not name=value pairs with commas, or a name stands twice (RFC 7616 3.3, 3.4).
  missing_directive,  ///< A directive the RFC demands is absent.
  unknown_algorithm,  ///< An algorithm that is none of `Algorithm`: take another challenge.
  unknown_qop,        ///< No quality of protection we know is offered or used.
};
const char* to_string(Errc value);

}  // namespace beckon::auth

BECKON_ERROR_ENUM(beckon::auth, Errc, "beckon.auth")
