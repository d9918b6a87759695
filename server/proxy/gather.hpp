#pragma once

#include <optional>
#include <span>

#include "protocol/sip/message.hpp"

namespace beckon::server::proxy {

/// The answer to pass on when several branches have refused: `best` with the challenges of the `others`,
/// where it is a 401 or 407 (RFC 3261 16.7 step 7), or with their Contacts, where it is a 300, 301 or 302.
/// Nothing where they add nothing.
std::optional<sip::Message> gather(const sip::Message& best, std::span<const sip::Message* const> others);

/// `redirection` with these Contacts in place of its own.
std::optional<sip::Message> with_contacts(const sip::Message& redirection, std::string_view contacts);

}  // namespace beckon::server::proxy
