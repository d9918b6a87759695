#pragma once

#include <termios.h>

#include <string>

namespace beckon::server::admin {

/// Where standard input is a terminal: asks for a password on standard error and hides what is typed, as long
/// as it exists. Elsewhere it has no effect.
class PasswordPrompt {
 public:
  explicit PasswordPrompt(const std::string& user);
  ~PasswordPrompt();
  PasswordPrompt(const PasswordPrompt&) = delete;
  PasswordPrompt& operator=(const PasswordPrompt&) = delete;

 private:
  bool active_ = false;
  termios before_{};
};

}  // namespace beckon::server::admin
