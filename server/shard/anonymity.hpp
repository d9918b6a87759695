#pragma once

#include <string>

#include "protocol/sip/message.hpp"
#include "protocol/sip/view.hpp"
#include "server/config/settings.hpp"

/// Senders who do not show who they are (RFC 3323 4.1.1.3): their credentials say so to their own server.
namespace beckon::server {

/// "sip:anonymous@anonymous.invalid", whatever its user part.
bool is_anonymous(const sip::UriView& sender);
/// The same of From.
bool has_anonymous_sender(const sip::Message& request);

/// The realm that such a sender is asked for: of the credentials that are there, else the domain that the
/// request is for, else the first one.
std::string realm_of_anonymous(const sip::Message& request, const Settings& settings);

}  // namespace beckon::server
