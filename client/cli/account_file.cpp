#include "client/cli/account_file.hpp"

#include <cstdlib>

#include "client/cli/files.hpp"
#include "protocol/base/text.hpp"

namespace beckon::client::cli {
namespace {

using accounts::Outcome;
using accounts::Problem;

std::filesystem::path config_folder() {
  const char* config = std::getenv("XDG_CONFIG_HOME");
  if (config != nullptr && *config != '\0') return std::filesystem::path(config) / "beckon";
  const char* home = std::getenv("HOME");
  return std::filesystem::path(home != nullptr ? home : ".") / ".config/beckon";
}

Problem problem(const std::filesystem::path& file, const ErrorCode& error) {
  return {file.string() + ": " + error.message()};
}

}  // namespace

AccountFile::AccountFile() : AccountFile(config_folder()) {}

std::string file_name_of(std::string_view account) {
  std::string name;
  for (const char c : account) {
    if (is_alpha(c) || is_digit(c) || std::string_view("-_.@+").find(c) != std::string_view::npos) {
      name += c;
    } else {
      name += '%' + to_hex(as_bytes(std::string_view(&c, 1)));
    }
  }
  return name;
}

std::filesystem::path AccountFile::password_path(std::string_view account) const {
  return folder_ / "passwords" / file_name_of(account);
}

Outcome<std::string> AccountFile::text() const {
  const auto read = read_file(path());
  if (!read) return problem(path(), read.error());
  return accounts::good(read->value_or(std::string()));
}

Outcome<accounts::Accounts> AccountFile::read() const {
  const auto content = text();
  if (!content) return content.error();
  auto parsed = accounts::parse(*content);
  if (!parsed) return Problem{path().string() + ": " + parsed.error().text};
  return parsed;
}

Outcome<void> AccountFile::write(std::string_view text) const {
  auto done = make_folder(folder_);
  if (done) done = write_file(path(), text);
  if (!done) return problem(path(), done.error());
  return {};
}

Outcome<void> AccountFile::write_password(std::string_view account, std::string_view password) const {
  const auto file = password_path(account);
  auto done = make_folder(file.parent_path());
  if (done) done = write_file(file, std::string(password) + '\n');
  if (!done) return problem(file, done.error());
  return {};
}

void AccountFile::remove_password(std::string_view account) const {
  std::error_code ignored;
  std::filesystem::remove(password_path(account), ignored);
}

}  // namespace beckon::client::cli
