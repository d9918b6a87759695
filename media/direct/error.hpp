#pragma once

#include "protocol/base/result.hpp"

namespace beckon::direct {

/// Why a request failed. Values are stable: they appear in logs.
enum class Errc {
  no_candidate = 1,  ///< No candidate passes the filter (DIRECT_SESSIONS 5): use INVITE.
  no_media,          ///< The offer has no media line, or more than two: use INVITE.
  no_permission,     ///< Mode `off`, or no ticket: use INVITE.
  too_soon,          ///< The last attempt to this AOR began less than 2 s ago: try again later.
  unknown_call,      ///< No such session, or not in a state where this is possible.
  malformed,         ///< A HELLO whose lengths do not add up.
  unknown_version,   ///< A HELLO of another version.
  bad_mac,           ///< A HELLO not made with the psk of its ticket.
  not_opened,        ///< A HELLO that the holder of the device key it names did not seal for this device.
  bad_body,          ///< A HELLO body with a wrong or missing item.
};
const char* to_string(Errc value);

}  // namespace beckon::direct

BECKON_ERROR_ENUM(beckon::direct, Errc, "beckon.direct")
