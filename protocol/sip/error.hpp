#pragma once

#include "protocol/base/result.hpp"

namespace beckon::sip {

/// Why a SIP text could not be read. Values are stable: they appear in logs.
enum class Errc {
  need_more = 1,    ///< The bytes end before the message does; read more and call again.
  bad_start_line,   ///< Neither a request line nor a status line (RFC 3261 7.1, 7.2).
  bad_version,      ///< A request line whose version is not SIP/2.0: answer 505.
  bad_header,       ///< A header line without colon, or a name that is no token.
  missing_header,   ///< One of Via, From, To, Call-ID, CSeq is absent (RFC 3261 8.1.1): answer 400.
  repeated_header,  ///< A header that may stand once stands twice with different values: answer 400.
  bad_value,        ///< A typed header's value does not follow its grammar: answer 400.
  bad_uri,          ///< A URI does not follow RFC 3261 25.1.
  bad_port,         ///< A port is empty, not decimal, or above 65535.
  bad_length,       ///< Content-Length is no number, contradicts another one, or exceeds what came.
  too_long,         ///< Past a limit of `Limits`: answer 413, 414 or 513, or close the stream.
  bad_scheme,       ///< The Request-URI's scheme is none we serve: answer 416.
};
const char* to_string(Errc value);

}  // namespace beckon::sip

BECKON_ERROR_ENUM(beckon::sip, Errc, "beckon.sip")
