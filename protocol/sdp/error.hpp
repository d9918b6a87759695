#pragma once

#include "protocol/base/result.hpp"

namespace beckon::sdp {

/// Why a session description was refused. Values are stable: they appear in logs.
enum class Errc {
  too_long = 1,      ///< The text is longer than Limits::size.
  too_many_lines,    ///< More lines than Limits::lines.
  too_many_media,    ///< More m= lines than Limits::media.
  too_many_formats,  ///< An m= line with more formats than Limits::formats.
  bad_line,          ///< A line is not "letter=text", or holds NUL or a CR of its own (RFC 8866 5).
  unknown_type,  ///< A type letter RFC 8866 does not have; such a description is refused whole (RFC 8866 5).
  misplaced_line,    ///< A line of the session's level after the first m=, or anything before v=.
  duplicate_line,    ///< A line that may stand once stands twice.
  missing_origin,    ///< There is no o= line.
  bad_version,       ///< v= is not 0 (RFC 8866 5.1).
  bad_origin,        ///< o= is not six words, the second and third numbers (RFC 8866 5.2).
  bad_connection,    ///< c= is not "nettype addrtype address" (RFC 8866 5.7).
  bad_bandwidth,     ///< b= is not "type:number" (RFC 8866 5.8).
  bad_time,          ///< t= is not two numbers, or r= or z= has no t= before it (RFC 8866 5.9 to 5.11).
  bad_media,         ///< m= is not "media port[/count] proto fmt ..." (RFC 8866 5.14).
  bad_attribute,     ///< The name of an attribute is no token (RFC 8866 5.13), or
  bad_value,         ///< the value of an attribute is not what its specification says.
  no_common_stream,  ///< An offer without an audio stream that this end can take: answer 488 (RFC
                     ///< 3261 21.4.26).
  bad_answer,        ///< An answer that takes nothing of the offer, or what was not in it: end the call.
};
const char* to_string(Errc value);

}  // namespace beckon::sdp

BECKON_ERROR_ENUM(beckon::sdp, Errc, "beckon.sdp")
