#include "server/admin/terminal.hpp"

#include <unistd.h>

#include <iostream>

namespace beckon::server::admin {

PasswordPrompt::PasswordPrompt(const std::string& user) {
  if (::isatty(STDIN_FILENO) == 0 || ::tcgetattr(STDIN_FILENO, &before_) != 0) return;
  active_ = true;
  std::cerr << "Password for " << user << ": " << std::flush;
  termios hidden = before_;
  hidden.c_lflag &= ~static_cast<tcflag_t>(ECHO);
  ::tcsetattr(STDIN_FILENO, TCSANOW, &hidden);
}

PasswordPrompt::~PasswordPrompt() {
  if (!active_) return;
  ::tcsetattr(STDIN_FILENO, TCSANOW, &before_);
  std::cerr << '\n';
}

}  // namespace beckon::server::admin
