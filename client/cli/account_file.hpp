#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "client/accounts/accounts.hpp"

namespace beckon::client::cli {

/// A file's name for this address: it stays in its folder, whatever the address is.
std::string file_name_of(std::string_view account);

/// The folder $XDG_CONFIG_HOME/beckon, else ~/.config/beckon: `accounts.toml`, and in `passwords` one file
/// for each account, all of mode 0600.
class AccountFile {
 public:
  AccountFile();
  explicit AccountFile(std::filesystem::path folder) : folder_(std::move(folder)) {}

  std::filesystem::path path() const { return folder_ / "accounts.toml"; }
  std::filesystem::path password_path(std::string_view account) const;

  /// Empty where there is no file.
  accounts::Outcome<std::string> text() const;
  accounts::Outcome<accounts::Accounts> read() const;
  accounts::Outcome<void> write(std::string_view text) const;
  accounts::Outcome<void> write_password(std::string_view account, std::string_view password) const;
  void remove_password(std::string_view account) const;

 private:
  std::filesystem::path folder_;
};

}  // namespace beckon::client::cli
