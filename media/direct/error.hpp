#pragma once

#include "protocol/base/result.hpp"

namespace beckon::direct {

/// Why nothing was done. Values are stable: they appear in logs.
enum class Errc {
  no_candidate = 1,  ///< No candidate passes the filter (DIRECT_SESSIONS 5): use INVITE.
  no_media,          ///< The offer has no media line, or more than two: use INVITE.
  no_permission,     ///< Mode `off`, or no ticket: use INVITE.
  too_soon,          ///< The last attempt to this AOR began less than 2 s ago: try again later.
  unknown_call,      ///< No session of that name in a state where this could be done.
  malformed,         ///< A HELLO whose lengths do not add up.
  unknown_version,   ///< A HELLO of another version.
  bad_mac,           ///< A HELLO not made with the psk of its ticket.
  not_opened,        ///< A HELLO not sealed for us by the holder of the device key it names.
  bad_body,          ///< A HELLO body with a wrong or missing item.
};
const char* to_string(Errc value);

}  // namespace beckon::direct

BECKON_ERROR_ENUM(beckon::direct, Errc, "beckon.direct")
