#pragma once

#include <string>
#include <string_view>

#include "protocol/base/result.hpp"

/// The document of services (RFC 4826 4): addresses that stand for lists. Texts in, texts out, pure.
namespace beckon::client::contacts {

/// The address of the first service for `package` whose list is at `reference`, an absolute URI of XCAP below
/// `root`; empty: there is none. The host in it does not count. Errors: those of
/// documents::parse_rls_services.
Result<std::string> find_service(std::string_view text, const std::string& reference, const std::string& root,
                                 const std::string& package);
/// Adds a service for every event package. Errors: the same; documents::Errc::duplicate_id, the document has
/// that address.
Result<std::string> add_service(std::string_view text, const std::string& uri, const std::string& reference);

}  // namespace beckon::client::contacts
