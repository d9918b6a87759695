#pragma once

#include "protocol/base/result.hpp"

namespace beckon::users {

/// Why a user could not be made or read.
enum class Errc {
  bad_aor = 1,   ///< Not "alice@example.org" or "sip:alice@example.org", or longer than `aor_max`.
  bad_password,  ///< Empty, longer than `password_max`, or holding control characters.
  bad_line,      ///< A line of an import file is not "AOR PASSWORD".
  bad_record,    ///< A stored record cannot be read back: the file is damaged.
};
const char* to_string(Errc value);

}  // namespace beckon::users

BECKON_ERROR_ENUM(beckon::users, Errc, "beckon.users")
