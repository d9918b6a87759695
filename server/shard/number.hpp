#pragma once

#include <optional>

#include "protocol/sip/message.hpp"
#include "server/config/settings.hpp"

namespace beckon::server {

/// The user whom a telephone number names: "sip:+4930123@example.org" for "tel:+49-30-123", of the node's
/// first domain, and for a SIP URI with user=phone in a domain served here. A local number is one of its
/// phone-context, which is such a domain (RFC 3966 5.1.5). Absent for every other URI, and for a number with
/// an extension or a subaddress.
std::optional<sip::Uri> user_of_number(const sip::Uri& uri, const Settings& settings);

/// A request to a telephone number, or to a "pres" or "im" URI of a domain served here (RFC 3856 5, RFC 3428
/// 3), as one to that user. Absent for every other request, and for REGISTER, whose Request-URI is a domain.
std::optional<sip::Message> name_user(const sip::Message& request, const Settings& settings);

}  // namespace beckon::server
