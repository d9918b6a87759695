#pragma once

#include <span>
#include <string>

#include "client/accounts/accounts.hpp"
#include "client/cli/account_file.hpp"

namespace beckon::client::cli {

/// `beckon account add|list|remove|default ...`: `words` begin with "account". `given` holds what the options
/// say: "account add alice@example.org" stores it. Prints what was done, or what is wrong; the exit code.
/// `json`: "account list" prints an object for each account.
int run_account_command(std::span<const std::string> words, const accounts::Entry& given, bool json,
                        const AccountFile& file);

}  // namespace beckon::client::cli
