#pragma once

#include <string_view>

#include "protocol/sip/message.hpp"
#include "server/config/settings.hpp"

namespace beckon::server {

/// Do credentials with this `uri` speak for that request (RFC 7616 3.4.6)? A proxy on the way may have put
/// another Request-URI (RFC 3261 22.4 no. 6), so the user and host of Request-URI or To are enough, and for
/// any request a name of this server, which it went to first (SIPp: "sip:host:port"). COMPAT: parameters,
/// port, escapes and sip or sips do not matter; liblinphone repeats an INVITE's credentials, with its `uri`,
/// in the ACK that goes to another one.
bool is_covered(std::string_view uri, const sip::Message& request, const Settings& settings);

/// The same for HTTP: the request target, with or without "https://host" in front, and in whatever escapes.
bool is_covered(std::string_view uri, std::string_view http_target);

}  // namespace beckon::server
