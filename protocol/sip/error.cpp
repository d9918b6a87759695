#include "protocol/sip/error.hpp"

namespace beckon::sip {

const char* to_string(Errc value) {
  switch (value) {
    case Errc::need_more:
      return "message is incomplete";
    case Errc::bad_start_line:
      return "neither request line nor status line";
    case Errc::bad_version:
      return "version is not SIP/2.0";
    case Errc::bad_header:
      return "malformed header line";
    case Errc::missing_header:
      return "mandatory header is missing";
    case Errc::repeated_header:
      return "header stands more than once";
    case Errc::bad_value:
      return "malformed header value";
    case Errc::bad_uri:
      return "malformed URI";
    case Errc::bad_port:
      return "malformed port";
    case Errc::bad_length:
      return "wrong Content-Length";
    case Errc::too_long:
      return "past a limit";
    case Errc::bad_scheme:
      return "unsupported URI scheme";
  }
  return "unknown";
}

}  // namespace beckon::sip
