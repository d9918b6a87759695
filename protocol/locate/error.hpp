#pragma once

#include "protocol/base/result.hpp"

namespace beckon::locate {

/// Why no hop was found, or why a name server's answer could not be read.
enum class Errc {
  bad_uri = 1,   ///< Not a SIP or SIPS URI, or one that no request can be sent to.
  no_transport,  ///< It asks for a transport we do not dial, or for one that SIPS excludes (RFC 3261 19.1.2).
  no_service,    ///< The domain says that it has no SIP service (RFC 2782: target ".").
  no_address,    ///< No record leads to an address.
  no_answer,     ///< The name servers did not answer in time, or could not.
  busy,          ///< More searches than are kept at once: try later.
  bad_answer,    ///< Octets that are no DNS answer to the question asked.
};
const char* to_string(Errc value);

}  // namespace beckon::locate

BECKON_ERROR_ENUM(beckon::locate, Errc, "beckon.locate")
