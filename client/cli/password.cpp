#include "client/cli/password.hpp"

#include <termios.h>
#include <unistd.h>

#include <cstdlib>
#include <iostream>

#include "client/cli/files.hpp"

namespace beckon::client::cli {
namespace {

using accounts::Outcome;
using accounts::Problem;

/// The first line; a carriage return at its end is not part of the password.
Outcome<std::string> read_first_line(const std::filesystem::path& file) {
  const auto text = read_file(file);
  if (!text) return Problem{"the password in " + file.string() + ": " + text.error().message()};
  std::string line = text->value_or("");
  line.resize(std::min(line.find('\n'), line.size()));
  if (line.ends_with('\r')) line.pop_back();
  if (line.empty()) return Problem{"no password in " + file.string()};
  return accounts::good(line);
}

std::filesystem::path credential() {
  const char* folder = std::getenv("CREDENTIALS_DIRECTORY");
  return folder != nullptr && *folder != '\0' ? std::filesystem::path(folder) / "beckon-password"
                                              : std::filesystem::path();
}

bool is_there(const std::filesystem::path& file) {
  std::error_code error;
  return !file.empty() && std::filesystem::exists(file, error);
}

}  // namespace

std::string prompt_hidden(const std::string& question) {
  std::cerr << question << std::flush;
  termios shown{};
  const bool terminal = tcgetattr(STDIN_FILENO, &shown) == 0;
  if (terminal) {
    termios hidden = shown;
    hidden.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    tcsetattr(STDIN_FILENO, TCSANOW, &hidden);
  }
  std::string line;
  std::getline(std::cin, line);
  if (terminal) tcsetattr(STDIN_FILENO, TCSANOW, &shown);
  std::cerr << '\n';
  return line;
}

Outcome<std::string> find_password(const PasswordPlaces& places, const std::string& account) {
  if (!places.file.empty()) return read_first_line(places.file);
  if (const char* given = std::getenv("BECKON_PASSWORD"); given != nullptr) return accounts::good(given);
  if (!places.account_file.empty()) return read_first_line(places.account_file);
  if (is_there(places.stored)) {
    if (is_shared(places.stored))
      return Problem{"others can read " + places.stored.string() +
                     ": chmod 600 it, and ask for a new password"};
    return read_first_line(places.stored);
  }
  if (const auto file = credential(); is_there(file)) return read_first_line(file);
  if (isatty(STDIN_FILENO) != 0) return accounts::good(prompt_hidden("Password of " + account + ": "));
  return Problem{"no password: set BECKON_PASSWORD, give --password-file, or run on a terminal"};
}

}  // namespace beckon::client::cli
