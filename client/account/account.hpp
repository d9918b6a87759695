#pragma once

#include <string>
#include <string_view>

#include "protocol/base/result.hpp"

namespace beckon::client::account {

/// The user and the device, as the server knows them.
struct Account {
  std::string aor;       ///< "sip:alice@example.org"
  std::string user;      ///< "alice"
  std::string domain;    ///< "example.org"
  std::string password;  ///< In clear only here; never logged or stored.
  std::string instance;  ///< "urn:uuid:...", the device (RFC 5626 4.1).
};

/// "alice@example.org" or "sip:alice@example.org"; password and instance stay empty. Errors:
/// sip::Errc::bad_uri.
Result<Account> parse_account(std::string_view text);

}  // namespace beckon::client::account
