#pragma once

#include <boost/system/result.hpp>
#include <filesystem>
#include <string>

#include "client/accounts/accounts.hpp"

namespace beckon::client::cli {

/// Where a password may come from, in the order in which they are asked.
struct PasswordPlaces {
  std::string file{};              ///< --password-file; its first line.
  std::string account_file{};      ///< `password_file` of the account.
  std::filesystem::path stored{};  ///< What `beckon account add` wrote. Others must not be able to read it.
};

/// The password of `account`: from --password-file, $BECKON_PASSWORD, the account's file, what was stored,
/// the systemd credential "beckon-password" ($CREDENTIALS_DIRECTORY), else a prompt if this is a terminal.
accounts::Outcome<std::string> find_password(const PasswordPlaces& places, const std::string& account);

/// Asks at the terminal without showing what is typed; reads a line where this is none.
std::string prompt_hidden(const std::string& question);

}  // namespace beckon::client::cli
